import { createHash } from 'node:crypto'
import { AshevilleError, kindOf } from '@asheville/core'
import { isAppToken, type accountsRoutes, type CheckedToken, type Client } from '@asheville/clients'
import { countRequest, keepChecked, readChecked, type CountedRequest, type Redis } from '@asheville/redis'
import type { App, Apps } from '@asheville/service'

export interface AppsOptions {
  accounts: Pick<Client<typeof accountsRoutes>, 'checkAppToken'>
  redis: Redis
  /** Requests of one token in a window. */
  limit?: number
  now?(): number
}

const windowMs = 60_000
/** How long what accounts said is believed without being asked again. */
const keepMs = 55_000
/** Whoever has just not answered is not waited for by everybody. */
const restMs = 1000

/**
 * Programs by their tokens. Accounts says what a token is good for; that is kept in Redis for less than a minute, where a revocation
 * overwrites it, so that no process believes a dead token. Nothing is kept in memory: without Redis each request is asked for at
 * accounts, and where that does not answer either, nobody is let in.
 *
 * The limit protects the server, not people's data: without Redis nothing is counted, and requests pass without `RateLimit` headers.
 * Refusing them would make everybody's programs fail with a cache.
 */
export function createApps({ accounts, redis, limit = 600, now = Date.now }: AppsOptions): Apps {
  let restUntil = 0

  /** `undefined`: Redis does not answer. */
  async function ask<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (now() < restUntil) return undefined
    try {
      return await command()
    } catch {
      restUntil = now() + restMs
      return undefined
    }
  }

  async function askAccounts(token: string, call: { requestId: string; signal: AbortSignal }): Promise<CheckedToken> {
    const app = await accounts.checkAppToken({ body: { appToken: token }, ...call })
    const leftMs = app.expiresAt === null ? keepMs : Date.parse(app.expiresAt) - now()
    await ask(() => keepChecked(redis, hashOf(token), JSON.stringify(app), Math.min(keepMs, leftMs)))
    return app
  }

  async function find(
    token: string,
    call: { requestId: string; signal: AbortSignal },
  ): Promise<{ app: CheckedToken; counted: CountedRequest | null }> {
    const count = () => ask(() => countRequest(redis, hashOf(token), windowMs))
    const known = await count()
    if (known === 'revoked') throw refused()
    if (known) return { app: JSON.parse(known.text) as CheckedToken, counted: known }
    const app = await askAccounts(token, call)
    const counted = await count()
    // Taken back while accounts was asked.
    if (counted === 'revoked') throw refused()
    return { app, counted: counted ?? null }
  }

  async function isGood(token: string, call: { requestId: string; signal: AbortSignal }): Promise<boolean> {
    const known = await ask(() => readChecked(redis, hashOf(token)))
    if (known) return known !== 'revoked'
    return askAccounts(token, call).then(
      () => true,
      (error: unknown) => {
        if (kindOf(error) === 'unauthenticated') return false
        throw error
      },
    )
  }

  return {
    async admit({ request, response, requestId, signal }): Promise<App> {
      const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
      if (token === '') throw new AshevilleError('unauthenticated', 'Send a token: Authorization: Bearer ash_pat_…')
      if (!isAppToken(token)) throw refused()
      const { app, counted } = await find(token, { requestId, signal })
      if (counted) {
        // draft-ietf-httpapi-ratelimit-headers-10
        response.set('ratelimit-policy', `"token";q=${limit};w=${windowMs / 1000}`)
        response.set('ratelimit', `"token";r=${Math.max(0, limit - counted.requests)};t=${Math.ceil(counted.resetMs / 1000)}`)
        if (counted.requests > limit)
          throw new AshevilleError('rate-limited', `This token has made ${limit} requests within a minute`, {
            retryAfterMs: Math.max(1000, counted.resetMs),
            scope: 'connection',
          })
      }
      const { id, name, userId, scopes } = app
      return { id, name, userId, scopes, isGood: () => isGood(token, { requestId, signal }) }
    },
  }
}

const hashOf = (token: string): Uint8Array => createHash('sha256').update(token).digest()

function refused(): AshevilleError {
  return new AshevilleError('unauthenticated', 'This token is not good, or not any more')
}
