import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { removeAppToken } from './queries.ts'

export function handleRevokeAppToken({
  db,
  revocations,
}: Pick<Context, 'db' | 'revocations'>): Handler<typeof accountsRoutes.revokeAppToken> {
  return async ({ userId, params }) => {
    const tokenHash = await removeAppToken(db, userId, params.appTokenId)
    if (!tokenHash) throw new AshevilleError('not-found', 'There is no such token')
    await revocations.announce([tokenHash])
  }
}
