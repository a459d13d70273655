import { AshevilleError } from '@asheville/core'
import type { Identity } from '@asheville/clients'
import { asService, isUniqueViolation, type Database } from '@asheville/database'
import { countWaysIn } from '../people/count-ways-in.ts'

/** An account elsewhere: never recognised by its e-mail address (RULES 26). */
export interface ProviderAccount {
  provider: string
  server: string | null
  providerUserId: string
}

/** Whose account that is; null when nobody signs in with it. */
export async function findIdentity(db: Database, account: ProviderAccount): Promise<{ id: string; userId: string } | null> {
  const [row] = await asService(() =>
    db.query<{ id: string; userId: string }>(
      `SELECT id, user_id AS "userId" FROM identities
       WHERE provider = $1 AND COALESCE(server, '') = COALESCE($2, '') AND provider_user_id = $3`,
      [account.provider, account.server, account.providerUserId],
    ),
  )
  return row ?? null
}

/** Adds it to the person's; the same again is known by its new handle. `conflict` when it is somebody else's. */
export async function putIdentity(
  tx: Database,
  userId: string,
  account: ProviderAccount & { handle: string },
): Promise<{ id: string; isNew: boolean }> {
  const known = await findIdentity(tx, account)
  if (known && known.userId !== userId) throw someoneElses()
  if (known) {
    await tx.query('UPDATE identities SET handle = $3 WHERE user_id = $1 AND id = $2', [userId, known.id, account.handle])
    return { id: known.id, isNew: false }
  }
  try {
    const [row] = await tx.query<{ id: string }>(
      'INSERT INTO identities (user_id, provider, server, provider_user_id, handle) VALUES ($1, $2, $3, $4, $5) RETURNING id',
      [userId, account.provider, account.server, account.providerUserId, account.handle],
    )
    return { id: row!.id, isNew: true }
  } catch (error) {
    throw isUniqueViolation(error, 'identities_provider_user') ? someoneElses(error) : error
  }
}

export function someoneElses(cause?: unknown): AshevilleError {
  return new AshevilleError('conflict', 'Somebody else signs in with this account, so it cannot be added to yours', { cause })
}

/** The person signed in with it just now, as the provider calls them now. */
export async function useIdentity(tx: Database, userId: string, identityId: string, handle: string): Promise<void> {
  await tx.query('UPDATE identities SET handle = $3, last_used_at = now() WHERE user_id = $1 AND id = $2', [userId, identityId, handle])
}

/** The person's, oldest first. */
export async function listIdentities(db: Database, userId: string): Promise<Identity[]> {
  const isRemovable = (await countWaysIn(db, userId)) > 1
  const rows = await db.query<Omit<Identity, 'isRemovable'>>(
    `SELECT id, provider, server, provider_user_id AS "providerUserId", handle, created_at AS "createdAt", last_used_at AS "lastUsedAt"
     FROM identities WHERE user_id = $1 ORDER BY created_at, id`,
    [userId],
  )
  return rows.map((row) => ({ ...row, isRemovable }))
}

/** Takes it away; for `local`, the password with it. `not-found` when it is not the person's. The person is locked. */
export async function removeIdentity(tx: Database, userId: string, identityId: string): Promise<void> {
  const [row] = await tx.query<{ provider: string }>('DELETE FROM identities WHERE user_id = $1 AND id = $2 RETURNING provider', [
    userId,
    identityId,
  ])
  if (!row) throw new AshevilleError('not-found', 'There is no such way to sign in')
  if (row.provider === 'local') await tx.query('DELETE FROM passwords WHERE user_id = $1', [userId])
}
