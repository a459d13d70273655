import type { conductorRoutes } from '@asheville/clients'
import { errorFields, type Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { enqueueSoon } from '../enqueue.ts'
import { unqueue } from '../stop-work.ts'
import { tell } from '../tell.ts'

/** Stores the sync, then queues its jobs; while Redis is away that is done later. */
export function createSync(context: Context): Handler<typeof conductorRoutes.createSync> {
  return async ({ body, userId, requestId, signal, response, log }) => {
    const { sync, created, jobs } = await context.accounts.createSync({ userId, requestId, signal, body })
    // What waits for a time that it was told before would keep its place.
    if (body.from === 'scratch')
      await unqueue(context, jobs).catch((error: unknown) => log.warn({ error: errorFields(error) }, 'Some of it begins later'))
    await Promise.all([
      enqueueSoon(context, jobs, requestId),
      ...(created ? [tell(context, userId, { type: 'sync', syncId: sync.id, state: sync.state })] : []),
    ])
    response.status(created ? 201 : 200)
    return { sync, created }
  }
}
