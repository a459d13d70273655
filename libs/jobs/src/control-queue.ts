import { answering } from './answering.ts'
import { queueName } from './names.ts'
import type { QueueBackend } from './queue-backend.ts'

/** How the owner of the server wants a network's queue. */
export interface QueueControl {
  isPaused: boolean
  /** How many jobs begin in a minute, by all workers together; null: as many as there are hands. */
  jobsPerMinute: number | null
}

const minuteMs = 60_000

/** Makes the queue so, whatever it was: one that was lost knows nothing of it any more. What runs goes on to the end of its slice. */
export async function controlQueue(backend: QueueBackend, network: string, { isPaused, jobsPerMinute }: QueueControl): Promise<void> {
  await answering(async () => {
    const queue = await backend.queue(queueName(network))
    const [wasPaused, limit] = await Promise.all([queue.isPaused(), queue.getGlobalRateLimit()])
    if (isPaused && !wasPaused) await queue.pause()
    if (!isPaused && wasPaused) await queue.resume()
    if (jobsPerMinute === null && limit !== null) {
      await queue.removeGlobalRateLimit()
      // The window that was begun would be waited for.
      await queue.removeRateLimitKey()
    }
    if (jobsPerMinute !== null && (limit?.max !== jobsPerMinute || limit.duration !== minuteMs))
      await queue.setGlobalRateLimit(jobsPerMinute, minuteMs)
  })
}
