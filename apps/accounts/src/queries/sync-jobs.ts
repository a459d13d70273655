import type { SkippedItem } from '@asheville/core'
import type { Quiet, SyncJob, SyncResult, Tally } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { isFree } from '../admin/controls.ts'
import { mostQueued, queuedOf, standsInLine } from './admission.ts'
import type { Rest } from '../streams/rest-after.ts'
import type { JobRun, StreamId } from './leases.ts'
import { nextMonth } from './reads.ts'

/** A job whose hand-over to the queue may have been lost is handed over again after this. */
const again = "interval '30 seconds'"

const jobColumns = `j.sync_id AS "syncId", j.user_id AS "userId", j.connection_id AS "connectionId", c.provider AS network, j.stream, y.trigger`

/** Who waits for longer leaves the queue, and comes back by a claim. */
const longWait = "interval '5 seconds'"

/**
 * Jobs for these streams in the running syncs of their owners, `userId`'s or (null) anybody's; answers those that are to be queued, the others
 * are parked. A stream whose work is under way gets none. One that this sync did already is done once more if that is at least
 * `redoAfterMs` ago.
 */
export async function addJobs(tx: Database, userId: string | null, streams: readonly StreamId[], redoAfterMs: number): Promise<SyncJob[]> {
  return tx.query<SyncJob>(
    `WITH wanted AS (
       SELECT y.id AS sync_id, s.connection_id, s.name, s.user_id, c.provider,
         row_number() OVER (PARTITION BY s.user_id, c.provider ORDER BY w.place) AS place
       FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS w (connection_id, stream, place)
       JOIN streams s ON s.connection_id = w.connection_id AND s.name = w.stream
       JOIN connections c ON c.id = s.connection_id
       JOIN syncs y ON y.user_id = s.user_id AND y.state = 'running'
       WHERE ($1::uuid IS NULL OR s.user_id = $1)
         AND NOT EXISTS (SELECT FROM sync_jobs u WHERE u.connection_id = s.connection_id AND u.stream = s.name AND u.finished_at IS NULL)
         AND NOT EXISTS (SELECT FROM sync_jobs u WHERE u.sync_id = y.id AND u.connection_id = s.connection_id AND u.stream = s.name
           AND u.finished_at > now() - $4 * interval '1 millisecond')),
     added AS (
       INSERT INTO sync_jobs AS j (sync_id, connection_id, stream, user_id, enqueue_after, parked_at)
       SELECT w.sync_id, w.connection_id, w.name, w.user_id, now() + ${again}, CASE WHEN w.place + ${queuedOf('w')} > ${mostQueued} THEN now() END
       FROM wanted w
       ON CONFLICT (sync_id, connection_id, stream) DO UPDATE SET state = 'queued', reason = NULL, until = NULL, run = j.run + 1,
         is_planned = false, takes = 0, enqueue_after = now() + ${again}, parked_at = excluded.parked_at, finished_at = NULL,
         earlier_news = j.new_items + j.gone_items
       RETURNING j.*),
     queued AS (
       UPDATE streams s SET state = 'queued', reason = NULL, until = NULL, next_due_at = NULL, hinted_at = NULL, sync_id = j.sync_id
       FROM added j WHERE s.connection_id = j.connection_id AND s.name = j.stream)
     SELECT ${jobColumns} FROM added j JOIN connections c ON c.id = j.connection_id JOIN syncs y ON y.id = j.sync_id WHERE j.parked_at IS NULL`,
    [userId, streams.map(({ connectionId }) => connectionId), streams.map(({ stream }) => stream), redoAfterMs],
  )
}

/** The sync's jobs that belong on the queue now: unfinished, not parked, and not waiting for a time that is still to come. */
export async function listReadyJobs(db: Database, userId: string, syncId: string): Promise<SyncJob[]> {
  return db.query<SyncJob>(
    `SELECT ${jobColumns} FROM sync_jobs j JOIN connections c ON c.id = j.connection_id JOIN syncs y ON y.id = j.sync_id
     WHERE j.user_id = $1 AND j.sync_id = $2 AND j.finished_at IS NULL AND j.parked_at IS NULL AND (j.until IS NULL OR j.until <= now())
     ORDER BY c.created_at, j.stream`,
    [userId, syncId],
  )
}

