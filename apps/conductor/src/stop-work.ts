import { publishCancel, streamKey } from '@asheville/jobs'
import { z } from 'zod'
import type { Context } from './context.ts'

const payloadSchema = z.object({ jobs: z.array(z.object({ network: z.string(), connectionId: z.uuid(), stream: z.string() })) })

/** Tells the workers which work has ended at accounts, and takes what waits off the queues. */
export async function stopWork({ redis, producer }: Pick<Context, 'redis' | 'producer'>, payload: unknown): Promise<void> {
  const { jobs } = payloadSchema.parse(payload)
  const keys = jobs.map(({ connectionId, stream }) => streamKey(connectionId, stream))
  await publishCancel(redis, keys)
  for (const { network, connectionId, stream } of jobs) {
    // One that runs is not removed, and ends by having been told.
    await producer.removeSync(network, connectionId, stream)
  }
}
