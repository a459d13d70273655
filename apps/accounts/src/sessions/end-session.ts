import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { removeSession } from './queries.ts'
import { hashToken } from '../tokens.ts'

export function handleEndSession({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.endSession> {
  return ({ body }) => removeSession(db, hashToken(body.token))
}