interface ResultRow extends Omit<SyncResult, 'tally'>, Omit<Tally, 'skipped'> {
  skippedItems: number
}

/** What the sync did on each stream, or does. */
export async function listResults(db: Database, userId: string, syncId: string): Promise<SyncResult[]> {
  const rows = await db.query<ResultRow>(
    `SELECT j.connection_id AS "connectionId", c.provider, c.handle, j.stream, j.state, j.reason, j.pages, j.skipped AS "skipped",
       j.finished_at AS "finishedAt", new_items AS new, changed_items AS changed, unchanged_items AS unchanged, gone_items AS gone,
       skipped_items AS "skippedItems"
     FROM sync_jobs j JOIN connections c ON c.id = j.connection_id
     WHERE j.user_id = $1 AND j.sync_id = $2 ORDER BY c.created_at, c.id, j.stream`,
    [userId, syncId],
  )
  return rows.map(({ new: added, changed, unchanged, gone, skippedItems, ...row }) => ({
    ...row,
    tally: { new: added, changed, unchanged, gone, skipped: skippedItems },
  }))
}

/**
 * Unfinished jobs of anybody that nobody holds and that were not handed over lately: what a lost queue, a lost hand-over or a
 * dead worker left behind, and what was parked, waits for nothing any more, and has a place on its queue (of that, several claimers at once
 * may each take as much). Two claimers never get the same one.
 */
export async function claimUnheldJobs(db: Database, networks: readonly string[], limit: number): Promise<SyncJob[]> {
  return db.query<SyncJob>(
    `WITH due AS MATERIALIZED (
       SELECT j.sync_id, j.connection_id, j.stream, j.user_id, c.provider, j.parked_at FROM sync_jobs j
       JOIN connections c ON c.id = j.connection_id AND c.provider = ANY ($1)
       LEFT JOIN leases l ON l.connection_id = j.connection_id AND l.stream = j.stream
       WHERE j.finished_at IS NULL AND j.enqueue_after <= now() AND (l.holder IS NULL OR l.expires_at <= now())
       ORDER BY j.enqueue_after LIMIT $2 FOR UPDATE OF j SKIP LOCKED),
     placed AS (
       SELECT d.*, CASE WHEN d.parked_at IS NULL THEN 0
         ELSE ${queuedOf('d')} + row_number() OVER (PARTITION BY d.user_id, d.provider, d.parked_at IS NULL ORDER BY d.parked_at) END AS place
       FROM due d),
     moved AS (
       UPDATE sync_jobs j SET enqueue_after = now() + ${again}, parked_at = CASE WHEN p.place > ${mostQueued} THEN j.parked_at END FROM placed p
       WHERE j.sync_id = p.sync_id AND j.connection_id = p.connection_id AND j.stream = p.stream RETURNING j.*)
     SELECT ${jobColumns} FROM moved j JOIN connections c ON c.id = j.connection_id JOIN syncs y ON y.id = j.sync_id WHERE j.parked_at IS NULL`,
    [networks, limit],
  )
}

export interface UnfinishedJob {
  takes: number
  /** It waits for a time that is still to come, or for its turn. */
  isEarly: boolean
}

/** The sync's job on that stream; null when it has ended or is not this person's. */
export async function findUnfinishedJob(db: Database, userId: string, syncId: string, id: StreamId): Promise<UnfinishedJob | null> {
  const [job] = await db.query<UnfinishedJob>(
    `SELECT takes, (parked_at IS NOT NULL OR coalesce(until > now() + interval '1 second', false)) AS "isEarly" FROM sync_jobs
     WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4 AND finished_at IS NULL`,
    [userId, syncId, id.connectionId, id.stream],
  )
  return job ?? null
}

