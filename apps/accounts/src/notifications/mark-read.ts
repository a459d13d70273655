import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { markOneRead, markReadUpTo } from './queries.ts'

export function handleMarkRead({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.markRead> {
  return ({ userId, params }) => markOneRead(db, userId, params.notificationId)
}

export function handleMarkAllRead({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.markAllRead> {
  return ({ userId, body }) => markReadUpTo(db, userId, body.upTo)
}
