import { asPerson } from '@asheville/database'
import type { Logger } from '@asheville/service'
import type { Access } from '../access.ts'
import type { Context } from '../context.ts'
import { listToRenew, renewLater } from '../queries/credentials.ts'

/** Side by side: each may keep a connection of the refreshes' own pool until a provider has answered. */
const batch = 5
const againMs = 3_600_000

/**
 * Renews access that cannot be renewed any more once it is over (`refresh` of `oauth2` without a refresh token), whether anybody
 * uses it or not: a paused connection stays connected. What fails is tried again after an hour.
 */
export async function renewAhead(context: Pick<Context, 'db' | 'networks' | 'storages'>, access: Access, log: Logger): Promise<void> {
  const { db, networks, storages } = context
  const trading = [...networks, ...storages].filter(({ logins }) => logins.some((login) => login.kind === 'oauth2' && login.refresh))
  const providers = trading.map(({ id }) => id)
  if (providers.length === 0) return
  const due = await listToRenew(db, providers, batch)
  await Promise.all(
    due.map(async ({ userId, connectionId, provider }) => {
      try {
        await asPerson(userId, () => access.renew(userId, connectionId))
      } catch (error) {
        log.warn({ error, connectionId, provider }, 'access could not be renewed ahead of its end; it is tried again in an hour')
        await asPerson(userId, () => renewLater(db, userId, connectionId, againMs))
      }
    }),
  )
}
