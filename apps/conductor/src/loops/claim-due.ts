import { randomUUID } from 'node:crypto'
import type { Context } from '../context.ts'
import { enqueue } from '../enqueue.ts'

const batch = 500

/**
 * Takes what is due (schedules, and unfinished work that nobody holds) from accounts and queues it, one batch while the next is being
 * claimed. A queue that was lost fills again by this alone. Nothing is claimed while it is away, so that nothing has to wait for its claim
 * to lapse.
 */
export async function claimDue(context: Context, signal: AbortSignal): Promise<void> {
  let queueing = Promise.resolve(0)
  try {
    for (;;) {
      await context.queue.check()
      const { jobs } = await context.accounts.claimDue({ body: { limit: batch }, signal })
      const left = await queueing
      queueing = enqueue(context, jobs, randomUUID())
      if (jobs.length < batch || left > 0 || signal.aborted) return
    }
  } finally {
    await queueing
  }
}
