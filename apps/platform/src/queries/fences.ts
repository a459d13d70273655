import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'
import { personHash } from './forgotten.ts'

/** A worker's claim to write for a stream: of several, the one with the highest fence holds. */
export interface Claim {
  userId: string
  connectionId: string
  stream: string
  fence: number
}

const lost = () => new AshevilleError('conflict', 'Another worker has taken this stream over')

/** Notes the fence if it is the highest so far. Throws `conflict` when a higher one was here before, or the person's account is closed. */
export async function claimFence(db: Database, { userId, connectionId, stream, fence }: Claim): Promise<void> {
  const rows = await db.query(
    // One that is noted already is not written again.
    `WITH wanted AS (SELECT $1::uuid, $2::uuid, $3::text, $4::bigint WHERE NOT EXISTS (SELECT FROM forgotten WHERE person_hash = $5)),
     noted AS (SELECT FROM fences WHERE user_id = $1 AND connection_id = $2 AND stream = $3 AND fence = $4),
     claimed AS (
       INSERT INTO fences AS f (user_id, connection_id, stream, fence) SELECT * FROM wanted WHERE NOT EXISTS (SELECT FROM noted)
       ON CONFLICT (user_id, connection_id, stream) DO UPDATE SET fence = EXCLUDED.fence WHERE f.fence <= EXCLUDED.fence
       RETURNING 1)
     SELECT 1 FROM claimed UNION ALL SELECT 1 FROM wanted WHERE EXISTS (SELECT FROM noted)`,
    [userId, connectionId, stream, fence, personHash(userId)],
  )
  if (rows.length === 0) throw lost()
}

/** Throws `conflict` when a higher fence has come since the claim, or the person was forgotten. */
export async function checkFence(db: Database, { userId, connectionId, stream, fence }: Claim): Promise<void> {
  const [row] = await db.query<{ fence: number }>('SELECT fence FROM fences WHERE user_id = $1 AND connection_id = $2 AND stream = $3', [
    userId,
    connectionId,
    stream,
  ])
  if (!row || row.fence > fence) throw lost()
}
