import { AshevilleError, type OAuthClient, type Tokens } from '@asheville/core'
import type { Connection } from '@asheville/clients'
import { findAdapter, type Context } from '../context.ts'
import { getRegistration } from '../queries/app-registrations.ts'
import type { StoredConnection } from '../queries/connections.ts'
import { refreshTokens, revokeTokens, type OAuthServer } from './oauth-client.ts'

/** What tells where tokens are from. */
export type Granted = Pick<StoredConnection, 'endpoints' | 'registrationId'> & { connection: Pick<Connection, 'provider' | 'server'> }

/** Providers were seen to take half a minute; giving up early would lose the token that they then send. */
const refreshMs = 40_000

/**
 * Asks the provider for new tokens; not ended by a caller that goes away. Null when these cannot be renewed at all. Throws
 * `reconnect-required` when the grant is dead, `unavailable` or `rate-limited` otherwise.
 */
export async function refreshUpstream(context: Context, stored: Granted, tokens: Tokens): Promise<Tokens | null> {
  const signal = AbortSignal.timeout(refreshMs)
  const server = await oauthServerOf(context, stored, signal)
  if (server) return tokens.refreshToken === null ? null : refreshTokens(server, tokens.refreshToken)
  const { connection } = stored
  const login = findAdapter(context, connection.provider)?.adapter.logins.find((each) => each.kind === 'fields')
  if (!login?.refresh) return null
  const { http, variables } = context
  return login.refresh(plain(tokens), connection.server, { http, variables, signal, now: () => new Date() })
}

/** Gives the grant back to the provider; false where it has no way to. */
export async function revokeUpstream(context: Context, stored: Granted, tokens: Tokens, signal: AbortSignal): Promise<boolean> {
  const server = await oauthServerOf(context, stored, signal)
  if (server) {
    await revokeTokens(server, tokens)
    return server.endpoints.revocation !== null
  }
  const { connection } = stored
  const login = findAdapter(context, connection.provider)?.adapter.logins.find((each) => each.kind === 'fields')
  const { http, variables } = context
  if (!login?.revoke) return false
  await login.revoke(plain(tokens), connection.server, { http, variables, signal, now: () => new Date() })
  return true
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
