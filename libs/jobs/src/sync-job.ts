import { z } from 'zod'

/**
 * What a job carries: ids only, for Redis keeps them in the clear. The network is the queue's. `requestId` follows the work
 * from the person's click into every log line.
 */
export const syncJobDataSchema = z.strictObject({
  syncId: z.uuid(),
  userId: z.uuid(),
  connectionId: z.uuid(),
  stream: z.string().regex(/^[a-z-]{1,40}$/),
  requestId: z.string().min(1).max(100),
})
export type SyncJobData = z.infer<typeof syncJobDataSchema>
