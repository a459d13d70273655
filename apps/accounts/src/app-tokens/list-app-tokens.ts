import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listAppTokens } from './queries.ts'

export function handleListAppTokens({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listAppTokens> {
  return async ({ userId }) => ({ tokens: await listAppTokens(db, userId) })
}
