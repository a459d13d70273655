import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { removeMessages } from '../queries/outbox.ts'

export function handleAcknowledgeOutbox({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.acknowledgeOutbox> {
  return ({ body }) => removeMessages(db, body.ids)
}
