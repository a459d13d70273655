import { AshevilleError, type OAuthClient, type Tokens } from '@asheville/core'
import type { Connection } from '@asheville/clients'
import { findAdapter, type Context } from '../context.ts'
import { getRegistration } from '../queries/app-registrations.ts'
import type { StoredConnection } from '../queries/connections.ts'
import { refreshTokens, revokeTokens, type OAuthServer } from './oauth-client.ts'

/** What tells where tokens are from. */
export type Granted = Pick<StoredConnection, 'endpoints' | 'registrationId'> & {
  connection: Pick<Connection, 'provider' | 'server' | 'fields'>
}

/** Providers were seen to take half a minute; giving up early would lose the token that they then send. */
const refreshMs = 40_000

/**
 * Asks the provider for new tokens; not ended by a caller that goes away. Null when these cannot be renewed at all. Throws
 * `reconnect-required` when the grant is dead, `unavailable` or `rate-limited` otherwise.
 */
export async function refreshUpstream(context: Context, granted: Granted, tokens: Tokens): Promise<Tokens | null> {
  const { refresh } = await waysOf(context, granted, AbortSignal.timeout(refreshMs))
  return refresh(plain(tokens))
}

/** Gives the grant back to the provider; false where it has no way to. */
export async function revokeUpstream(context: Context, granted: Granted, tokens: Tokens, signal: AbortSignal): Promise<boolean> {
  const { revoke } = await waysOf(context, granted, signal)
  await revoke?.(plain(tokens))
  return revoke !== null
}

interface Ways {
  /** Answers null for tokens that cannot be renewed. */
  refresh(tokens: Tokens): Promise<Tokens | null>
  revoke: ((tokens: Tokens) => Promise<void>) | null
}

/** How these tokens are renewed and given back: as the standards say, or in the provider's own way. */
async function waysOf(context: Context, granted: Granted, signal: AbortSignal): Promise<Ways> {
  const { http, variables } = context
  const { connection, registrationId } = granted
  const { logins = [] } = findAdapter(context, connection.provider)?.adapter ?? {}
  const io = { http, variables, signal, now: () => new Date() }
  const server = await oauthServerOf(context, granted, signal)
  if (!server) {
    const login = logins.find((each) => each.kind === 'fields')
    return {
      refresh: async (tokens) => (await login?.refresh?.(tokens, connection.server, io)) ?? null,
      revoke: login?.revoke ? (tokens) => login.revoke!(tokens, connection, io) : null,
    }
  }
  const login = registrationId === null ? logins.find((each) => each.kind === 'oauth2') : undefined
  const appIo = { ...io, client: server.client }
  const refresh = async (tokens: Tokens) => {
    if (login?.refresh) return login.refresh(tokens, appIo)
    return tokens.refreshToken === null ? null : refreshTokens(server, tokens.refreshToken)
  }
  const current = async (tokens: Tokens) => (isOver(tokens) && (await refresh(tokens))) || tokens
  if (login?.revoke) return { refresh, revoke: async (tokens) => login.revoke!(await current(tokens), appIo) }
  return { refresh, revoke: server.endpoints.revocation === null ? null : (tokens) => revokeTokens(server, tokens) }
}

function isOver({ expiresAt }: Tokens): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now()
}

function plain({ accessToken, expiresAt, refreshToken }: Tokens): Tokens {
  return { accessToken, expiresAt, refreshToken }
}

/** The authorisation server that the connection was made with; null for one that was made by filling in fields. */
async function oauthServerOf(context: Context, stored: Granted, signal: AbortSignal): Promise<OAuthServer | null> {
  const { connection, endpoints } = stored
  if (endpoints === null) return null
  const found = findAdapter(context, connection.provider)
  const client = await clientOf(context, stored)
  if (!found || !client)
    throw new AshevilleError('reconnect-required', 'The application that this was connected with is no longer registered')
  const name = connection.server === null ? found.adapter.title : new URL(connection.server).host
  return { name, endpoints, client, http: context.http, signal, now: () => new Date() }
}

async function clientOf(context: Context, { registrationId, connection }: Granted): Promise<OAuthClient | null> {
  if (registrationId !== null) return getRegistration(context.db, registrationId, context.sealing)
  const login = findAdapter(context, connection.provider)?.adapter.logins.find((each) => each.kind === 'oauth2')
  const clientId = login && context.variables[login.clientIdVariable]
  if (!clientId) return null
  return { clientId, clientSecret: context.variables[login.clientSecretVariable] || null }
}
