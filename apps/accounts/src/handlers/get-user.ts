import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getUser } from '../queries/users.ts'

export function handleGetUser({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.getUser> {
  return ({ userId }) => getUser(db, userId)
}
