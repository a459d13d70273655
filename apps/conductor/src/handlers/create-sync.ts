import { conductorRoutes } from '@asheville/clients'
import { publishEvent } from '@asheville/jobs'
import { bind } from '@asheville/service'
import type { Context } from '../context.ts'
import { enqueue } from '../enqueue.ts'

/** How long the person waits for the queue; a sync is accepted once Postgres has it. */
const queueMs = 500

/** Stores the sync, then queues its jobs; while Redis is away that is done later. */
export const createSync = (context: Context) =>
  bind(conductorRoutes.createSync, async ({ body, userId, requestId, signal, response }) => {
    const { sync, created, jobs } = await context.accounts.createSync({ userId, requestId, signal, body })
    const queued = enqueue(context, jobs, requestId)
    await Promise.race([queued, new Promise((resolve) => setTimeout(resolve, queueMs).unref())])
    if (created) publishEvent(context.redis, userId, { type: 'sync', syncId: sync.id, state: sync.state }).catch(() => undefined)
    response.status(created ? 201 : 200)
    return { sync, created }
  })
