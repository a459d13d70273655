import type { conductorRoutes } from '@asheville/clients'
import { errorFields, type Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { stopJobs } from '../stop-work.ts'
import { tell } from '../tell.ts'
import { workOf } from '../work-of.ts'

/** Accounts ends its work; to make it quick, the workers are told. */
export function pauseConnection(context: Context): Handler<typeof conductorRoutes.pauseConnection> {
  return async ({ params, userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }
    const connection = await context.accounts.updateConnection({ ...call, params, body: { paused: true } })
    await workOf(context, call, params)
      .then((work) => stopJobs(context, work))
      .catch((error: unknown) => log.warn({ error: errorFields(error) }, 'Workers learn of the pause by their next heartbeat'))
    await tell(context, userId, { type: 'connection', connectionId: connection.id, state: connection.state })
    return connection
  }
}
