import { climb, retryLadder, type FailureKind } from '@asheville/core'
import type { Database } from '@asheville/database'
import { findAdapter, type Context } from '../context.ts'
import { addNotification, settleNotifications } from '../notifications/queries.ts'
import { getStoredConnection, setConnectionState } from '../queries/connections.ts'
import type { StreamId } from '../queries/leases.ts'
import { addFailure, hasWorkedWithin, makeNotDue } from '../queries/streams.ts'
import { aboutOf, endWork, tellOfProblem } from './end-work.ts'

const dayMs = 24 * 60 * 60 * 1000

/**
 * A sync of the stream failed: one rung up the ladder (`retryLadder`). Only a connection of which nothing comes through any more is paused; where something does, the
 * stream that fails is tried at its longest wait for good. The person is locked.
 */
export async function failStream(
  context: Pick<Context, 'networks' | 'storages'>,
  tx: Database,
  userId: string,
  { connectionId, stream }: StreamId,
  { error, reason }: { error: FailureKind; reason: string },
): Promise<void> {
  const failed = await addFailure(tx, userId, { connectionId, stream })
  const { step, waitMs } = climb(error, failed, Math.random())
  await endWork(tx, userId, { connectionId, streams: [stream] }, { state: 'failed', reason, nextDueMs: waitMs })
  if (step === 'retry') return
  const { connection } = await getStoredConnection(tx, userId, connectionId)
  const { warnAfterMs, pauseAfterMs } = retryLadder[error]
  const stillMs = step === 'warn' ? warnAfterMs : step === 'pause' ? pauseAfterMs : null
  if (stillMs === null || (await hasWorkedWithin(tx, userId, connectionId, stillMs))) return tellOfProblem(tx, userId, connection, reason)
  const data = { ...aboutOf(connection), reason }
  if (step === 'warn') {
    const days = Math.ceil((pauseAfterMs - failed.failingMs) / dayMs)
    return addNotification(tx, userId, { kind: 'sync-pausing', subject: connectionId, data: { ...data, days } })
  }
  const days = Math.floor(failed.failingMs / dayMs)
  const title = findAdapter(context, connection.provider)?.adapter.title ?? connection.provider
  await endWork(tx, userId, { connectionId }, { state: 'cancelled', reason: null, nextDueMs: null })
  await makeNotDue(tx, userId, connectionId, null)
  await setConnectionState(tx, userId, connectionId, 'paused', `Nothing of ${title} came through for ${days} days. ${reason}`)
  await settleNotifications(tx, userId, ['sync-problem', 'sync-pausing'], connectionId)
  await addNotification(tx, userId, { kind: 'sync-paused', subject: connectionId, data: { ...data, days } })
}
