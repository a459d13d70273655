import type { conductorRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { enqueueSoon } from '../enqueue.ts'
import { tell } from '../tell.ts'

/**
 * Platform says what is missing and of when it is; accounts opens walks through just that, in a sync that begins now. Dying in between is harmless: asked
 * again, both say and do the same. What came from a network that is not connected any more stays missing.
 */
export function repairCopies(context: Context): Handler<typeof conductorRoutes.repairCopies> {
  return async ({ body, userId, requestId, signal }) => {
    const call = { userId, requestId, signal }
    const { streams } = await context.platform.prepareRepair({ ...call, body })
    const { connections } = await context.accounts.listConnections({ ...call, query: { kind: 'network' } })
    const connected = streams.filter(({ connectionId }) => connections.some(({ id }) => id === connectionId))
    if (connected.length === 0) return { sync: null }
    const { sync, created, jobs } = await context.accounts.rewalkStreams({ ...call, body: { streams: connected } })
    await Promise.all([
      enqueueSoon(context, jobs, requestId),
      ...(created ? [tell(context, userId, { type: 'sync', syncId: sync.id, state: sync.state })] : []),
    ])
    return { sync }
  }
}
