import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { revokeRemoved } from '../connect/revoke-removed.ts'
import { findAdapter, type Context } from '../context.ts'
import { settleAllAbout } from '../notifications/queries.ts'
import { getConnection, listWriters, markRemoved } from '../queries/connections.ts'
import { breakLeases } from '../queries/leases.ts'
import { makeNotDue } from '../queries/streams.ts'
import { lockPerson } from '../queries/users.ts'
import { endWork } from '../streams/end-work.ts'

export function handleRemoveConnection(context: Context): Handler<typeof accountsRoutes.removeConnection> {
  return async ({ userId, params: { connectionId }, log }) => {
    await context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const { connection } = await getConnection(tx, userId, connectionId)
      const [writer] = await listWriters(tx, userId, connectionId)
      if (writer) {
        const title = findAdapter(context, writer.provider)?.adapter.title ?? writer.provider
        throw new AshevilleError('conflict', `${title} (${writer.handle}) is copied to ${connection.title}. Disconnect it first`)
      }
      await markRemoved(tx, userId, connectionId)
      await breakLeases(tx, userId, connectionId)
      await endWork(tx, userId, { connectionId }, { state: 'cancelled', reason: null, nextDueMs: null })
      await makeNotDue(tx, userId, connectionId, null)
      await settleAllAbout(tx, userId, connectionId)
    })
    try {
      await revokeRemoved(context, userId, connectionId, log)
    } catch (error) {
      // It is disconnected; its tokens are deleted by the next tidying.
      log.warn({ error, connectionId }, 'tokens of a removed connection are still there')
    }
  }
}
