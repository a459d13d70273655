import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { startDueStreams } from '../queries/due.ts'
import { claimUnheldJobs } from '../queries/sync-jobs.ts'

/** What was left behind comes first, so that new work never starves it. */
export function handleClaimDue({ db, networks }: Pick<Context, 'db' | 'networks'>): Handler<typeof accountsRoutes.claimDue> {
  const ids = networks.map(({ id }) => id)
  return async ({ body: { limit } }) => {
    const left = await claimUnheldJobs(db, ids, limit)
    const room = limit - left.length
    const started = room === 0 ? [] : await db.transaction((tx) => startDueStreams(tx, ids, room))
    return { jobs: [...left, ...started] }
  }
}
