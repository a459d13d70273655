import type { Stream } from '@asheville/core'
import type { StreamStatus, Tally } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Place } from '../streams/expected-walks.ts'
import type { StreamId } from './leases.ts'

/** Rows for the streams that an adapter has; those that are there already stay as they are. */
export async function addStreams(tx: Database, userId: string, connectionId: string, names: readonly string[]): Promise<void> {
  await tx.query(
    `INSERT INTO streams (connection_id, name, user_id) SELECT $2, name, $1 FROM unnest($3::text[]) AS name ON CONFLICT DO NOTHING`,
    [userId, connectionId, names],
  )
}

/**
 * Gives a stream that an adapter has now to connections that were made before it had it; it is due where it is wanted.
 * Answers how many got it, at most `limit`.
 */
export async function addNewStream(
  db: Database,
  {
    provider,
    name,
    contentTypes,
    scopes = [],
    limit,
  }: Pick<Stream, 'name' | 'contentTypes' | 'scopes'> & { provider: string; limit: number },
): Promise<number> {
  const rows = await db.query(
    `INSERT INTO streams (connection_id, name, user_id, next_due_at)
     SELECT c.id, $2, c.user_id,
       CASE WHEN c.state IN ('active', 'full') AND (c.content_types IS NULL OR c.content_types && $3::text[])
         AND NOT c.declined && $5::text[] THEN now() END
     FROM connections c WHERE c.provider = $1 AND c.removed_at IS NULL
       AND NOT EXISTS (SELECT FROM streams s WHERE s.connection_id = c.id AND s.name = $2)
     LIMIT $4 ON CONFLICT DO NOTHING RETURNING 1`,
    [provider, name, contentTypes, limit, scopes],
  )
  return rows.length
}

