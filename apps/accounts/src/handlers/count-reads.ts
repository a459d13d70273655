import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { addReads } from '../queries/reads.ts'

export function handleCountReads({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.countReads> {
  return async ({ userId, params, body }) => ({ readsLeft: await addReads(db, userId, params.connectionId, body.reads) })
}
