import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { changeUser } from './queries.ts'

export function handleUpdateUser({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.updateUser> {
  return ({ userId, body }) => changeUser(db, userId, body)
}
