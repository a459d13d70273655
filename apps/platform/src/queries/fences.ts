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
    `INSERT INTO fences AS f (user_id, connection_id, stream, fence)
     SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM forgotten WHERE person_hash = $5)
     ON CONFLICT (user_id, connection_id, stream) DO UPDATE SET fence = EXCLUDED.fence WHERE f.fence <= EXCLUDED.fence
     RETURNING fence`,
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