/** The sync that the stream's unfinished job is of. */
export async function findSyncOf(db: Database, userId: string, { connectionId, stream }: StreamId): Promise<string | null> {
  const [job] = await db.query<{ syncId: string }>(
    'SELECT sync_id AS "syncId" FROM sync_jobs WHERE user_id = $1 AND connection_id = $2 AND stream = $3 AND finished_at IS NULL',
    [userId, connectionId, stream],
  )
  return job?.syncId ?? null
}

/** Whether the work that a lease was taken for is still wanted. */
export async function isJobWanted(db: Database, userId: string, { syncId, run }: JobRun, id: StreamId): Promise<boolean> {
  const rows = await db.query(
    `SELECT FROM sync_jobs WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4 AND run = $5 AND finished_at IS NULL`,
    [userId, syncId, id.connectionId, id.stream, run],
  )
  return rows.length > 0
}

/** Whether whoever holds that lease is to go on: the work is wanted still, and the owner of the server has not paused the network. */
export async function goesOn(db: Database, userId: string, { syncId, run }: JobRun, id: StreamId): Promise<boolean> {
  const rows = await db.query(
    `SELECT FROM sync_jobs j JOIN connections c ON c.user_id = $1 AND c.id = j.connection_id AND ${isFree('c.provider')}
     WHERE j.user_id = $1 AND j.sync_id = $2 AND j.connection_id = $3 AND j.stream = $4 AND j.run = $5 AND j.finished_at IS NULL`,
    [userId, syncId, id.connectionId, id.stream, run],
  )
  return rows.length > 0
}

/** Nothing is begun of its network for now; as soon as that goes on again, the job is to be claimed. */
export async function waitForClaim(tx: Database, userId: string, syncId: string, id: StreamId): Promise<void> {
  await tx.query('UPDATE sync_jobs SET enqueue_after = now() WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4', [
    userId,
    syncId,
    id.connectionId,
    id.stream,
  ])
}

/** Its walks are to be planned anew. */
export async function markUnplanned(tx: Database, userId: string, syncId: string, id: StreamId): Promise<void> {
  await tx.query('UPDATE sync_jobs SET is_planned = false WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4', [
    userId,
    syncId,
    id.connectionId,
    id.stream,
  ])
}

/** This run of the job has its walks. */
export async function markPlanned(tx: Database, userId: string, { syncId, run }: JobRun, id: StreamId): Promise<void> {
  await tx.query(
    'UPDATE sync_jobs SET is_planned = true WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4 AND run = $5',
    [userId, syncId, id.connectionId, id.stream, run],
  )
}

export interface Progress {
  pages: number
  tally: Tally
  skipped: readonly SkippedItem[]
}

/** Counts what a batch did. Only the last 20 skipped items are kept; all are counted. */
export async function addProgress(tx: Database, userId: string, syncId: string, id: StreamId, progress: Progress): Promise<void> {
  const { tally, pages, skipped } = progress
  await tx.query(
    `UPDATE sync_jobs SET new_items = new_items + $5, changed_items = changed_items + $6, unchanged_items = unchanged_items + $7,
       gone_items = gone_items + $8, skipped_items = skipped_items + $9, pages = pages + $10, takes = 0,
       skipped = CASE WHEN $11::jsonb = '[]' THEN skipped ELSE (
         SELECT coalesce(jsonb_agg(item ORDER BY place), '[]') FROM (
           SELECT item, place FROM jsonb_array_elements(skipped || $11) WITH ORDINALITY AS e (item, place) ORDER BY place DESC LIMIT 20) last) END
     WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4`,
    [
      userId,
      syncId,
      id.connectionId,
      id.stream,
      tally.new,
      tally.changed,
      tally.unchanged,
      tally.gone,
      tally.skipped,
      pages,
      JSON.stringify(skipped),
    ],
  )
}

/**
 * More is to be done, at once (`until` null) or not before. Answers whether the job has left its queue: it waits for long, or makes way for
 * another of the same person that stands in line.
 */
