import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getProfile } from './queries.ts'

export function handleGetProfile({ db, sendsMail }: Pick<Context, 'db' | 'sendsMail'>): Handler<typeof accountsRoutes.getProfile> {
  return async ({ userId }) => ({ ...(await getProfile(db, userId)), sendsMail })
}
