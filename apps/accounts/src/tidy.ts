import type { Logger } from '@asheville/service'
import type { Access } from './access.ts'
import { createHistoryClearing } from './history/clear-history.ts'
import { giveBackParked } from './connect/give-back.ts'
import { renewAhead } from './connect/renew-ahead.ts'
import { revokeRemoved } from './connect/revoke-removed.ts'
import { clearReports } from './closing/closings.ts'
import type { Context } from './context.ts'
import { clearKeys } from './idempotency/queries.ts'
import { clearNotifications } from './notifications/queries.ts'
import { clearChallenges } from './passkeys/challenges.ts'
import { listLeftTokens } from './queries/credentials.ts'
import { clearLinks } from './profile/queries.ts'
import { clearTransactions } from './queries/oauth-transactions.ts'
import { addNewStream } from './queries/streams.ts'
import { clearThrottles } from './queries/throttles.ts'
import { clearDevices } from './sessions/known-devices.ts'
import { clearSessions } from './sessions/queries.ts'
import { announceAvailable } from './votes/announce-available.ts'

const everyMs = 60_000

/** Clears away what has ended, does what a process that died left to do, and keeps access alive. Several processes may do so at once. */
async function tidy(context: Context, access: Access, clearHistory: () => Promise<void>, log: Logger): Promise<void> {
  await clearThrottles(context.db)
  await clearTransactions(context.db)
  await clearLinks(context.db)
  await clearReports(context.db)
  await clearChallenges(context.db)
  await clearSessions(context.db)
  await clearKeys(context.db)
  await clearNotifications(context.db)
  await announceAvailable(context)
  await clearDevices(context.db)
  await giveBackParked(context, log)
  for (const { userId, connectionId } of await listLeftTokens(context.db, 20)) await revokeRemoved(context, userId, connectionId, log)
  await renewAhead(context, access, log)
  await clearHistory()
}

const batch = 500

/** Gives the streams that adapters have got since to everybody who connected before. */
export async function addNewStreams({ db, networks }: Pick<Context, 'db' | 'networks'>): Promise<void> {
  for (const { id: provider, streams } of networks) {
    for (const stream of streams) {
      while ((await addNewStream(db, { ...stream, provider, limit: batch })) === batch);
    }
  }
}

/** Once now, and every minute until stopped. An outage of the database is said by readiness, not here. */
export function startTidying(context: Context, access: Access, log: Logger): { stop(): Promise<void> } {
  let running = addNewStreams(context).catch((error: unknown) => log.warn({ error }, 'new streams of networks were not added'))
  const clearHistory = createHistoryClearing(context.db, context.historyDays)
  const timer = setInterval(() => {
    running = running.then(() => tidy(context, access, clearHistory, log)).catch((error: unknown) => log.debug({ error }, 'tidying failed'))
  }, everyMs)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
