import type { conductorRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { stopConnection } from '../stop-connection.ts'

/** Accounts refuses whoever is late with what is cleared. The removal itself follows from the outbox (`removeCopies`). */
export function clearConnection(context: Context): Handler<typeof conductorRoutes.clearConnection> {
  return async ({ params, body, userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }
    const connection = await context.accounts.clearConnection({ ...call, params, body })
    const streams = context.networks.find(({ id }) => id === connection.provider)?.streams ?? []
    const brings = (stream: string): boolean =>
      streams.some(({ name, contentTypes }) => name === stream && contentTypes.some((type) => body.contentTypes.includes(type)))
    await stopConnection(context, call, connection, log, brings)
    return connection
  }
}
