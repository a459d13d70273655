import { AshevilleError } from '@asheville/core'
import type { AccountsClient } from '../context.ts'

/** Throws `forbidden` for everybody but the owner of this server. */
export async function requireOwner(
  accounts: Pick<AccountsClient, 'getUser'>,
  call: { userId: string; requestId: string; signal: AbortSignal },
): Promise<void> {
  const { role } = await accounts.getUser(call)
  if (role !== 'owner') throw new AshevilleError('forbidden', 'This is for the owner of this server alone')
}
