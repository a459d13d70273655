import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listResults } from '../queries/sync-jobs.ts'
import { getSync } from '../queries/syncs.ts'

export function handleGetSync({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.getSync> {
  return async ({ userId, params: { syncId } }) => ({
    ...(await getSync(db, userId, syncId)),
    results: await listResults(db, userId, syncId),
  })
}
