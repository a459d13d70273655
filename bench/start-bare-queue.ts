import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BareJobs } from './bare-queue.ts'

/** As the launcher starts our services. */
const execArgv = ['--max-semi-space-size=8', '--max-old-space-size=384']

/** BullMQ alone, in a process of its own. */
export interface BareQueue {
  run(count: number): Promise<BareJobs>
  close(): void
}

export async function startBareQueue(redisUrl: string, concurrency: number): Promise<BareQueue> {
  const child = fork(join(import.meta.dirname, 'bare-queue.ts'), [redisUrl, String(concurrency)], { execArgv })
  await once(child, 'message')
  return {
    async run(count) {
      child.send(count)
      return ((await once(child, 'message')) as [BareJobs])[0]
    },
    close: () => void child.disconnect(),
  }
}
