import type { accountsRoutes, EndedLease, Returned } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { admitParked } from '../queries/admission.ts'
import { lockLease, releaseLease } from '../queries/leases.ts'
import { isJobWanted } from '../queries/sync-jobs.ts'
import { getSync } from '../queries/syncs.ts'
import { lockEvenClosing } from '../queries/users.ts'
import { applyOutcome } from '../streams/apply-outcome.ts'
import { eachByItself } from '../streams/each-by-itself.ts'

export function handleReturnLeases(context: Context): Handler<typeof accountsRoutes.returnLeases> {
  return async ({ body: { leases }, log }) => ({ ends: await eachByItself(leases, (ended) => giveBack(context, ended), log) })
}

/** The outcome of work that is not wanted any more (cancelled, or asked for anew meanwhile) changes nothing. */
function giveBack(context: Context, { userId, connectionId, stream, fence, outcome }: EndedLease): Promise<Returned> {
  const id = { connectionId, stream }
  return context.db.transaction(async (tx) => {
    await lockEvenClosing(tx, userId)
    const { syncId, run } = await lockLease(tx, userId, id, fence)
    await releaseLease(tx, userId, id)
    const isWanted = await isJobWanted(tx, userId, { syncId, run }, id)
    const isParked = isWanted && (await applyOutcome(context, tx, userId, syncId, id, outcome))
    const next = await admitParked(tx, [userId])
    const { state } = await getSync(tx, userId, syncId)
    return { syncState: state, isParked, next }
  })
}
