import type { conductorRoutes } from '@asheville/clients'
import { errorFields, type Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { stopJobs } from '../stop-work.ts'
import { tell } from '../tell.ts'
import { workOf } from '../work-of.ts'

/** Accounts ends its work, and refuses whoever is late; to make it quick, the workers are told. The removal itself follows from the outbox (`removeCopies`). */
export function clearConnection(context: Context): Handler<typeof conductorRoutes.clearConnection> {
  return async ({ params, body, userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }
    const connection = await context.accounts.clearConnection({ ...call, params, body })
    const streams = context.networks.find(({ id }) => id === connection.provider)?.streams ?? []
    const brings = ({ stream }: { stream: string }) =>
      streams.some(({ name, contentTypes }) => name === stream && contentTypes.some((type) => body.contentTypes.includes(type)))
    await workOf(context, call, params)
      .then((work) => stopJobs(context, work.filter(brings)))
      .catch((error: unknown) => log.warn({ error: errorFields(error) }, 'Workers learn of the clearing by their next heartbeat'))
    await tell(context, userId, { type: 'connection', connectionId: connection.id, state: connection.state })
    return connection
  }
}
