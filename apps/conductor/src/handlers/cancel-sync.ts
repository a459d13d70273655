import type { conductorRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { endJobs } from '../end-jobs.ts'

export function cancelSync(context: Context): Handler<typeof conductorRoutes.cancelSync> {
  return async ({ params, userId, requestId, signal, log }) => {
    const ended = await context.accounts.cancelSync({ params, userId, requestId, signal })
    await endJobs(context, userId, ended, log)
    return ended.sync
  }
}
