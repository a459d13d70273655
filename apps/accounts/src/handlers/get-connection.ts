import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getConnection } from '../queries/connections.ts'

export function handleGetConnection({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.getConnection> {
  return async ({ userId, params }) => (await getConnection(db, userId, params.connectionId)).connection
}
