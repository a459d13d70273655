import type { Sync } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'
import { isFree } from '../admin/controls.ts'
import { doneColumns, type DoneFacts } from './paces.ts'
import { thisMonth } from './reads.ts'

/** The stream whose lease it is. */
export interface StreamId {
  connectionId: string
  stream: string
}

export interface Lease {
  fence: number
  syncId: string
  run: number
}

/** Names the job that a lease was taken for. */
export interface JobRun {
  syncId: string
  run: number
}

// The clock of Postgres as it runs, not as the transaction began: it may have waited for a lock since.
const inHalfAMinute = "clock_timestamp() + interval '30 seconds'"

/** A stream of a batch, wanted for a job by whoever maps items by that version. */
export interface WantedStream extends StreamId {
  userId: string
  syncId: string
  streamVersion: number
}

export interface TakenStream extends StreamId {
  fence: number
  expiresAt: string
  trigger: Sync['trigger']
  head: string | null
  isPlanned: boolean
  attempts: number
  triesMedia: boolean
  readsLeft: number | null
}

/**
 * Takes streams, of whomever, for 30 s each with a grown fence, and begins their jobs; answers which. Not one that somebody else's live lease is on: of several
 * at once, one gets it. The same holder's is taken over: that was a process that died and was started again, and if it lives after all, its fence is refused.
 * Nor one that was never pulled by this version, whose job is over, waits for its time or turn or was taken too often, whose connection does not work, whose network is
 * paused, or of which nothing more may be read this month, where it is one that is `charged`. The people are locked; no stream comes twice.
 */
export async function takeLeases(
  tx: Database,
  wanted: readonly WantedStream[],
  { holder, maxTakes, charged }: { holder: string; maxTakes: number; charged: readonly { network: string; stream: string }[] },
): Promise<TakenStream[]> {
  return tx.query(
    `WITH wanted AS (
       SELECT s.user_id, s.connection_id, s.name AS stream, s.head, s.attempts, s.media_due_at, j.sync_id, j.run, j.is_planned, y.trigger,
         CASE WHEN c.reads_per_month IS NOT NULL AND (c.provider, s.name) IN (SELECT * FROM unnest($8::text[], $9::text[]))
           THEN greatest(0, c.reads_per_month - coalesce(m.reads, 0)) END AS reads_left
       FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::int[]) AS w (user_id, connection_id, stream, sync_id, version)
       JOIN streams s ON s.user_id = w.user_id AND s.connection_id = w.connection_id AND s.name = w.stream AND s.version >= w.version
       JOIN connections c ON c.user_id = w.user_id AND c.id = w.connection_id
         AND c.removed_at IS NULL AND c.state IN ('active', 'full') AND c.storage_id IS NOT NULL AND ${isFree('c.provider')}
       JOIN sync_jobs j ON j.user_id = w.user_id AND j.sync_id = w.sync_id AND j.connection_id = w.connection_id AND j.stream = w.stream
         AND j.finished_at IS NULL AND j.parked_at IS NULL AND j.takes < $7 AND (j.until IS NULL OR j.until <= now() + interval '1 second')
       JOIN syncs y ON y.user_id = w.user_id AND y.id = w.sync_id
       LEFT JOIN monthly_reads m ON m.user_id = w.user_id AND m.connection_id = w.connection_id AND m.month = ${thisMonth}),
     fit AS (SELECT * FROM wanted WHERE reads_left IS DISTINCT FROM 0),
     leased AS (
       INSERT INTO leases AS l (connection_id, stream, user_id, fence, holder, sync_id, run, expires_at)
       SELECT connection_id, stream, user_id, 1, $6, sync_id, run, ${inHalfAMinute} FROM fit
       ON CONFLICT (connection_id, stream) DO UPDATE SET fence = l.fence + 1, holder = excluded.holder, sync_id = excluded.sync_id,
         run = excluded.run, expires_at = ${inHalfAMinute}
       WHERE l.user_id = excluded.user_id AND (l.holder IS NULL OR l.holder = excluded.holder OR l.expires_at <= clock_timestamp())
       RETURNING l.user_id, l.connection_id, l.stream, l.sync_id, l.fence, l.expires_at),
     taken AS (
       UPDATE sync_jobs j SET state = 'running', reason = NULL, until = NULL, takes = takes + 1, enqueue_after = now() + interval '30 seconds'
       FROM leased l WHERE j.user_id = l.user_id AND j.sync_id = l.sync_id AND j.connection_id = l.connection_id AND j.stream = l.stream),
     begun AS (
       UPDATE streams s SET state = 'running', reason = NULL, until = NULL
       FROM leased l WHERE s.user_id = l.user_id AND s.connection_id = l.connection_id AND s.name = l.stream)
     SELECT connection_id AS "connectionId", stream, l.fence, l.expires_at AS "expiresAt", f.trigger, f.head, f.is_planned AS "isPlanned", f.attempts,
       coalesce(f.media_due_at <= now(), false) AS "triesMedia", f.reads_left AS "readsLeft"
     FROM leased l JOIN fit f USING (connection_id, stream)`,
    [
      wanted.map(({ userId }) => userId),
      wanted.map(({ connectionId }) => connectionId),
      wanted.map(({ stream }) => stream),
      wanted.map(({ syncId }) => syncId),
      wanted.map(({ streamVersion }) => streamVersion),
      holder,
      maxTakes,
      charged.map(({ network }) => network),
      charged.map(({ stream }) => stream),
    ],
  )
}

