import { kindOf } from '@asheville/core'
import type { Connection } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Context } from '../context.ts'
import { isClosing } from '../queries/users.ts'
import { park } from './parked-accounts.ts'
import { OtherAccount, saveConnection, type NewLink } from './save-connection.ts'

/**
 * Saves a verified account as a connection. When it is another than the one to be reconnected (`conflict`), it is kept for ten
 * minutes, so that it can be connected as one more without asking the provider again. `alongside` is done in the same transaction.
 */
export async function connectAccount(
  context: Context,
  userId: string,
  sessionId: string,
  link: NewLink,
  alongside?: (tx: Database, connection: Connection) => Promise<unknown>,
): Promise<Connection> {
  try {
    return await context.db.transaction(async (tx) => {
      const connection = await saveConnection(context, tx, userId, link)
      await alongside?.(tx, connection)
      return connection
    })
  } catch (error) {
    // Where the account is being closed meanwhile, what is parked is given back with the rest.
    if (error instanceof OtherAccount || (kindOf(error) === 'conflict' && (await isClosing(context.db, userId))))
      await context.db.transaction((tx) => park(tx, userId, sessionId, link, context.sealing))
    throw error
  }
}
