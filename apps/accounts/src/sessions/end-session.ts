import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { hashToken } from '../tokens.ts'
import { removeSessionOf } from './queries.ts'

export function handleEndSession({ db, mirror }: Pick<Context, 'db' | 'mirror'>): Handler<typeof accountsRoutes.endSession> {
  return async ({ body }) => {
    await removeSessionOf(db, hashToken(body.token))
    await mirror.catchUp()
  }
}
