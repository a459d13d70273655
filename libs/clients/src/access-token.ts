import { AshevilleError } from '@asheville/core'
import type { accountsRoutes } from './accounts/index.ts'
import type { Client } from './create-client.ts'

export interface AccessToken {
  /** A current one, from memory while it lasts. Throws `reconnect-required` when there is none to be had. */
  get(): Promise<string>
  /**
   * The network or storage refused a token, the current one unless said otherwise: unless there is another already, the next `get` asks
   * accounts for one. False when none was handed out.
   */
  reject(refused?: string): boolean
}

/** Ends before the token does, so that a request never leaves with one that dies on the way. */
const marginMs = 60_000
/** For tokens that tell no end: accounts stays the one who knows. */
const unknownLifeMs = 5 * 60_000

/** The access token of one connection, as accounts hands it out; `first`: one that it has handed out already. */
export function createAccessToken(
  accounts: Pick<Client<typeof accountsRoutes>, 'getAccess'>,
  call: { userId: string; connectionId: string; requestId?: string; signal?: AbortSignal },
  first: { accessToken: string; expiresAt: string | null } | null = null,
): AccessToken {
  let current = first && lasting(first)
  let rejected: string | null = null

  return {
    async get() {
      if (current && Date.now() < current.until) return current.token
      const { connectionId, ...context } = call
      const { accessToken, expiresAt } = await accounts.getAccess({ ...context, params: { connectionId }, body: { rejected } })
      if (accessToken === null || accessToken === rejected)
        throw new AshevilleError('reconnect-required', 'The connection has to be renewed')
      rejected = null
      current = lasting({ accessToken, expiresAt })
      return accessToken
    },
    reject(refused = current?.token) {
      if (refused === undefined) return false
      if (refused === current?.token) {
        rejected = refused
        current = null
      }
      return true
    },
  }
}

function lasting({ accessToken, expiresAt }: { accessToken: string; expiresAt: string | null }): { token: string; until: number } {
  return { token: accessToken, until: expiresAt === null ? Date.now() + unknownLifeMs : Date.parse(expiresAt) - marginMs }
}
