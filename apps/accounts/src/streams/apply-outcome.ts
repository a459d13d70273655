import type { Connection, EndedLease, Outcome, Sync } from '@asheville/clients'
import { fullWaitMs } from '@asheville/core'
import type { Database } from '@asheville/database'
import { findAdapter, type Context } from '../context.ts'
import { getStoredConnection, listConnections, setConnectionState } from '../queries/connections.ts'
import type { JobRun, StreamId } from '../queries/leases.ts'
import { addNotification, settleNotifications, settleWorking } from '../notifications/queries.ts'
import { addMessage } from '../queries/outbox.ts'
import { findDoneFacts } from '../queries/paces.ts'
import { completeJobs, holdJob, postponeJob, saveQuiet, type DoneJob } from '../queries/sync-jobs.ts'
import { closeAndTell } from './close-syncs.ts'
import { endWork, markReconnect, reconnectReason } from './end-work.ts'
import { failStream } from './fail-stream.ts'
import { restAfter } from './rest-after.ts'

type Needs = Pick<Context, 'networks' | 'storages' | 'syncIntervalMs'>

/**
 * What the end of a slice of work means for job, stream, connection and sync. The person is locked, the lease given back. Answers whether there is
 * more to do, and the job has left its queue.
 */
export async function applyOutcome(context: Needs, tx: Database, ended: EndedLease, { syncId, run }: JobRun): Promise<boolean> {
  const { userId, connectionId, stream, outcome, quiet, mediaDueAt } = ended
  const id: StreamId = { connectionId, stream }
  if (quiet && outcome.kind !== 'done') await saveQuiet(tx, userId, { syncId, run }, id, quiet)
  switch (outcome.kind) {
    case 'done':
      await clearFull(tx, userId, connectionId)
      await complete(tx, [{ ...id, userId, syncId, quiet, mediaDueAt, ...restAfter(context, await findDoneFacts(tx, userId, syncId, id)) }])
      return false
    case 'yielded':
      return postponeJob(tx, userId, syncId, id, { state: 'running', until: null, reason: null })
    case 'waiting':
    case 'retrying':
      return postponeJob(tx, userId, syncId, id, { state: outcome.kind, until: outcome.until, reason: outcome.reason })
    case 'held':
      await holdJob(tx, userId, syncId, id, outcome)
      await closeAndTell(tx, [{ userId, syncId }])
      return false
    case 'failed':
      await fail(context, tx, userId, id, outcome)
      return false
  }
}

/** These jobs are done, of whomever; answers the state of the syncs that have ended with them. The people are locked. */
export async function complete(tx: Database, jobs: readonly DoneJob[]): Promise<Map<string, Sync['state']>> {
  await completeJobs(tx, jobs)
  await settleWorking(tx, jobs)
  return closeAndTell(tx, jobs)
}

/** What only the person can mend has states of its own; the rest is tried again by itself. */
async function fail(
  context: Needs,
  tx: Database,
  userId: string,
  id: StreamId,
  { error, reason }: Extract<Outcome, { kind: 'failed' }>,
): Promise<void> {
  if (error !== 'reconnect-required' && error !== 'storage-full') return failStream(context, tx, userId, id, { error, reason })
  const { connection } = await getStoredConnection(tx, userId, id.connectionId)
  if (error === 'storage-full') {
    const words = await markFull(context, tx, userId, connection)
    return endStream(tx, userId, id, { state: 'failed', reason: words, nextDueMs: fullWaitMs })
  }
  const title = findAdapter(context, connection.provider)?.adapter.title ?? connection.provider
  await markReconnect(tx, userId, connection, { reason: reason || reconnectReason(title), version: null })
}

async function endStream(
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
  end: Parameters<typeof endWork>[3],
): Promise<void> {
  await endWork(tx, userId, { connectionId, streams: [stream] }, end)
}

/** Both the network's connection and the storage show it; the storage is announced once. Answers what people read. */
async function markFull(context: Needs, tx: Database, userId: string, connection: Connection): Promise<string> {
  const storage = connection.storageId === null ? null : (await getStoredConnection(tx, userId, connection.storageId)).connection
  const title = storage ? (findAdapter(context, storage.provider)?.adapter.title ?? storage.title) : 'Your storage'
  const reason = `${title} is full. Free some space; copying goes on by itself`
  await setConnectionState(tx, userId, connection.id, 'full', reason)
  if (storage && storage.state !== 'full') {
    await setConnectionState(tx, userId, storage.id, 'full', reason)
    const data = { connectionId: storage.id, provider: storage.provider, title }
    await addMessage(tx, userId, 'storage-full', data)
    await addNotification(tx, userId, { kind: 'storage-full', subject: storage.id, data })
  }
  return reason
}

/**
 * A stream that came through shows that there is space again: one that could not be stored before, or any where none waits for space (those
 * that did were paused, resumed or disconnected meanwhile).
 */
async function clearFull(tx: Database, userId: string, connectionId: string): Promise<void> {
  const { connection } = await getStoredConnection(tx, userId, connectionId)
  const wasFull = connection.state === 'full'
  if (wasFull) await setConnectionState(tx, userId, connection.id, 'active', null)
  if (connection.storageId === null) return
  const { connection: storage } = await getStoredConnection(tx, userId, connection.storageId)
  if (storage.state !== 'full') return
  const networks = wasFull ? [] : await listConnections(tx, userId, 'network')
  const isAwaited = networks.some(({ storageId, state }) => storageId === storage.id && state === 'full')
  if (isAwaited) return
  await setConnectionState(tx, userId, storage.id, 'active', null)
  await settleNotifications(tx, userId, ['storage-full'], storage.id)
}
