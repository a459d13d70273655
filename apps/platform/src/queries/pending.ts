import type { Database } from '@asheville/database'
import { listedColumns, listedTables, type ListedRow } from './reading.ts'

/** Notes which of these items have files that are to be tried again, each time later, a week apart at most; the others have none any more. */
export async function notePending(
  db: Database,
  userId: string,
  storageId: string,
  origin: { connectionId: string; stream: string },
  { pending, settled }: { pending: readonly string[]; settled: readonly string[] },
): Promise<void> {
  await removePending(db, userId, storageId, settled)
  if (pending.length === 0) return
  await db.query(
    `INSERT INTO pending_items AS p (user_id, storage_id, key, connection_id, stream, next_at)
     SELECT $1, $2, key, $3, $4, now() + interval '15 minutes' FROM (SELECT DISTINCT unnest($5::text[]) AS key) AS item ORDER BY key
     ON CONFLICT (user_id, storage_id, key) DO UPDATE SET connection_id = EXCLUDED.connection_id, stream = EXCLUDED.stream,
       tries = p.tries + 1, next_at = now() + least(interval '15 minutes' * 2 ^ least(p.tries, 20), interval '7 days')`,
    [userId, storageId, origin.connectionId, origin.stream, pending],
  )
}

export async function removePending(db: Database, userId: string, storageId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await db.query('DELETE FROM pending_items WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3)', [userId, storageId, keys])
}

/** Items of the stream that are to be tried again now, the longest waiting first. */
export function duePending(
  db: Database,
  userId: string,
  storageId: string,
  origin: { connectionId: string; stream: string },
  limit: number,
): Promise<ListedRow[]> {
  return db.query(
    `SELECT ${listedColumns} FROM ${listedTables} JOIN pending_items p ON p.user_id = i.user_id AND p.storage_id = i.storage_id AND p.key = i.key
     WHERE p.user_id = $1 AND p.storage_id = $2 AND p.connection_id = $3 AND p.stream = $4 AND p.next_at <= now()
     ORDER BY p.next_at LIMIT $5`,
    [userId, storageId, origin.connectionId, origin.stream, limit],
  )
}

/** When the first of those of the stream that are not due yet will be; null: there are none. */
export async function nextPending(
  db: Database,
  userId: string,
  storageId: string,
  { connectionId, stream }: { connectionId: string; stream: string },
): Promise<string | null> {
  const [row] = await db.query<{ at: string | null }>(
    `SELECT min(next_at) AS at FROM pending_items
     WHERE user_id = $1 AND storage_id = $2 AND connection_id = $3 AND stream = $4 AND next_at > now()`,
    [userId, storageId, connectionId, stream],
  )
  return row?.at ?? null
}
