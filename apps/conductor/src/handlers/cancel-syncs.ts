import type { conductorRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { endJobs } from '../end-jobs.ts'

export function cancelSyncs(context: Context): Handler<typeof conductorRoutes.cancelSyncs> {
  return async ({ userId, requestId, signal, log }) => {
    const ended = await context.accounts.cancelWork({ body: { connectionId: null }, userId, requestId, signal })
    await endJobs(context, userId, ended, log)
    return { sync: ended.sync }
  }
}
