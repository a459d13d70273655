import { randomUUID } from 'node:crypto'
import type { Context } from '../context.ts'
import { enqueue } from '../enqueue.ts'

const batch = 500
/** Batches on their way at once while much is due: Postgres claims one, the queue takes another. */
const atOnce = 3

/**
 * Takes what is due (schedules, and unfinished work that nobody holds) from accounts and queues it. A queue that was lost fills again by
 * this alone.
 */
export async function claimDue(context: Context, signal: AbortSignal): Promise<void> {
  if (!(await claimBatch(context, signal))) return
  const claimer = async () => {
    while (await claimBatch(context, signal));
  }
  await Promise.all(Array.from({ length: atOnce }, claimer))
}

/** Answers whether more may be due. Nothing is claimed while the queue is away, so that nothing has to wait for its claim to lapse. */
async function claimBatch(context: Context, signal: AbortSignal): Promise<boolean> {
  await context.queue.check()
  const { jobs } = await context.accounts.claimDue({ body: { limit: batch }, signal })
  const left = await enqueue(context, jobs, randomUUID())
  return jobs.length === batch && left === 0 && !signal.aborted
}
