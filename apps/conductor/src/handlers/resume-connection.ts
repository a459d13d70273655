import type { conductorRoutes } from '@asheville/clients'
import { errorFields, type Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { enqueueSoon } from '../enqueue.ts'
import { tell } from '../tell.ts'

/** Accounts makes it due; that it begins at once is a service, without which the schedule would take it. */
export function resumeConnection(context: Context): Handler<typeof conductorRoutes.resumeConnection> {
  return async ({ params, userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }
    const connection = await context.accounts.updateConnection({ ...call, params, body: { paused: false } })
    try {
      const body = { trigger: 'person' as const, connectionIds: [connection.id] }
      const { jobs } = await context.accounts.createSync({ ...call, body })
      await enqueueSoon(context, jobs, requestId)
    } catch (error) {
      log.info({ error: errorFields(error) }, 'What was resumed does not begin at once')
    }
    await tell(context, userId, { type: 'connection', connectionId: connection.id, state: connection.state })
    return connection
  }
}
