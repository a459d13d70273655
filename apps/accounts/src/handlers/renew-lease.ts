import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { lockLease, renewLease } from '../queries/leases.ts'
import { goesOn } from '../queries/sync-jobs.ts'

export function handleRenewLease({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.renewLease> {
  return ({ userId, params: id, body }) =>
    db.transaction(async (tx) => {
      const { syncId, run } = await lockLease(tx, userId, id, body.fence)
      const expiresAt = await renewLease(tx, userId, id)
      return { expiresAt, mustStop: !(await goesOn(tx, userId, { syncId, run }, id)) }
    })
}