/** From now on a scheduled sync may take these streams, unless work on them is under way already. */
export async function makeDue(tx: Database, userId: string, connectionId: string, names: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE streams s SET next_due_at = now() WHERE user_id = $1 AND connection_id = $2 AND name = ANY ($3)
     AND NOT EXISTS (SELECT FROM sync_jobs j WHERE j.connection_id = s.connection_id AND j.stream = s.name AND j.finished_at IS NULL)`,
    [userId, connectionId, names],
  )
}

/** No scheduled sync takes the connection's streams, or those of these names. */
export async function makeNotDue(tx: Database, userId: string, connectionId: string, names: readonly string[] | null): Promise<void> {
  await tx.query(
    `UPDATE streams SET next_due_at = NULL
     WHERE user_id = $1 AND connection_id = $2 AND ($3::text[] IS NULL OR name = ANY ($3)) AND next_due_at IS NOT NULL`,
    [userId, connectionId, names],
  )
}

/** What waits without a job (`holdJob`) is due now: more may be read than before. What the network itself holds back waits again. */
export async function makeHeldDue(tx: Database, userId: string, connectionId: string): Promise<void> {
  await tx.query(
    `UPDATE streams SET state = 'idle', reason = NULL, until = NULL, next_due_at = now()
     WHERE user_id = $1 AND connection_id = $2 AND state = 'waiting' AND next_due_at IS NOT NULL`,
    [userId, connectionId],
  )
}

/** Whether anything of the connection was ever pulled. */
export async function wasPulled(db: Database, userId: string, connectionId: string): Promise<boolean> {
  const rows = await db.query('SELECT FROM streams WHERE user_id = $1 AND connection_id = $2 AND version > 0 LIMIT 1', [
    userId,
    connectionId,
  ])
  return rows.length > 0
}

/** Whoever holds the leases of these streams is refused from now on; jobs under way are queued again, for now, and plan anew. */
export async function interruptStreams(tx: Database, userId: string, connectionId: string, names: readonly string[]): Promise<void> {
  const values = [userId, connectionId, names]
  const mine = 'user_id = $1 AND connection_id = $2 AND stream = ANY ($3)'
  await tx.query(`UPDATE leases SET fence = fence + 1, holder = NULL, expires_at = NULL WHERE ${mine} AND holder IS NOT NULL`, values)
  await tx.query(
    `WITH again AS (
       UPDATE sync_jobs SET state = 'queued', is_planned = false, takes = 0, enqueue_after = now(), until = NULL, reason = NULL
       WHERE ${mine} AND finished_at IS NULL RETURNING connection_id, stream)
     UPDATE streams s SET state = 'queued', until = NULL, reason = NULL, attempts = 0
     FROM again a WHERE s.connection_id = a.connection_id AND s.name = a.stream`,
    values,
  )
}

/** These streams are pulled from the start again: no head, no walks; what is under way is interrupted. */
export async function resetStreams(tx: Database, userId: string, connectionId: string, names: readonly string[]): Promise<void> {
  const values = [userId, connectionId, names]
  await interruptStreams(tx, userId, connectionId, names)
  await tx.query(
    `DELETE FROM walks w USING streams s WHERE s.user_id = $1 AND s.connection_id = $2 AND s.name = ANY ($3)
     AND w.connection_id = s.connection_id AND w.stream = s.name`,
    values,
  )
  await tx.query(
    'UPDATE streams SET head = NULL, media_due_at = now() WHERE user_id = $1 AND connection_id = $2 AND name = ANY ($3)',
    values,
  )
}

/** Whatever files its items lack are tried again with the next sync. */
export async function makeMediaDue(tx: Database, userId: string, { connectionId, stream }: StreamId): Promise<void> {
  await tx.query('UPDATE streams SET media_due_at = now() WHERE user_id = $1 AND connection_id = $2 AND name = $3', [
    userId,
    connectionId,
    stream,
  ])
}

/** This sync begins these streams from scratch; answers those that it has not begun so before. */
export async function markAnew(tx: Database, userId: string, syncId: string, ids: readonly StreamId[]): Promise<StreamId[]> {
  return tx.query<StreamId>(
    `UPDATE streams s SET anew_in = $2 FROM unnest($3::uuid[], $4::text[]) AS w (connection_id, stream)
     WHERE s.user_id = $1 AND s.connection_id = w.connection_id AND s.name = w.stream AND s.anew_in IS DISTINCT FROM $2
     RETURNING s.connection_id AS "connectionId", s.name AS stream`,
    [userId, syncId, ids.map(({ connectionId }) => connectionId), ids.map(({ stream }) => stream)],
  )
}

/** Where every stream of the person's stands, as the next sync of it would find it. */
export async function listPlaces(
  db: Database,
  userId: string,
): Promise<(Place & { connectionId: string; name: string; available: Record<string, number>; isUnderWay: boolean })[]> {
  return db.query(
    `SELECT s.connection_id AS "connectionId", s.name, s.version, s.head IS NOT NULL AS "hasHead", s.available,
       ARRAY (SELECT DISTINCT w.kind FROM walks w WHERE w.connection_id = s.connection_id AND w.stream = s.name) AS open,
       EXISTS (SELECT FROM sync_jobs j WHERE j.connection_id = s.connection_id AND j.stream = s.name AND j.finished_at IS NULL) AS "isUnderWay"
     FROM streams s WHERE s.user_id = $1`,
    [userId],
  )
}

/** One more sync of the stream failed; answers how many in a row that got nowhere, and for how long that has been so. */
export async function addFailure(
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
): Promise<{ failures: number; failingMs: number }> {
  const [row] = await tx.query<{ failures: number; failingMs: number }>(
    `UPDATE streams SET failures = failures + 1, failing_since = coalesce(failing_since, now())
     WHERE user_id = $1 AND connection_id = $2 AND name = $3
     RETURNING failures, (extract(epoch FROM now() - failing_since) * 1000)::float8 AS "failingMs"`,
    [userId, connectionId, stream],
  )
  return row ?? { failures: 1, failingMs: 0 }
}

/** What failed so far counts no more: the person wants it tried anew. */
export async function forgetFailures(tx: Database, userId: string, connectionId: string): Promise<void> {
  await tx.query(
    'UPDATE streams SET failures = 0, failing_since = NULL WHERE user_id = $1 AND connection_id = $2 AND failing_since IS NOT NULL',
    [userId, connectionId],
  )
}

/** Whether any stream of the connection that is wanted works, or did so within that time. */
export async function hasWorkedWithin(db: Database, userId: string, connectionId: string, ms: number): Promise<boolean> {
  const rows = await db.query(
    `SELECT FROM streams s WHERE s.user_id = $1 AND s.connection_id = $2
       AND (s.failing_since IS NULL OR s.failing_since > now() - $3 * interval '1 millisecond') AND (s.next_due_at IS NOT NULL OR EXISTS (
       SELECT FROM sync_jobs j WHERE j.connection_id = s.connection_id AND j.stream = s.name AND j.finished_at IS NULL)) LIMIT 1`,
    [userId, connectionId, ms],
  )
  return rows.length > 0
}

/** By which version the stream was pulled last; null when the adapter has a stream that this connection has not. */
export async function findVersion(db: Database, userId: string, { connectionId, stream }: StreamId): Promise<number | null> {
  const [row] = await db.query<{ version: number }>('SELECT version FROM streams WHERE user_id = $1 AND connection_id = $2 AND name = $3', [
    userId,
    connectionId,
    stream,
  ])
  return row?.version ?? null
}

/** The adapter maps items in a new way: everything is pulled again, from no head. Its walks are removed by the caller. */
export async function startVersion(tx: Database, userId: string, { connectionId, stream }: StreamId, version: number): Promise<void> {
  await tx.query('UPDATE streams SET version = $4, head = NULL WHERE user_id = $1 AND connection_id = $2 AND name = $3', [
    userId,
    connectionId,
    stream,
    version,
  ])
}

/**
 * What a page told of the stream: how much there is (by content type, merged), and its head. `ifNone`: only where it has none
 * yet. Something has come through, so that what fails from now on is counted anew.
 */
export async function saveMarks(
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
  {
    available,
    head,
    hasPendingMedia,
  }: { available: Readonly<Record<string, number>>; head: { value: string; ifNone: boolean } | null; hasPendingMedia: boolean },
): Promise<void> {
  await tx.query(
    `UPDATE streams SET available = available || $4::jsonb, attempts = 0, failures = 0, failing_since = NULL,
       head = CASE WHEN $5::text IS NULL THEN head WHEN $6 THEN coalesce(head, $5) ELSE $5 END,
       media_due_at = CASE WHEN $7 THEN coalesce(media_due_at, now()) ELSE media_due_at END
     WHERE user_id = $1 AND connection_id = $2 AND name = $3`,
    [userId, connectionId, stream, JSON.stringify(available), head?.value ?? null, head?.ifNone ?? false, hasPendingMedia],
  )
}

interface StatusRow extends Omit<StreamStatus, 'tally'> {
  new: number
  changed: number
  unchanged: number
  gone: number
  skippedCount: number
}

/** Where every stream of the person's connections stands. */
export async function listStreamStatuses(db: Database, userId: string): Promise<StreamStatus[]> {
  const rows = await db.query<StatusRow>(
    `SELECT s.connection_id AS "connectionId", s.name AS stream, s.state, s.reason, s.until, s.available,
       EXISTS (SELECT FROM walks w WHERE w.connection_id = s.connection_id AND w.stream = s.name AND w.kind = 'backfill') AS backfilling,
       coalesce(j.new_items, 0) AS new, coalesce(j.changed_items, 0) AS changed, coalesce(j.unchanged_items, 0) AS unchanged,
       coalesce(j.gone_items, 0) AS gone, coalesce(j.skipped_items, 0) AS "skippedCount", coalesce(j.skipped, '[]') AS skipped,
       coalesce(j.pages, 0) AS pages, s.last_synced_at AS "lastSyncedAt", s.next_due_at AS "nextDueAt"
     FROM streams s
     JOIN connections c ON c.id = s.connection_id AND c.removed_at IS NULL
     LEFT JOIN sync_jobs j ON j.sync_id = s.sync_id AND j.connection_id = s.connection_id AND j.stream = s.name
     WHERE s.user_id = $1 ORDER BY c.created_at, c.id, s.name`,
    [userId],
  )
  return rows.map(({ new: added, changed, unchanged, gone, skippedCount, ...status }) => {
    const tally: Tally = { new: added, changed, unchanged, gone, skipped: skippedCount }
    return { ...status, tally }
  })
}
