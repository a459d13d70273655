import type { SyncJob } from '@asheville/clients'
import { publishCancel, streamKey } from '@asheville/jobs'
import { z } from 'zod'
import type { Context } from './context.ts'

/** The work of a stream. */
type Work = Pick<SyncJob, 'network' | 'connectionId' | 'stream'>

const payloadSchema = z.object({ jobs: z.array(z.object({ network: z.string(), connectionId: z.uuid(), stream: z.string() })) })

/** A message of accounts: this work has ended there. */
export async function stopWork(context: Pick<Context, 'redis' | 'producer'>, payload: unknown): Promise<void> {
  await stopJobs(context, payloadSchema.parse(payload).jobs)
}

/** Tells the workers to end this work, and takes what waits off the queues. Throws the first failure, after all was tried. */
export async function stopJobs({ redis, producer }: Pick<Context, 'redis' | 'producer'>, work: readonly Work[]): Promise<void> {
  const keys = work.map(({ connectionId, stream }) => streamKey(connectionId, stream))
  await allOf([publishCancel(redis, keys), unqueue({ producer }, work)])
}

/** Takes what waits off the queues, be it for its turn or for a time; what runs is left to run. Throws as `stopJobs`. */
export async function unqueue({ producer }: Pick<Context, 'producer'>, work: readonly Work[]): Promise<void> {
  await allOf(work.map(({ network, connectionId, stream }) => producer.removeSync(network, connectionId, stream)))
}

async function allOf(calls: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(calls)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}
