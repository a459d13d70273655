import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listLiveLeases } from '../queries/leases.ts'

export function handleListLeases({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listLeases> {
  return async () => ({ leases: await listLiveLeases(db) })
}
