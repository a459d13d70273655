import { AshevilleError, type Fields, type Login, type OAuthClient, type OAuthEndpoints } from '@asheville/core'
import type { findAdapter, Context } from '../context.ts'
import { addTransaction, type OAuthTransaction, type Sent } from '../queries/oauth-transactions.ts'
import { isSessionOf } from '../sessions/queries.ts'
import { randomToken } from '../tokens.ts'
import { atFirstField } from './first-field.ts'
import { authorizationUrl, randomVerifier } from './oauth-client.ts'
import { operatorsClient, redirectUriOf, type Registrar } from './provider-client.ts'
import { scopesOf } from './scopes-of.ts'

export type OAuthLogin = Exclude<Login, { kind: 'fields' }>
type Found = NonNullable<ReturnType<typeof findAdapter>>

/** What a browser is sent away for. */
export type Errand = Pick<OAuthTransaction, 'purpose' | 'reconnects' | 'storageId' | 'returnTo'>

/**
 * Begins an authorisation: finds the server, registers us there if need be, remembers who was sent for what, and answers the
 * address to send the browser to. Where it comes back to is ours to say, never the request's.
 */
export async function sendAway(
  context: Context,
  register: Registrar,
  sent: Sent,
  { found, login, fields, errand, signal }: { found: Found; login: OAuthLogin; fields: Fields; errand: Errand; signal: AbortSignal },
): Promise<string> {
  const { db, sealing, webUrl } = context
  if ('sessionId' in sent && !(await isSessionOf(db, sent.userId, sent.sessionId)))
    throw new AshevilleError('forbidden', 'This session has ended. Sign in again')
  const provider = found.adapter.id
  const redirectUri = redirectUriOf(webUrl, found)
  const target = await targetOf(context, register, found, login, fields, redirectUri, signal)
  const state = `${errand.purpose}.${randomToken()}`
  const verifier = target.endpoints.pkce ? randomVerifier() : null
  const { server, endpoints, registrationId } = target
  const transaction = { ...errand, provider, server, fields, endpoints, registrationId, redirectUri, verifier }
  await db.transaction((tx) => addTransaction(tx, sent, state, transaction, sealing))
  return authorizationUrl(target, { redirectUri, scopes: scopesOf(login, context.variables), state, verifier })
}

interface Target {
  server: string | null
  endpoints: OAuthEndpoints
  client: OAuthClient
  registrationId: string | null
}

async function targetOf(
  { http, variables }: Context,
  register: Registrar,
  { adapter }: Found,
  login: OAuthLogin,
  fields: Fields,
  redirectUri: string,
  signal: AbortSignal,
): Promise<Target> {
  if (login.kind === 'oauth2') {
    return { server: null, endpoints: login.endpoints(variables), client: operatorsClient(adapter, login, variables), registrationId: null }
  }
  const io = { http, variables, signal, now: () => new Date() }
  const { server, endpoints } = await atFirstField(login, login.discover(fields[login.fields[0].name] ?? '', io))
  const client = await atFirstField(login, register(login, { provider: adapter.id, server, redirectUri }, io))
  return { server, endpoints, client, registrationId: client.id }
}
