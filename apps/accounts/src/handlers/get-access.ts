import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { createAccess } from '../access.ts'
import type { Context } from '../context.ts'
import { withDeadline } from '../connect/with-deadline.ts'

export function handleGetAccess(context: Context): Handler<typeof accountsRoutes.getAccess> {
  const access = createAccess(context)
  return ({ userId, params, body, signal }) =>
    withDeadline('The other side', signal, (within) => access.get(userId, params.connectionId, body.rejected, within))
}
