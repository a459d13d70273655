import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { readCursor } from '../queries/page-position.ts'
import { listPeople } from './queries.ts'
import { requireOwner } from './require-owner.ts'

export function handleListUsers({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listUsers> {
  return async ({ userId, query: { cursor, limit, search } }) => {
    await requireOwner(db, userId)
    return listPeople(db, { after: readCursor(cursor), limit, search })
  }
}
