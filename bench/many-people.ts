import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { putConnection, getStoredConnection, listConnections, setConnectionSettings } from '../apps/accounts/src/queries/connections.ts'
import { findTokens, putTokens } from '../apps/accounts/src/queries/credentials.ts'
import { addStreams } from '../apps/accounts/src/queries/streams.ts'
import { addPerson } from '../apps/accounts/src/queries/users.ts'
import { createSealing, readSealingKeys } from '../apps/accounts/src/sealing.ts'
import { asPerson, asService, createDatabase, type Database } from '@asheville/database'
import type { Instance } from '@asheville/e2e/instance.ts'

/** All streams of a connection to Mastodon. */
export const streams = ['statuses', 'favourites', 'bookmarks', 'follows'] as const

/** Accounts' own data, for what no API makes many of. The caller closes it. */
export function openAccountsData({ constellation }: Instance): Database {
  return createDatabase({ url: constellation.env.accounts['DATABASE_URL'] ?? '', schema: 'accounts', poolSize: 4, queryTimeoutMs: 30_000 })
}

/**
 * So many people who have connected what this one has, with tokens of their own sealing; of each network the streams of these names. Without any way to sign
 * in, and nothing of theirs is due. Answers their ids.
 */
export async function addPeopleLike(
  instance: Instance,
  db: Database,
  { userId, streams, count }: { userId: string; streams: readonly string[]; count: number },
): Promise<string[]> {
  const sealing = createSealing(readSealingKeys(instance.constellation.env.accounts['CREDENTIAL_KEYS'] ?? ''))
  const networks = await asPerson(userId, async () => {
    const connections = await listConnections(db, userId, 'network')
    return Promise.all(
      connections.map(async ({ id }) => {
        const stored = await getStoredConnection(db, userId, id)
        return { stored, tokens: await findTokens(db, userId, stored.connection, sealing) }
      }),
    )
  })
  const ids = Array.from({ length: count }, () => randomUUID())
  for (const [index, id] of ids.entries()) {
    await asService(() => addPerson(db, id, { name: `Person ${index}`, email: null, locale: 'en', isOpen: true }))
    await asPerson(id, () =>
      db.transaction(async (tx) => {
        const account = { id, handle: 'disk', title: 'Disk', url: null, declined: [] }
        const nothing = { fields: {}, server: null, registrationId: null, endpoints: null, storageId: null, pausedFor: null }
        const storage = await putConnection(tx, id, randomUUID(), { ...nothing, kind: 'storage', provider: 'local', account })
        for (const { stored, tokens } of networks) {
          const { connection } = stored
          const linked = {
            ...stored,
            ...connection,
            account: { ...connection, id: connection.accountId, declined: [] },
            storageId: storage.id,
            pausedFor: null,
          }
          const own = await putConnection(tx, id, randomUUID(), linked)
          await setConnectionSettings(tx, id, own.id, connection.settings)
          await putTokens(tx, id, own, tokens, sealing)
          await addStreams(tx, id, own.id, streams)
        }
      }),
    )
  }
  return ids
}

/** Makes the streams of these names due, everybody's, now; answers how many. */
export async function makeAllDue(db: Database, streams: readonly string[]): Promise<number> {
  const rows = await asService(() => db.query('UPDATE streams SET next_due_at = now() WHERE name = ANY ($1) RETURNING 1', [streams]))
  return rows.length
}

/** Resolves when nothing is due or under way, and nothing is left to be announced. Throws when a sync of them has not ended well. */
export async function untilCaughtUp(db: Database, timeoutMs = 300_000): Promise<void> {
  const until = Date.now() + timeoutMs
  for (;;) {
    const [left] = await asService(() =>
      db.query<{ due: number; jobs: number; messages: number; failed: number }>(
        `SELECT (SELECT count(*) FROM streams WHERE next_due_at <= now()) AS due, (SELECT count(*) FROM sync_jobs WHERE finished_at IS NULL) AS jobs,
           (SELECT count(*) FROM outbox) AS messages, (SELECT count(*) FROM sync_jobs WHERE state IN ('failed', 'retrying', 'waiting')) AS failed`,
      ),
    )
    if (!left || left.failed > 0) throw new Error(`${left?.failed} jobs did not end well`)
    if (left.due + left.jobs + left.messages === 0) return
    if (Date.now() > until) throw new Error(`Not caught up: ${JSON.stringify(left)}`)
    await wait(50)
  }
}
