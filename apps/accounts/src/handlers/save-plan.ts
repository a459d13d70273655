import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { lockLease, renewLease } from '../queries/leases.ts'
import { goesOn, markPlanned } from '../queries/sync-jobs.ts'
import { addWalks, removeWalks } from '../queries/walks.ts'

/** `replaces` names walks whose cursors have expired; what is planned instead comes with it. */
export function handleSavePlan({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.savePlan> {
  return ({ userId, params: id, body: { fence, walks, replaces } }) =>
    db.transaction(async (tx) => {
      const { syncId, run } = await lockLease(tx, userId, id, fence)
      await removeWalks(tx, userId, id, replaces)
      await addWalks(tx, userId, id, fence, walks)
      await markPlanned(tx, userId, { syncId, run }, id)
      const expiresAt = await renewLease(tx, userId, id)
      return { expiresAt, mustStop: !(await goesOn(tx, userId, { syncId, run }, id)) }
    })
}
