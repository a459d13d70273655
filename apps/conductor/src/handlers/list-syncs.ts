import type { conductorRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'

export function listSyncs({ accounts }: Pick<Context, 'accounts'>): Handler<typeof conductorRoutes.listSyncs> {
  return ({ query, userId, requestId, signal }) => accounts.listSyncs({ query, userId, requestId, signal })
}
