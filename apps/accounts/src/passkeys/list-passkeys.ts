import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listPasskeys } from './queries.ts'

export function handleListPasskeys({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listPasskeys> {
  return async ({ userId }) => ({ passkeys: await listPasskeys(db, userId) })
}
