import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { useSession } from './queries.ts'
import { hashToken } from '../tokens.ts'

export function handleCheckSession({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.checkSession> {
  return async ({ body }) => {
    const session = await useSession(db, hashToken(body.token))
    if (!session) throw new AshevilleError('unauthenticated', 'You are signed out. Sign in again')
    return session
  }
}