export async function postponeJob(
  tx: Database,
  userId: string,
  syncId: string,
  id: StreamId,
  as: { state: 'running' | 'waiting' | 'retrying'; until: string | null; reason: string | null },
): Promise<boolean> {
  const [job] = await tx.query<{ isParked: boolean }>(
    `UPDATE sync_jobs k SET state = $5, until = $6, reason = $7, takes = 0, enqueue_after = coalesce($6, now() + ${again}),
       parked_at = CASE WHEN $6 > now() + ${longWait} OR ($6::timestamptz IS NULL AND EXISTS (
         SELECT FROM sync_jobs j JOIN connections c ON c.id = j.connection_id
         WHERE j.user_id = $1 AND ${standsInLine} AND c.provider = (SELECT provider FROM connections WHERE id = $3))) THEN clock_timestamp() END
     WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4 RETURNING parked_at IS NOT NULL AS "isParked"`,
    [userId, syncId, id.connectionId, id.stream, as.state, as.until, as.reason],
  )
  await tx.query(
    `UPDATE streams SET state = $4, until = $5, reason = $6, attempts = attempts + $7 WHERE user_id = $1 AND connection_id = $2 AND name = $3`,
    [userId, id.connectionId, id.stream, as.state, as.until, as.reason, as.state === 'retrying' ? 1 : 0],
  )
  return job?.isParked ?? false
}

/** Nothing may be read for long, until the next month unless said otherwise: the job has ended for now, its stream is due then. */
export async function holdJob(
  tx: Database,
  userId: string,
  syncId: string,
  id: StreamId,
  { until, reason }: { until: string | null; reason: string },
): Promise<void> {
  const values = [userId, id.connectionId, id.stream, reason]
  await tx.query(
    `UPDATE sync_jobs SET state = 'done', reason = $4, until = NULL, finished_at = now()
     WHERE user_id = $1 AND connection_id = $2 AND stream = $3 AND sync_id = $5`,
    [...values, syncId],
  )
  await tx.query(
    `UPDATE streams SET state = 'waiting', reason = $4, until = coalesce($5, ${nextMonth}), next_due_at = coalesce($5, ${nextMonth})
     WHERE user_id = $1 AND connection_id = $2 AND name = $3`,
    [...values, until],
  )
}

/** What of the person's unfinished jobs is meant: those of a sync, of a connection, of some of its streams. */
export interface JobFilter {
  syncId?: string
  connectionId?: string
  streams?: readonly string[]
}

/**
 * Ends unfinished jobs without having done them, and answers which. Their streams are due again after `nextDueMs`,
 * cancelled ones not before the person wants the connection synced again; null: not by themselves.
 */
export async function endJobs(
  tx: Database,
  userId: string,
  { syncId, connectionId, streams }: JobFilter,
  end: { state: 'failed' | 'cancelled'; reason: string | null; nextDueMs: number | null },
): Promise<SyncJob[]> {
  const ended = await tx.query<SyncJob>(
    `WITH ended AS (
       UPDATE sync_jobs SET state = $5, reason = $6, until = NULL, finished_at = now()
       WHERE user_id = $1 AND finished_at IS NULL AND ($2::uuid IS NULL OR sync_id = $2)
         AND ($3::uuid IS NULL OR connection_id = $3) AND ($4::text[] IS NULL OR stream = ANY ($4))
       RETURNING *),
     marked AS (
       UPDATE streams s SET state = $5, reason = $6, until = NULL, next_due_at = now() + interval '1 millisecond' *
         CASE WHEN $5 = 'cancelled' AND c.sync_every_minutes * 60000 > $7 THEN c.sync_every_minutes * 60000 ELSE $7 END
       FROM ended j JOIN connections c ON c.id = j.connection_id WHERE s.connection_id = j.connection_id AND s.name = j.stream)
     SELECT ${jobColumns} FROM ended j JOIN connections c ON c.id = j.connection_id JOIN syncs y ON y.id = j.sync_id`,
    [userId, syncId ?? null, connectionId ?? null, streams ?? null, end.state, end.reason, end.nextDueMs],
  )
  // Those that stand in line may have a place now: the next claim looks.
  if (ended.length > 0) await tx.query(`UPDATE sync_jobs j SET enqueue_after = now() WHERE j.user_id = $1 AND ${standsInLine}`, [userId])
  return ended
}

