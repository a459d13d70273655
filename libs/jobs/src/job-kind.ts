import { z } from 'zod'
import { queueName, renditionsQueue, streamKey } from './names.ts'
import { syncJobDataSchema, type SyncJobData } from './sync-job.ts'

/** A kind of job: where it is queued, and what it carries. */
export interface JobKind<Data> {
  queue: string
  schema: z.ZodType<Data>
  /** Names what the job does, whichever job it is. */
  keyOf(data: Data): string
}

/** Streams of a network's connections. */
export const syncJobs = (network: string): JobKind<SyncJobData> => ({
  queue: queueName(network),
  schema: syncJobDataSchema,
  keyOf: ({ connectionId, stream }) => streamKey(connectionId, stream),
})

const renditionJobDataSchema = z.strictObject({ slot: z.number().int().nonnegative() })
export type RenditionJobData = z.infer<typeof renditionJobDataSchema>

/** Pictures that are to be looked at, whoever has them: platform knows which. So many run at once as there are slots. */
export const renditionJobs: JobKind<RenditionJobData> = {
  queue: renditionsQueue,
  schema: renditionJobDataSchema,
  keyOf: ({ slot }) => `${renditionsQueue}-${slot}`,
}
