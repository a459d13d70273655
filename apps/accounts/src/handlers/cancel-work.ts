import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getConnection } from '../queries/connections.ts'
import { endJobs } from '../queries/sync-jobs.ts'
import { findRunning, getSync } from '../queries/syncs.ts'
import { lockPerson } from '../queries/users.ts'
import { closeAndTell } from '../streams/close-syncs.ts'
import { afterCancelMs } from '../streams/next-due.ts'

/** As `cancelSync`. A sync that other connections still work for goes on. */
export function handleCancelWork(context: Pick<Context, 'db' | 'syncIntervalMs'>): Handler<typeof accountsRoutes.cancelWork> {
  return ({ userId, body: { connectionId } }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      if (connectionId !== null) await getConnection(tx, userId, connectionId)
      const syncId = await findRunning(tx, userId)
      if (syncId === null) return { sync: null, jobs: [] }
      const pause = afterCancelMs(context)
      const mine = connectionId === null ? { syncId } : { syncId, connectionId }
      const jobs = await endJobs(tx, userId, mine, { state: 'cancelled', reason: null, nextDueMs: pause })
      if (connectionId !== null && jobs.length === 0) return { sync: null, jobs }
      await closeAndTell(tx, [{ userId, syncId }], connectionId === null ? 'cancelled' : null)
      return { sync: await getSync(tx, userId, syncId), jobs }
    })
}
