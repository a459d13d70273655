import type { Logger } from '@asheville/service'
import type { Context } from '../context.ts'
import { isConnected } from '../queries/connections.ts'
import { listExpiredParked, removeParked } from './parked-accounts.ts'
import { revokeUpstream } from './refresh-upstream.ts'
import type { NewLink } from './save-connection.ts'

const revokeMs = 5_000

/**
 * Gives tokens back that nothing was made of. Not where the account is connected, be it by somebody else: providers that end
 * all access of an app at once would end that too.
 */
export async function giveBack(context: Context, link: NewLink, log: Logger): Promise<void> {
  const { provider, server, fields, account, endpoints, registrationId, tokens } = link
  if (!tokens) return
  try {
    if (await isConnected(context.db, { provider, server, accountId: account.id })) return
    const granted = { connection: { provider, server, fields }, endpoints, registrationId }
    await revokeUpstream(context, granted, tokens, AbortSignal.timeout(revokeMs))
  } catch (error) {
    log.warn({ error, provider }, 'a grant that was not used could not be revoked at its provider')
  }
}

/** Gives back what was parked and nobody took. */
export async function giveBackParked(context: Context, log: Logger): Promise<void> {
  for (const parked of await listExpiredParked(context.db, 20, context.sealing)) {
    try {
      await giveBack(context, parked.open().link, log)
    } catch (error) {
      log.warn({ error, parkedId: parked.id }, 'a parked account could not be opened')
    }
    await removeParked(context.db, parked.userId, parked.id)
  }
}
