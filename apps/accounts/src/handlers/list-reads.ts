import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listMonthlyReads } from '../queries/reads.ts'

export function handleListReads({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listReads> {
  return async ({ userId }) => ({ reads: await listMonthlyReads(db, userId) })
}