/**
 * What a slice pulled to its end without having stored anything. The head of the stream moves as after a complete incremental walk. No
 * progress: whatever made the stream fail before may still do so.
 */
export async function saveQuiet(tx: Database, userId: string, { syncId, run }: JobRun, id: StreamId, quiet: Quiet): Promise<void> {
  await tx.query(
    `UPDATE sync_jobs SET is_planned = true, pages = pages + $6
     WHERE user_id = $1 AND sync_id = $2 AND connection_id = $3 AND stream = $4 AND run = $5`,
    [userId, syncId, id.connectionId, id.stream, run, quiet.pages],
  )
  await tx.query(
    `UPDATE streams SET head = coalesce($4, head), available = available || $5::jsonb
     WHERE user_id = $1 AND connection_id = $2 AND name = $3`,
    [userId, id.connectionId, id.stream, quiet.head, JSON.stringify(quiet.available)],
  )
}

/** A job that is done, with what its last slice had not saved yet. */
export interface DoneJob extends StreamId, Rest {
  userId: string
  syncId: string
  quiet?: Quiet | undefined
  /** As it is returned with the lease. */
  mediaDueAt?: string | null | undefined
}

/** Ends jobs whose streams are up to date, of whomever, and gives their leases back. The people are locked. */
export async function completeJobs(tx: Database, jobs: readonly DoneJob[]): Promise<void> {
  await tx.query(
    `WITH ended AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::float8[], $6::boolean[], $7::text[], $8::int[], $9::jsonb[],
         $10::boolean[], $11::timestamptz[], $12::float8[], $13::boolean[])
         AS e (user_id, connection_id, stream, sync_id, next_ms, is_quiet, head, pages, available, tells_media, media_due_at, gap_ms, has_news)),
     released AS (
       UPDATE leases l SET holder = NULL, expires_at = NULL
       FROM ended e WHERE l.user_id = e.user_id AND l.connection_id = e.connection_id AND l.stream = e.stream),
     done AS (
       UPDATE sync_jobs j SET state = 'done', reason = NULL, until = NULL, finished_at = now(), pages = j.pages + e.pages,
         is_quiet = e.is_quiet AND (j.is_quiet OR j.pages = 0)
       FROM ended e
       WHERE j.user_id = e.user_id AND j.sync_id = e.sync_id AND j.connection_id = e.connection_id AND j.stream = e.stream)
     UPDATE streams s SET state = 'idle', reason = NULL, until = NULL, last_synced_at = now(), failures = 0, failing_since = NULL, attempts = 0,
       gap_ms = e.gap_ms, news_at = CASE WHEN e.has_news THEN now() ELSE s.news_at END,
       next_due_at = now() + e.next_ms * interval '1 millisecond', head = coalesce(e.head, s.head), available = s.available || e.available,
       media_due_at = CASE WHEN e.tells_media THEN e.media_due_at ELSE s.media_due_at END
     FROM ended e WHERE s.user_id = e.user_id AND s.connection_id = e.connection_id AND s.name = e.stream`,
    [
      jobs.map(({ userId }) => userId),
      jobs.map(({ connectionId }) => connectionId),
      jobs.map(({ stream }) => stream),
      jobs.map(({ syncId }) => syncId),
      jobs.map(({ nextDueMs }) => nextDueMs),
      jobs.map(({ quiet }) => quiet !== undefined),
      jobs.map(({ quiet }) => quiet?.head ?? null),
      jobs.map(({ quiet }) => quiet?.pages ?? 0),
      jobs.map(({ quiet }) => JSON.stringify(quiet?.available ?? {})),
      jobs.map(({ mediaDueAt }) => mediaDueAt !== undefined),
      jobs.map(({ mediaDueAt }) => mediaDueAt ?? null),
      jobs.map(({ gapMs }) => gapMs),
      jobs.map(({ hasNews }) => hasNews),
    ],
  )
}
