import type { accountsRoutes, EndedLease, Returned } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { admitParked } from '../queries/admission.ts'
import { renameConnection } from '../queries/connections.ts'
import { lockDone, lockLease, releaseLease } from '../queries/leases.ts'
import { isJobWanted } from '../queries/sync-jobs.ts'
import { getSync } from '../queries/syncs.ts'
import { lockEvenClosing } from '../queries/users.ts'
import { applyOutcome, complete } from '../streams/apply-outcome.ts'
import { mostTogether, streamKey } from '../streams/most-together.ts'
import { restAfter } from '../streams/rest-after.ts'

export function handleReturnLeases(context: Context): Handler<typeof accountsRoutes.returnLeases> {
  return async ({ body: { leases }, log }) => ({
    ends: await mostTogether<EndedLease, Returned>(
      context.db,
      leases,
      { together: (tx, ended) => giveBackTogether(context, tx, ended), byItself: (ended) => giveBack(context, ended) },
      log,
    ),
  })
}

/** Streams that are up to date, with everything in order. */
async function giveBackTogether(context: Context, tx: Database, ended: readonly EndedLease[]): Promise<Map<string, Returned>> {
  const done = await lockDone(
    tx,
    ended.filter(({ outcome, renamed }) => outcome.kind === 'done' && !renamed),
  )
  if (done.length === 0) return new Map()
  const jobs = done.map(({ lease, syncId, facts }) => ({ ...lease, syncId, ...restAfter(context, facts) }))
  const closed = await complete(tx, jobs)
  const next = Map.groupBy(await admitParked(tx, [...new Set(jobs.map(({ userId }) => userId))]), ({ userId }) => userId)
  const nextOf = (userId: string) => {
    const admitted = next.get(userId) ?? []
    next.delete(userId)
    return admitted
  }
  return new Map(
    jobs.map((job) => [
      streamKey(job),
      { syncState: closed.get(job.syncId) ?? 'running', isWanted: true, isParked: false, next: nextOf(job.userId) },
    ]),
  )
}

/** The outcome of work that is not wanted any more (cancelled, or asked for anew meanwhile) changes nothing. */
function giveBack(context: Context, ended: EndedLease): Promise<Returned> {
  const { userId, connectionId, stream, fence, renamed } = ended
  const id = { connectionId, stream }
  return context.db.transaction(async (tx) => {
    await lockEvenClosing(tx, userId)
    const job = await lockLease(tx, userId, id, fence)
    await releaseLease(tx, userId, id)
    if (renamed) await renameConnection(tx, userId, connectionId, renamed)
    const isWanted = await isJobWanted(tx, userId, job, id)
    const isParked = isWanted && (await applyOutcome(context, tx, ended, job))
    const next = await admitParked(tx, [userId])
    const { state } = await getSync(tx, userId, job.syncId)
    return { syncState: state, isWanted, isParked, next }
  })
}
