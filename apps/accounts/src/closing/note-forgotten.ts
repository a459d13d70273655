import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { addForgotten } from './closings.ts'

export function handleNoteForgotten({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.noteForgotten> {
  return ({ userId, body }) => addForgotten(db, userId, body)
}
