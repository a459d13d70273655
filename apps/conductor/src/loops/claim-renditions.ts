import type { Context } from '../context.ts'

/** Pictures that one job works on for a while, and how many jobs there are at once. */
const picturesPerJob = 20
const mostJobs = 8

/** Has pictures looked at that nobody has looked at yet. Platform knows which, whatever queues were lost. */
export async function claimRenditions({ platform, producer, queue }: Context, signal: AbortSignal): Promise<void> {
  await queue.check()
  const { due } = await platform.countDue({ query: { most: picturesPerJob * mostJobs }, signal })
  if (due > 0) await producer.enqueueRenditions(Math.ceil(due / picturesPerJob))
}
