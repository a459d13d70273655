import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { endJobs } from '../queries/sync-jobs.ts'
import { getSync } from '../queries/syncs.ts'
import { lockPerson } from '../queries/users.ts'
import { closeAndTell } from '../streams/close-syncs.ts'
import { afterCancelMs } from '../streams/next-due.ts'

/**
 * All that is left of the sync ends here and now. Whoever still holds a stream is told so by its next checkpoint, which is
 * saved all the same.
 */
export function handleCancelSync(context: Pick<Context, 'db' | 'syncIntervalMs'>): Handler<typeof accountsRoutes.cancelSync> {
  return ({ userId, params: { syncId } }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const { state } = await getSync(tx, userId, syncId)
      const pause = afterCancelMs(context)
      const jobs = state === 'running' ? await endJobs(tx, userId, { syncId }, { state: 'cancelled', reason: null, nextDueMs: pause }) : []
      await closeAndTell(tx, [{ userId, syncId }], 'cancelled')
      return { sync: await getSync(tx, userId, syncId), jobs }
    })
}
