import type { Sync, SyncJob } from '@asheville/clients'
import { errorFields, type Logger } from '@asheville/service'
import type { Context } from './context.ts'
import { stopJobs } from './stop-work.ts'
import { tell } from './tell.ts'

/** What was cancelled in Postgres: to make it quick, its jobs are taken off the queues, and workers and open pages are told. */
export async function endJobs(
  context: Pick<Context, 'redis' | 'producer'>,
  userId: string,
  { sync, jobs }: { sync: Sync | null; jobs: readonly SyncJob[] },
  log: Logger,
): Promise<void> {
  await stopJobs(context, jobs).catch((error: unknown) =>
    log.warn({ error: errorFields(error) }, 'Workers learn of the cancellation by their next heartbeat'),
  )
  for (const { connectionId, stream } of jobs) await tell(context, userId, { type: 'stream', connectionId, stream, state: 'cancelled' })
  if (sync) await tell(context, userId, { type: 'sync', syncId: sync.id, state: sync.state })
}
