import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { endSessions } from './end-sessions.ts'
import { isSessionOf } from './queries.ts'

export function handleRevokeSessions(context: Context): Handler<typeof accountsRoutes.revokeSessions> {
  return async ({ userId, body: { except } }) => {
    if (except !== null && !(await isSessionOf(context.db, userId, except)))
      throw new AshevilleError('not-found', 'There is no such session')
    return { ended: await endSessions(context, userId, { except }) }
  }
}
