import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listIdentities } from './queries.ts'

export function handleListIdentities({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listIdentities> {
  return async ({ userId }) => ({ identities: await listIdentities(db, userId) })
}
