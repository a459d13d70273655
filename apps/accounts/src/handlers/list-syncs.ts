import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listSyncs } from '../queries/syncs.ts'

export function handleListSyncs({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listSyncs> {
  return async ({ userId, query }) => ({ syncs: await listSyncs(db, userId, query.limit) })
}
