import type { conductorRoutes } from '@asheville/clients'
import { errorFields, type Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { enqueueSoon } from '../enqueue.ts'
import { stopJobs } from '../stop-work.ts'
import { tell } from '../tell.ts'
import { workOf } from '../work-of.ts'

/**
 * First what is under way is stopped, and only then begun again: told afterwards, a worker that has just begun anew would end that. Whoever has not
 * ended by then has lost the right to go on.
 */
export function restartConnection(context: Context): Handler<typeof conductorRoutes.restartConnection> {
  return async ({ params: { connectionId }, body, userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }
    const work = await workOf(context, call, { connectionId, stream: body.stream })
    await stopJobs(context, work).catch((error: unknown) => log.warn({ error: errorFields(error) }, 'Workers learn of the restart later'))
    const { sync, jobs } = await context.accounts.restartStreams({ ...call, params: { connectionId }, body })
    await enqueueSoon(context, jobs, requestId)
    await Promise.all(jobs.map(({ stream }) => tell(context, userId, { type: 'stream', connectionId, stream, state: 'queued' })))
    return sync
  }
}
