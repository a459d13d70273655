import { conductorRoutes } from '@asheville/clients'
import { publishCancel, publishEvent, streamKey } from '@asheville/jobs'
import { bind, errorFields } from '@asheville/service'
import type { Context } from '../context.ts'

/** Cancels in Postgres; then, to make it quick, takes waiting jobs off the queue and tells the workers. */
export const cancelSync = ({ accounts, producer, redis }: Context) =>
  bind(conductorRoutes.cancelSync, async ({ params, userId, requestId, signal, log }) => {
    const { sync, jobs } = await accounts.cancelSync({ params, userId, requestId, signal })
    const keys = jobs.map((job) => streamKey(job.connectionId, job.stream))
    const told = await Promise.allSettled([
      publishCancel(redis, keys),
      publishEvent(redis, userId, { type: 'sync', syncId: sync.id, state: sync.state }),
      ...jobs.map((job) => producer.removeSync(job.network, job.connectionId, job.stream)),
    ])
    const failure = told.find((result) => result.status === 'rejected')
    if (failure) log.warn({ error: errorFields(failure.reason) }, 'Workers learn of the cancellation by their next heartbeat')
    return sync
  })
