import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { countUnread } from './queries.ts'

export function handleCountUnread({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.countUnread> {
  return async ({ userId }) => ({ unread: await countUnread(db, userId) })
}
