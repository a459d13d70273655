import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { readCursor } from '../queries/page-position.ts'
import { getUser } from '../queries/users.ts'
import { listPeople } from './queries.ts'

export function handleListUsers({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listUsers> {
  return async ({ userId, query: { cursor, limit, search } }) => {
    const { role } = await getUser(db, userId)
    if (role !== 'owner') throw new AshevilleError('forbidden', 'Only the owner of this server may see who uses it')
    return listPeople(db, { after: readCursor(cursor), limit, search })
  }
}
