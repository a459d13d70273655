import type { Logger } from '@asheville/service'
import { revokeRemoved } from './connect/revoke-removed.ts'
import type { Context } from './context.ts'
import { listLeftTokens } from './queries/credentials.ts'
import { clearTransactions } from './queries/oauth-transactions.ts'
import { clearSessions } from './queries/sessions.ts'
import { clearThrottles } from './queries/throttles.ts'

const everyMs = 60_000

/** Clears away what has ended, and what a process that died left to do. Several processes may do so at once. */
export async function tidy(context: Context, log: Logger): Promise<void> {
  await clearThrottles(context.db)
  await clearTransactions(context.db)
  await clearSessions(context.db)
  for (const { userId, connectionId } of await listLeftTokens(context.db, 20)) await revokeRemoved(context, userId, connectionId, log)
}

/** Tidies every minute until stopped; an outage of the database is said by readiness, not here. */
export function startTidying(context: Context, log: Logger): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    running = running.then(() => tidy(context, log)).catch((error: unknown) => log.debug({ error }, 'tidying failed'))
  }, everyMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
