import type { Arrival } from '../connect/come-back.ts'
import type { NewLink } from '../connect/save-connection.ts'

/** The storage that came along with signing in, as it is connected. */
export function linkOf({ found, account, signedIn, transaction }: Arrival): NewLink {
  const { registrationId, endpoints } = transaction
  return { ...signedIn, provider: found.adapter.id, account, registrationId, endpoints, reconnects: null, storageId: null }
}
