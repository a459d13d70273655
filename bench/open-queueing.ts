import type { Instance } from '@asheville/e2e/instance.ts'
import { createProducer, openBackend, refuseUnfitQueue } from '@asheville/jobs'
import { createLogger } from '@asheville/service'
import type { Context } from '../apps/conductor/src/context.ts'
import { claimDue } from '../apps/conductor/src/loops/claim-due.ts'

/** What one conductor does with what is due, in this process. */
export interface Queueing {
  /** Claims all that is due at accounts and puts it on the queues; answers how long that took, in ms. */
  queueAllDue(): Promise<number>
  close(): Promise<void>
}

export async function openQueueing({ accounts, constellation }: Instance): Promise<Queueing> {
  const queue = openBackend(constellation.redisUrl)
  try {
    await refuseUnfitQueue(queue)
  } catch (error) {
    await queue.close()
    throw error
  }
  const context: Pick<Context, 'accounts' | 'queue' | 'producer' | 'log'> = {
    accounts: accounts('conductor'),
    queue,
    producer: createProducer(queue),
    log: createLogger('conductor', 'warn'),
  }
  return {
    async queueAllDue() {
      const began = performance.now()
      await claimDue(context as Context, new AbortController().signal)
      return performance.now() - began
    },
    close: () => queue.close(),
  }
}
