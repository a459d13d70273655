import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'
import { getUser } from '../queries/users.ts'

/** Throws `forbidden` for everybody but the owner of this server. */
export async function requireOwner(db: Database, userId: string): Promise<void> {
  const { role } = await getUser(db, userId)
  if (role !== 'owner') throw new AshevilleError('forbidden', 'This is for the owner of this server alone')
}
