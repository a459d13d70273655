import { once } from 'node:events'
import type { Instance } from '@asheville/e2e/instance.ts'
import type { BareJobs } from './bare-queue.ts'
import { forkLikeService } from './processes.ts'

/** BullMQ alone, in a process of its own. */
export interface BareQueue {
  run(count: number): Promise<BareJobs>
  close(): void
}

export async function startBareQueue(instance: Instance, concurrency: number): Promise<BareQueue> {
  const child = forkLikeService(instance, 'bare-queue.ts', [instance.constellation.redisUrl, String(concurrency)])
  await once(child, 'message')
  return {
    async run(count) {
      child.send(count)
      return ((await once(child, 'message')) as [BareJobs])[0]
    },
    close: () => void child.disconnect(),
  }
}
