import type { conductorRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { stopConnection } from '../stop-connection.ts'

export function pauseConnection(context: Context): Handler<typeof conductorRoutes.pauseConnection> {
  return async ({ params, userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }
    const connection = await context.accounts.updateConnection({ ...call, params, body: { paused: true } })
    await stopConnection(context, call, connection, log)
    return connection
  }
}
