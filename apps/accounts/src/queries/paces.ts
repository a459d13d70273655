import type { Database } from '@asheville/database'
import type { Pace } from '../streams/pace.ts'
import type { StreamId } from './leases.ts'

/** What a job that is done has taught of its stream, and by what it is due again. */
export interface DoneFacts extends Pace {
  /** Items that had not been there before. */
  news: number
  /** The network has said meanwhile that there is more. */
  isHinted: boolean
  syncEveryMinutes: number | null
}

/** Of the streams `s`, for `Pace`. */
const paceColumns = `s.gap_ms AS "gapMs", (extract(epoch FROM now() - s.news_at) * 1000)::float8 AS "silentMs"`

/** Of the streams `s`, connections `c` and jobs `j`. */
export const doneColumns = `${paceColumns}, s.hinted_at IS NOT NULL AS "isHinted", c.sync_every_minutes AS "syncEveryMinutes",
  j.new_items + j.gone_items - j.earlier_news AS news`

export async function findDoneFacts(db: Database, userId: string, syncId: string, { connectionId, stream }: StreamId): Promise<DoneFacts> {
  const [facts] = await db.query<DoneFacts>(
    `SELECT ${doneColumns} FROM sync_jobs j JOIN connections c ON c.id = j.connection_id
     JOIN streams s ON s.connection_id = j.connection_id AND s.name = j.stream
     WHERE j.user_id = $1 AND j.sync_id = $2 AND j.connection_id = $3 AND j.stream = $4`,
    [userId, syncId, connectionId, stream],
  )
  return facts!
}

/** The connection's streams that are due by and by, at their own pace: those that fail or wait for a limit are not. */
export async function listPaces(
  db: Database,
  userId: string,
  connectionId: string,
): Promise<(Pace & { stream: string; sinceSyncMs: number })[]> {
  return db.query(
    `SELECT s.name AS stream, ${paceColumns}, (extract(epoch FROM now() - s.last_synced_at) * 1000)::float8 AS "sinceSyncMs"
     FROM streams s WHERE s.user_id = $1 AND s.connection_id = $2 AND s.next_due_at IS NOT NULL AND s.last_synced_at IS NOT NULL
       AND s.failing_since IS NULL AND s.state <> 'waiting'`,
    [userId, connectionId],
  )
}

export async function setDue(
  tx: Database,
  userId: string,
  connectionId: string,
  due: readonly { stream: string; inMs: number }[],
): Promise<void> {
  await tx.query(
    `UPDATE streams s SET next_due_at = now() + d.in_ms * interval '1 millisecond'
     FROM unnest($3::text[], $4::float8[]) AS d (stream, in_ms)
     WHERE s.user_id = $1 AND s.connection_id = $2 AND s.name = d.stream AND s.next_due_at IS NOT NULL`,
    [userId, connectionId, due.map(({ stream }) => stream), due.map(({ inMs }) => inMs)],
  )
}

/**
 * The network says that there is something new: the stream is due at once, or `shortestMs` after its last sync. Said again before it was looked at, it
 * changes nothing. Neither where the person has said how often, nor while the stream fails or waits for a limit. Answers whether there is such a stream.
 */
export async function hint(tx: Database, userId: string, { connectionId, stream }: StreamId, shortestMs: number): Promise<boolean> {
  const values = [userId, connectionId, stream]
  const hinted = await tx.query(
    `UPDATE streams s SET hinted_at = now(), next_due_at = CASE WHEN s.next_due_at IS NOT NULL THEN
       least(s.next_due_at, greatest(now(), s.last_synced_at + $4 * interval '1 millisecond')) END
     FROM connections c WHERE s.user_id = $1 AND s.connection_id = $2 AND s.name = $3 AND c.id = s.connection_id AND c.removed_at IS NULL
       AND c.sync_every_minutes IS NULL AND s.hinted_at IS NULL AND s.failing_since IS NULL AND s.state <> 'waiting' RETURNING 1`,
    [...values, shortestMs],
  )
  if (hinted.length > 0) return true
  const found = await tx.query(
    `SELECT FROM streams s JOIN connections c ON c.id = s.connection_id AND c.removed_at IS NULL
     WHERE s.user_id = $1 AND s.connection_id = $2 AND s.name = $3`,
    values,
  )
  return found.length > 0
}
