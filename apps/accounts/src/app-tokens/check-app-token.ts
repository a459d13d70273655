import { AshevilleError } from '@asheville/core'
import { isAppToken, type accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { hashToken } from '../tokens.ts'
import { useAppToken } from './queries.ts'

export function handleCheckAppToken({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.checkAppToken> {
  return async ({ body: { appToken } }) => {
    const token = isAppToken(appToken) ? await useAppToken(db, hashToken(appToken)) : null
    if (!token) throw new AshevilleError('unauthenticated', 'This token is not good, or not any more')
    return token
  }
}
