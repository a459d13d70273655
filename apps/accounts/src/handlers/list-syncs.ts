import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { readCursor } from '../queries/page-position.ts'
import { listSyncs } from '../queries/syncs.ts'

export function handleListSyncs({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listSyncs> {
  return ({ userId, query: { cursor, limit } }) => listSyncs(db, userId, { after: readCursor(cursor), limit })
}
