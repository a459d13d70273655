import { randomUUID } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { accountsRoutes, Connection } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { removeAppTokens } from '../app-tokens/queries.ts'
import { findMailAddress } from '../mail/queries.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { confirmPerson } from '../profile/confirm-person.ts'
import { listConnections } from '../queries/connections.ts'
import { forgetAttempts } from '../queries/throttles.ts'
import { getUser, lockPerson } from '../queries/users.ts'
import { removeSessions } from '../sessions/queries.ts'
import { endWork } from '../streams/end-work.ts'
import { addClosing, isBegun } from './closings.ts'
import { countOthers, dropBegun, listGrants, markClosing, tellStopped } from './queries.ts'

/**
 * From here on nobody signs in as the person, and no work starts or goes on for them: that is one transaction. What takes
 * longer is written down in it, and carried out by `startClosing`.
 */
export function handleCloseAccount(context: Context): Handler<typeof accountsRoutes.closeAccount> {
  const { db, mirror, revocations, webUrl } = context
  return async ({ userId, body }) => {
    const { linkToken, removesFiles } = body
    // The answer to the first call may have been lost, and with it the session that would confirm the second.
    if (await isBegun(db, userId, linkToken)) return
    await confirmPerson(context, userId, body)
    const tokenHashes = await db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const { role } = await getUser(tx, userId)
      if (role === 'owner' && (await countOthers(tx, userId)) > 0) throw ownerStays()
      const address = await findMailAddress(tx, userId)
      const storages = await listConnections(tx, userId, 'storage')
      const grants = await listGrants(tx, userId)

      await markClosing(tx, userId)
      const sessions = await removeSessions(tx, userId, {})
      const tokens = await removeAppTokens(tx, userId)
      const jobs = await endWork(tx, userId, {}, { state: 'cancelled', reason: null, nextDueMs: null })
      await dropBegun(tx, userId)
      await tellStopped(tx, userId, jobs)
      await addClosing(tx, userId, {
        id: randomUUID(),
        linkToken,
        removesFiles,
        report: {
          jobs: jobs.length,
          sessions: sessions.length,
          grants,
          storages: storages.map((storage) => ({
            provider: storage.provider,
            server: storage.server,
            files: removesFiles && isOurs(storage) ? ('removed' as const) : ('kept' as const),
          })),
          forgotten: null,
          rows: null,
        },
      })
      await forgetAttempts(tx, `confirm ${userId}`)
      if (address) {
        const { to, name, locale } = address
        await queueMail(context, tx, {
          userId,
          to,
          locale,
          kind: 'account-closed',
          values: { name, link: new URL(`/closed/${linkToken}`, webUrl).href },
        })
      }
      return tokens
    })
    await Promise.all([mirror.catchUp(), revocations.announce(tokenHashes)])
  }
}

/** Files of this server's own disk: of all storages the only one that is not the person's own. */
export function isOurs({ provider }: Pick<Connection, 'provider'>): boolean {
  return provider === 'local'
}

function ownerStays(): AshevilleError {
  return new AshevilleError(
    'conflict',
    'You look after this server, and other people have accounts on it. As its owner you can only close yours when you are the last',
  )
}
