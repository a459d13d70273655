import type { Logger } from '@asheville/service'
import type { Context } from '../context.ts'
import { getStoredConnection } from '../queries/connections.ts'
import { findTokens, removeTokensOfRemoved } from '../queries/credentials.ts'
import { revokeUpstream } from './refresh-upstream.ts'

const revokeMs = 5_000

/**
 * Revokes the tokens of a removed connection at the provider, as well as that goes, and only then deletes them. A provider
 * that cannot be reached does not keep us from deleting.
 */
export async function revokeRemoved(context: Context, userId: string, connectionId: string, log: Logger): Promise<void> {
  const { db, sealing } = context
  const stored = await getStoredConnection(db, userId, connectionId)
  const tokens = await findTokens(db, userId, stored.connection, sealing)
  if (!tokens || !stored.isRemoved) return
  try {
    await revokeUpstream(context, stored, tokens, AbortSignal.timeout(revokeMs))
  } catch (error) {
    log.warn({ error, connectionId, provider: stored.connection.provider }, 'a grant could not be revoked at its provider')
  }
  await removeTokensOfRemoved(db, userId, connectionId, tokens.version)
}
