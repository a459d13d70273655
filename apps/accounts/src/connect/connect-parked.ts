import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { noSuchOffer } from './get-parked.ts'
import { takeParked } from './parked-accounts.ts'
import { saveConnection } from './save-connection.ts'

export function handleConnectParked(context: Context): Handler<typeof accountsRoutes.connectParked> {
  return ({ userId, body }) =>
    context.db.transaction(async (tx) => {
      const parked = await takeParked(tx, userId, body, context.sealing)
      if (!parked) throw noSuchOffer()
      return { connection: await saveConnection(context, tx, userId, parked.link) }
    })
}
