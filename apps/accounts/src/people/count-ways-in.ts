import type { Database } from '@asheville/database'

/**
 * In how many ways a person can sign in: their password, each identity at a provider, each passkey. Ask within the
 * transaction that takes one away, after `lockPerson`: two at once must not take the last two.
 */
export async function countWaysIn(tx: Database, userId: string): Promise<number> {
  const [row] = await tx.query<{ ways: number }>(
    `SELECT (SELECT count(*) FROM passwords WHERE user_id = $1)
       + (SELECT count(*) FROM identities WHERE user_id = $1 AND provider <> 'local')
       + (SELECT count(*) FROM passkeys WHERE user_id = $1) AS ways`,
    [userId],
  )
  return row!.ways
}
