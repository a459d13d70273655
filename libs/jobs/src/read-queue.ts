import type { Job, JobType } from 'bullmq'
import { answering } from './answering.ts'
import { queueName } from './names.ts'
import type { QueueBackend } from './queue-backend.ts'

/** How many jobs of a network are where. */
export interface QueueFigures {
  /** They could run now. */
  waiting: number
  active: number
  /** They wait for a time. */
  delayed: number
  failed: number
  /** Since when the first in line waits; one that has had a slice, since that began. */
  oldestWaitingAt: Date | null
}

export async function readQueue(backend: QueueBackend, network: string): Promise<QueueFigures> {
  return answering(async () => {
    const queue = await backend.queue(queueName(network))
    const first = async (state: 'wait' | 'prioritized') => (await queue.getJobs([state], 0, 0, true)) as Job[]
    const [counts, ...firsts] = await Promise.all([
      queue.getJobCounts('wait', 'paused' as JobType, 'prioritized', 'active', 'delayed', 'failed'),
      first('wait'),
      first('prioritized'),
    ])
    // What waits on a paused queue is told apart where the jobs are in Postgres, and there alone.
    const { wait = 0, paused = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts
    const since = firsts.flat().map(({ timestamp, processedOn = 0 }) => Math.max(timestamp, processedOn))
    return {
      waiting: wait + paused + prioritized,
      active,
      delayed,
      failed,
      oldestWaitingAt: since.length === 0 ? null : new Date(Math.min(...since)),
    }
  })
}
