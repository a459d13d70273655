import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { removeSession } from './queries.ts'

export function handleRevokeSession({ db, mirror }: Pick<Context, 'db' | 'mirror'>): Handler<typeof accountsRoutes.revokeSession> {
  return async ({ userId, params }) => {
    if (!(await removeSession(db, userId, params.sessionId))) throw new AshevilleError('not-found', 'There is no such session')
    await mirror.catchUp()
  }
}
