import type { conductorRoutes } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { askToDrain, listWorkers } from '@asheville/jobs'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { requireOwner } from './require-owner.ts'

export function drainWorker({ accounts, redis }: Context): Handler<typeof conductorRoutes.drainWorker> {
  return async ({ params: { holder }, body: { isDrained }, userId, requestId, signal, log }) => {
    await requireOwner(accounts, { userId, requestId, signal })
    const workers = await listWorkers(redis)
    if (!workers.some((worker) => worker.holder === holder)) throw new AshevilleError('not-found', 'There is no such worker')
    await askToDrain(redis, holder, isDrained)
    log.info({ holder, isDrained }, 'The owner drains a worker')
  }
}
