import type { Hint } from '@asheville/core'
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
 * The network says of these accounts, whoever has connected them, that there is something new: their streams are due at once, or `shortestMs` after their last sync.
 * Said again before it was looked at, it changes nothing. Neither where the person has said how often, nor while the stream fails or waits for a limit.
 */
export async function hintStreams(db: Database, network: string, hints: readonly Hint[], shortestMs: number): Promise<void> {
  const told = hints.flatMap(({ accountId, streams }) => streams.map((stream) => ({ accountId, stream })))
  if (told.length === 0) return
  await db.query(
    `UPDATE streams s SET hinted_at = now(), next_due_at = CASE WHEN s.next_due_at IS NOT NULL THEN
       least(s.next_due_at, greatest(now(), s.last_synced_at + $4 * interval '1 millisecond')) END
     FROM unnest($2::text[], $3::text[]) AS h (account_id, stream)
     JOIN connections c ON c.provider = $1 AND c.account_id = h.account_id AND c.removed_at IS NULL AND c.sync_every_minutes IS NULL
     WHERE s.connection_id = c.id AND s.name = h.stream AND s.hinted_at IS NULL AND s.failing_since IS NULL AND s.state <> 'waiting'`,
    [network, told.map(({ accountId }) => accountId), told.map(({ stream }) => stream), shortestMs],
  )
}
