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
  // All at once, for each may have to wait until a Redis that is frozen is given up.
  await Promise.all([
    stopJobs(context, jobs).catch((error: unknown) =>
      log.warn({ error: errorFields(error) }, 'Workers learn of the cancellation by their next heartbeat'),
    ),
    ...jobs.map(({ connectionId, stream }) => tell(context, userId, { type: 'stream', connectionId, stream, state: 'cancelled' })),
    ...(sync ? [tell(context, userId, { type: 'sync', syncId: sync.id, state: sync.state })] : []),
  ])
}
