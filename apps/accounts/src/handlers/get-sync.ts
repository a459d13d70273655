import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getSync } from '../queries/syncs.ts'

export function handleGetSync({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.getSync> {
  return ({ userId, params }) => getSync(db, userId, params.syncId)
}