/**
 * Locks the lease of that fence until the transaction ends: the newest one, not given back. It may have run out, as long as
 * nobody else took the stream. `conflict` for an older one, `not-found` for a stream that is not this person's.
 */
export async function lockLease(tx: Database, userId: string, { connectionId, stream }: StreamId, fence: number): Promise<Lease> {
  const [lease] = await tx.query<Lease & { holder: string | null }>(
    `SELECT fence, sync_id AS "syncId", run, holder FROM leases WHERE user_id = $1 AND connection_id = $2 AND stream = $3 FOR UPDATE`,
    [userId, connectionId, stream],
  )
  if (!lease) throw new AshevilleError('not-found', 'There is no such stream')
  if (lease.fence !== fence || lease.holder === null) throw new AshevilleError('conflict', 'The lease on this stream has passed to another')
  return lease
}

/**
 * Locks those of these leases, as `lockLease` does, whose jobs are wanted still and whose connection and storage were well when they were taken and are: nothing
 * else is to be seen to when they are given back as done. Answers them with their syncs and what was learnt of their streams. The people are locked.
 */
export async function lockDone<Held extends StreamId & { userId: string; fence: number }>(
  tx: Database,
  held: readonly Held[],
): Promise<{ lease: Held; syncId: string; facts: DoneFacts }[]> {
  const rows = await tx.query<DoneFacts & { place: number; syncId: string }>(
    `SELECT w.place, l.sync_id AS "syncId", ${doneColumns}
     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[]) WITH ORDINALITY AS w (user_id, connection_id, stream, fence, place)
     JOIN leases l ON l.user_id = w.user_id AND l.connection_id = w.connection_id AND l.stream = w.stream
       AND l.fence = w.fence AND l.holder IS NOT NULL
     JOIN sync_jobs j ON j.user_id = w.user_id AND j.sync_id = l.sync_id AND j.connection_id = w.connection_id AND j.stream = w.stream
       AND j.run = l.run AND j.finished_at IS NULL
     JOIN connections c ON c.user_id = w.user_id AND c.id = w.connection_id AND c.state = 'active'
     JOIN streams s ON s.user_id = w.user_id AND s.connection_id = w.connection_id AND s.name = w.stream
     JOIN connections t ON t.user_id = w.user_id AND t.id = c.storage_id AND t.state <> 'full'
     ORDER BY l.connection_id, l.stream FOR UPDATE OF l`,
    [
      held.map(({ userId }) => userId),
      held.map(({ connectionId }) => connectionId),
      held.map(({ stream }) => stream),
      held.map(({ fence }) => fence),
    ],
  )
  return rows.map(({ place, syncId, ...facts }) => ({ lease: held[place - 1]!, syncId, facts }))
}

export async function renewLease(tx: Database, userId: string, { connectionId, stream }: StreamId): Promise<string> {
  const [lease] = await tx.query<{ expiresAt: string }>(
    `UPDATE leases SET expires_at = ${inHalfAMinute} WHERE user_id = $1 AND connection_id = $2 AND stream = $3
     RETURNING expires_at AS "expiresAt"`,
    [userId, connectionId, stream],
  )
  return lease!.expiresAt
}

export async function releaseLease(tx: Database, userId: string, { connectionId, stream }: StreamId): Promise<void> {
  await tx.query('UPDATE leases SET holder = NULL, expires_at = NULL WHERE user_id = $1 AND connection_id = $2 AND stream = $3', [
    userId,
    connectionId,
    stream,
  ])
}

/** Whoever holds a lease on one of the connection's streams is refused from now on. */
export async function breakLeases(tx: Database, userId: string, connectionId: string): Promise<void> {
  await tx.query(
    'UPDATE leases SET fence = fence + 1, holder = NULL, expires_at = NULL WHERE user_id = $1 AND connection_id = $2 AND holder IS NOT NULL',
    [userId, connectionId],
  )
}

/** Whoever holds a lease on one of these streams, or ever held one, is refused from now on; answers the fences that are in force. */
export async function raiseFences(
  tx: Database,
  userId: string,
  connectionId: string,
  streams: readonly string[],
): Promise<{ stream: string; fence: number }[]> {
  return tx.query(
    `INSERT INTO leases AS l (connection_id, stream, user_id, fence)
     SELECT connection_id, name, user_id, 1 FROM streams WHERE user_id = $1 AND connection_id = $2 AND name = ANY ($3)
     ON CONFLICT (connection_id, stream) DO UPDATE SET fence = l.fence + 1, holder = NULL, expires_at = NULL
     RETURNING stream, fence`,
    [userId, connectionId, streams],
  )
}

/** Every live lease, of everybody. */
export async function listLiveLeases(db: Database): Promise<(StreamId & { userId: string; network: string })[]> {
  return db.query(
    `SELECT l.user_id AS "userId", c.provider AS network, l.connection_id AS "connectionId", l.stream
     FROM leases l JOIN connections c ON c.id = l.connection_id
     WHERE l.holder IS NOT NULL AND l.expires_at > now() ORDER BY l.user_id, l.connection_id, l.stream`,
  )
}
