import type { SyncJob } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { StreamId } from './leases.ts'
import { addJobs } from './sync-jobs.ts'

/** Of a connection `c`: it is pulled from. */
export const works = "c.removed_at IS NULL AND c.state IN ('active', 'full')"

// Asked of each stream by itself: so Postgres goes through what is due in its order, and never begins with all connections or people.
const mayStart = `(SELECT ${works} AND c.provider = ANY ($2) AND u.closing_at IS NULL
  FROM connections c JOIN users u ON u.id = c.user_id WHERE c.id = s.connection_id)`
/** For each stream that is started so many are looked at, as other claimers may be busy with the first of them. */
const lookedAt = 4

/** Claims come every other second: what was due for longer became so while nobody could claim it. */
export const late = "interval '5 minutes'"
/** What a small server was late with is done at once. */
const lateAtOnce = 200
const spreadAtOnce = 20_000

/**
 * After a time in which nothing was claimed: all but the longest overdue become due over as long as they wait between two syncs, an hour at most, as if they had gone on
 * all the time. What nobody has pulled yet is waited for by a person, and is not put off. Answers whether there may be more of it.
 */
export async function spreadLate(db: Database, networks: readonly string[]): Promise<boolean> {
  const spread = await db.query(
    `UPDATE streams s SET next_due_at = now() + random() * least(interval '1 hour', greatest(interval '1 minute', s.next_due_at - s.last_synced_at))
     FROM (
       SELECT s.connection_id, s.name FROM streams s JOIN connections c ON c.id = s.connection_id
       WHERE s.next_due_at < now() - ${late} AND s.last_synced_at IS NOT NULL AND ${works} AND c.provider = ANY ($1)
       ORDER BY s.next_due_at OFFSET ${lateAtOnce} LIMIT ${spreadAtOnce} FOR NO KEY UPDATE OF s SKIP LOCKED) o
     WHERE s.connection_id = o.connection_id AND s.name = o.name RETURNING 1`,
    [networks],
  )
  return spread.length === spreadAtOnce
}

/**
 * Starts what is due: at most `limit` streams, most overdue first, in one sync per person (the one that runs, if one does).
 * People whom somebody else works on at this moment are left for the next time, so that several claimers share the work and
 * never do the same twice. Runs in a transaction of its own.
 */
export async function startDueStreams(tx: Database, networks: readonly string[], limit: number): Promise<SyncJob[]> {
  const people = await tx.query<{ id: string }>(
    `WITH due AS MATERIALIZED (
       SELECT s.user_id, s.next_due_at FROM streams s WHERE s.next_due_at <= now() AND ${mayStart} ORDER BY s.next_due_at LIMIT $1 * ${lookedAt})
     SELECT u.id FROM due JOIN users u ON u.id = due.user_id ORDER BY due.next_due_at LIMIT $1 FOR NO KEY UPDATE OF u SKIP LOCKED`,
    [limit, networks],
  )
  if (people.length === 0) return []
  // Read again now that the people are locked: another claimer may have been there in between.
  const due = await tx.query<StreamId & { userId: string }>(
    `SELECT s.connection_id AS "connectionId", s.name AS stream, s.user_id AS "userId"
     FROM streams s
     WHERE s.user_id = ANY ($3) AND s.next_due_at <= now() AND ${mayStart} ORDER BY s.next_due_at LIMIT $1`,
    [limit, networks, [...new Set(people.map(({ id }) => id))]],
  )
  if (due.length === 0) return []
  await tx.query(
    `INSERT INTO syncs (id, user_id, trigger, state) SELECT gen_random_uuid(), id, 'schedule', 'running' FROM unnest($1::uuid[]) AS id
     ON CONFLICT (user_id) WHERE state = 'running' DO NOTHING`,
    [[...new Set(due.map(({ userId }) => userId))]],
  )
  return addJobs(tx, null, due, 0)
}
