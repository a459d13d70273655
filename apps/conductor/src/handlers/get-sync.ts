import type { conductorRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'

export function getSync({ accounts }: Pick<Context, 'accounts'>): Handler<typeof conductorRoutes.getSync> {
  return ({ params, userId, requestId, signal }) => accounts.getSync({ params, userId, requestId, signal })
}
