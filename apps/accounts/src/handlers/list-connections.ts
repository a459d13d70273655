import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listConnections } from '../queries/connections.ts'

export function handleListConnections({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listConnections> {
  return async ({ userId, query }) => ({
    connections: await listConnections(db, userId, query.kind ?? null, { revoked: query.include === 'revoked' }),
  })
}
