import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { claimMessages } from '../queries/outbox.ts'

export function handleClaimOutbox({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.claimOutbox> {
  return async ({ body }) => ({ messages: await claimMessages(db, body.limit) })
}
