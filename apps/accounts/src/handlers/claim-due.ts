import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listPaused } from '../admin/controls.ts'
import { spreadLate, startDueStreams } from '../queries/due.ts'
import { claimUnheldJobs } from '../queries/sync-jobs.ts'

/** Of networks that the owner of the server has paused nothing is given out. What was left behind comes first, so that new work never starves it. */
export function handleClaimDue({ db, networks }: Pick<Context, 'db' | 'networks'>): Handler<typeof accountsRoutes.claimDue> {
  const known = networks.map(({ id }) => id)
  return async ({ body: { limit } }) => {
    const paused = await listPaused(db)
    const ids = known.filter((id) => !paused.includes(id))
    const left = await claimUnheldJobs(db, ids, limit)
    const room = limit - left.length
    // While more has to be spread than at once, nothing is started: it would be what comes first, and not what is due.
    const isStarting = room > 0 && !(await spreadLate(db, ids))
    const started = isStarting ? await db.transaction((tx) => startDueStreams(tx, ids, room)) : []
    return { jobs: [...left, ...started] }
  }
}
