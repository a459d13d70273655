import type { Connection } from '@asheville/clients'
import type { Context } from '../context.ts'
import { park } from './parked-accounts.ts'
import { OtherAccount, saveConnection, type NewLink } from './save-connection.ts'

/**
 * Saves a verified account as a connection. When it is another than the one to be reconnected (`conflict`), it is kept for ten
 * minutes, so that it can be connected as one more without asking the provider again.
 */
export async function connectAccount(context: Context, userId: string, sessionId: string, link: NewLink): Promise<Connection> {
  try {
    return await context.db.transaction((tx) => saveConnection(context, tx, userId, link))
  } catch (error) {
    if (error instanceof OtherAccount) await context.db.transaction((tx) => park(tx, userId, sessionId, link, context.sealing))
    throw error
  }
}
