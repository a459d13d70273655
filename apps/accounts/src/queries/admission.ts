import type { SyncJob } from '@asheville/clients'
import type { Database } from '@asheville/database'

/** Of one person's unfinished jobs for one network so many are on its queue; the others are parked, so that nobody's thousand delay anybody's one. */
export const mostQueued = 4

/** How many jobs a person has on a queue, of each row with `user_id` and `provider`: few, and looked up one by one. */
export const queuedOf = (row: string): string =>
  `(SELECT count(*) FROM sync_jobs j JOIN connections c ON c.id = j.connection_id
    WHERE j.user_id = ${row}.user_id AND c.provider = ${row}.provider AND j.finished_at IS NULL AND j.parked_at IS NULL)`

/** Parked, and waiting for nothing but its turn. */
export const standsInLine = 'j.finished_at IS NULL AND j.parked_at IS NOT NULL AND (j.until IS NULL OR j.until <= now())'

/**
 * Fills the places on the queues that these people have free with those of their jobs that have been parked the longest, and answers
 * which: they are to be queued. The people are locked.
 */
export async function admitParked(tx: Database, userIds: readonly string[]): Promise<SyncJob[]> {
  return tx.query<SyncJob>(
    `WITH line AS (
       SELECT j.sync_id, j.connection_id, j.stream, j.user_id, c.provider,
         row_number() OVER (PARTITION BY j.user_id, c.provider ORDER BY j.parked_at, j.created_at, j.stream) AS place
       FROM sync_jobs j JOIN connections c ON c.id = j.connection_id WHERE j.user_id = ANY ($1) AND ${standsInLine}),
     admitted AS (
       UPDATE sync_jobs j SET parked_at = NULL, until = NULL, enqueue_after = now() + interval '30 seconds'
       FROM line l
       WHERE j.sync_id = l.sync_id AND j.connection_id = l.connection_id AND j.stream = l.stream
         AND l.place + ${queuedOf('l')} <= ${mostQueued}
       RETURNING j.sync_id, j.user_id, j.connection_id, j.stream, l.provider)
     SELECT a.sync_id AS "syncId", a.user_id AS "userId", a.connection_id AS "connectionId", a.provider AS network, a.stream, y.trigger
     FROM admitted a JOIN syncs y ON y.id = a.sync_id`,
    [userIds],
  )
}
