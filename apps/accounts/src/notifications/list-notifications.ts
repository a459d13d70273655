import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { readCursor } from '../queries/page-position.ts'
import { countUnread, listNotifications } from './queries.ts'

export function handleListNotifications({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.listNotifications> {
  return async ({ userId, query: { cursor, limit, unread: isUnread } }) => ({
    ...(await listNotifications(db, userId, { after: readCursor(cursor), limit, isUnread })),
    unread: await countUnread(db, userId),
  })
}
