import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'

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

/**
 * Takes the stream for 30 s with a grown fence. `conflict` while somebody's lease on it is live: of several at once, one
 * gets it. Of the same holder it is taken over: that was a process that died and was started again, and if it lives after all,
 * its fence is refused. The lock on the row is held until the transaction ends.
 */
export async function takeLease(
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
  { syncId, run }: JobRun,
  holder: string,
): Promise<{ fence: number; expiresAt: string }> {
  await tx.query('INSERT INTO leases (connection_id, stream, user_id) VALUES ($2, $3, $1) ON CONFLICT DO NOTHING', [
    userId,
    connectionId,
    stream,
  ])
  const [lease] = await tx.query<{ fence: number; expiresAt: string }>(
    `UPDATE leases SET fence = fence + 1, holder = $4, sync_id = $5, run = $6, expires_at = ${inHalfAMinute}
     WHERE user_id = $1 AND connection_id = $2 AND stream = $3 AND (holder IS NULL OR holder = $4 OR expires_at <= clock_timestamp())
     RETURNING fence, expires_at AS "expiresAt"`,
    [userId, connectionId, stream, holder, syncId, run],
  )
  if (!lease) throw new AshevilleError('conflict', 'Another worker holds this stream')
  return lease
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
export async function listLiveLeases(db: Database): Promise<{ userId: string; connectionId: string; stream: string }[]> {
  return db.query(
    `SELECT user_id AS "userId", connection_id AS "connectionId", stream FROM leases
     WHERE holder IS NOT NULL AND expires_at > now() ORDER BY user_id, connection_id, stream`,
  )
}
