import type { conductorRoutes } from '@asheville/clients'
import { errorFields, type Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { enqueueSoon } from '../enqueue.ts'
import { stopJobs } from '../stop-work.ts'
import { tell } from '../tell.ts'

/** Whoever is at it has lost the right to go on by the time that it is told so. */
export function restartConnection(context: Context): Handler<typeof conductorRoutes.restartConnection> {
  return async ({ params: { connectionId }, body, userId, requestId, signal, log }) => {
    const { sync, jobs } = await context.accounts.restartStreams({ params: { connectionId }, body, userId, requestId, signal })
    await stopJobs(context, jobs).catch((error: unknown) => log.warn({ error: errorFields(error) }, 'Workers learn of the restart later'))
    await enqueueSoon(context, jobs, requestId)
    await Promise.all(jobs.map(({ stream }) => tell(context, userId, { type: 'stream', connectionId, stream, state: 'queued' })))
    return sync
  }
}
