import type { SyncJob } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { StreamId } from './leases.ts'
import { addJobs } from './sync-jobs.ts'

const works = "c.removed_at IS NULL AND c.state IN ('active', 'full') AND c.provider = ANY ($2)"

/**
 * Starts what is due: at most `limit` streams, most overdue first, in one sync per person (the one that runs, if one does).
 * People whom somebody else works on at this moment are left for the next time, so that several claimers share the work and
 * never do the same twice. Runs in a transaction of its own.
 */
export async function startDueStreams(tx: Database, networks: readonly string[], limit: number): Promise<SyncJob[]> {
  const people = await tx.query<{ id: string }>(
    `SELECT u.id FROM streams s JOIN connections c ON c.id = s.connection_id JOIN users u ON u.id = s.user_id
     WHERE s.next_due_at <= now() AND u.closing_at IS NULL AND ${works} ORDER BY s.next_due_at LIMIT $1 FOR NO KEY UPDATE OF u SKIP LOCKED`,
    [limit, networks],
  )
  if (people.length === 0) return []
  // Read again now that the people are locked: another claimer may have been there in between.
  const due = await tx.query<StreamId & { userId: string }>(
    `SELECT s.connection_id AS "connectionId", s.name AS stream, s.user_id AS "userId"
     FROM streams s JOIN connections c ON c.id = s.connection_id
     WHERE s.user_id = ANY ($3) AND s.next_due_at <= now() AND ${works} ORDER BY s.next_due_at LIMIT $1`,
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
