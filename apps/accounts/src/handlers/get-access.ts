import type { ServiceName } from '@asheville/core'
import { AshevilleError } from '@asheville/core'
import type { accountsRoutes, Connection } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Access } from '../access.ts'
import { withDeadline } from '../connect/with-deadline.ts'
import type { Context } from '../context.ts'
import { getConnection } from '../queries/connections.ts'
import { isClosing } from '../queries/users.ts'

/** Whose work a token is for: a worker never writes to a storage, and platform never pulls. */
const kindOfCaller: Partial<Record<ServiceName, Connection['kind']>> = { workers: 'network', platform: 'storage' }

export function handleGetAccess({ db }: Pick<Context, 'db'>, access: Access): Handler<typeof accountsRoutes.getAccess> {
  return async ({ userId, params: { connectionId }, body, signal, caller }) => {
    if (await isClosing(db, userId)) throw new AshevilleError('conflict', 'This account is being closed')
    const { connection } = await getConnection(db, userId, connectionId)
    if (connection.kind !== kindOfCaller[caller]) {
      throw new AshevilleError('forbidden', `The ${caller} service gets no access to a ${connection.kind}`)
    }
    return withDeadline('The other side', signal, (within) => access.get(userId, connectionId, body.rejected, within))
  }
}
