import { AshevilleError, type Http, type OAuthClient, type OAuthEndpoints, type Tokens } from '@asheville/core'
import * as oauth from 'openid-client'

/** One authorisation server as we are known to it. */
export interface OAuthServer {
  /** For messages: the network's title or the server's host. */
  name: string
  endpoints: OAuthEndpoints
  client: OAuthClient
  http: Http
  signal: AbortSignal
  now(): Date
}

/** Where the browser is sent (RFC 6749 §4.1.1, PKCE of RFC 7636 where the server knows it). */
export async function authorizationUrl(
  { endpoints, client }: Pick<OAuthServer, 'endpoints' | 'client'>,
  { redirectUri, scopes, state, verifier }: { redirectUri: string; scopes: readonly string[]; state: string; verifier: string | null },
): Promise<string> {
  const url = new URL(endpoints.authorization)
  url.searchParams.set('response_type', 'code')
  url.searchParams.set('client_id', client.clientId)
  url.searchParams.set('redirect_uri', redirectUri)
  if (scopes.length > 0) url.searchParams.set('scope', scopes.join(' '))
  url.searchParams.set('state', state)
  if (verifier !== null) {
    url.searchParams.set('code_challenge', await oauth.calculatePKCECodeChallenge(verifier))
    url.searchParams.set('code_challenge_method', 'S256')
  }
  return url.href
}

/** A new PKCE verifier. */
export const randomVerifier = oauth.randomPKCECodeVerifier

/** The server does not know us as an application (any more). */
export class UnknownClient extends AshevilleError {}

/** What a code brought: `scopes` were granted; null: all that were asked for. */
export interface Granting {
  tokens: Tokens
  scopes: string[] | null
}

/**
 * Exchanges the code that the browser brought back. Errors: `forbidden` when the answer came from another server than asked
 * (mix-up, RFC 9207), `invalid` when the code is not accepted, `UnknownClient`, `unavailable`.
 */
export async function exchangeCode(
  server: OAuthServer,
  { callback, redirectUri, verifier }: { callback: Readonly<Record<string, string>>; redirectUri: string; verifier: string | null },
): Promise<Granting> {
  const { state, code, iss } = callback
  // Whoever identifies itself does so in each answer: one that does not is not from there.
  const isOther = iss === undefined ? server.endpoints.issuer !== null : iss !== issuerOf(server.endpoints)
  if (isOther) {
    throw new AshevilleError('forbidden', `The answer did not come from ${server.name}. Nothing was connected`)
  }
  if (code === undefined || state === undefined) throw new AshevilleError('invalid', `${server.name} sent you back without an answer`)
  const url = new URL(redirectUri)
  url.search = new URLSearchParams({ code, state, ...(iss === undefined ? {} : { iss }) }).toString()
  const checks = { expectedState: state, pkceCodeVerifier: verifier ?? undefined }
  try {
    const answer = await oauth.authorizationCodeGrant(configure(server), url, checks)
    return { tokens: tokensOf(answer, null, server.now()), scopes: answer.scope?.split(' ') ?? null }
  } catch (error) {
    const failure = translate(error, server)
    if (failure.kind !== 'reconnect-required' && !isPlainRefusal(error)) throw failure
    throw new AshevilleError('invalid', `${server.name} no longer accepts this answer. Connect again`, { cause: failure })
  }
}

/**
 * New tokens for the refresh token, which stays the same unless the server gives another. Errors: `reconnect-required` when
 * the grant is dead or we are not known, `unavailable`, `rate-limited`.
 */
export async function refreshTokens(server: OAuthServer, refreshToken: string): Promise<Tokens> {
  try {
    return tokensOf(await oauth.refreshTokenGrant(configure(server), refreshToken), refreshToken, server.now())
  } catch (error) {
    const failure = translate(error, server)
    if (!(failure instanceof UnknownClient)) throw failure
    throw new AshevilleError('reconnect-required', failure.message, { cause: failure })
  }
}

/** Revokes the grant at a server that offers it (RFC 7009): the refresh token, else the access token. */
export async function revokeTokens(server: OAuthServer, tokens: Tokens): Promise<void> {
  try {
    await oauth.tokenRevocation(configure(server), tokens.refreshToken ?? tokens.accessToken)
  } catch (error) {
    throw translate(error, server)
  }
}

function issuerOf(endpoints: OAuthEndpoints): string {
  return endpoints.issuer ?? new URL(endpoints.authorization).origin
}

function configure({ endpoints, client, http, signal }: OAuthServer): oauth.Configuration {
  const metadata: oauth.ServerMetadata = {
    issuer: issuerOf(endpoints),
    authorization_endpoint: endpoints.authorization,
    token_endpoint: endpoints.token,
    revocation_endpoint: endpoints.revocation ?? undefined,
  }
  const config = new oauth.Configuration(metadata, client.clientId, undefined, authenticationOf(client, endpoints))
  // How long a server is waited for is decided by our signal; half a minute, its own limit, would lose what the slowest answer.
  config.timeout = 120
  config[oauth.customFetch] = (url, { signal: ownSignal, ...init }) => {
    const signals = [signal, ownSignal].filter((each) => each !== undefined && each !== null)
    return http.fetch(url, { ...init, body: init.body as RequestInit['body'], signal: AbortSignal.any(signals) })
  }
  // Whether plain http may carry secrets to that host is decided by the guarded client, by the operator's list.
  oauth.allowInsecureRequests(config)
  return config
}

/** Public clients only name themselves. */
function authenticationOf({ clientId, clientSecret }: OAuthClient, { secretIn = 'body' }: OAuthEndpoints): oauth.ClientAuth {
  if (clientSecret === null) return oauth.None()
  if (secretIn === 'body') return oauth.ClientSecretPost(clientSecret)
  // The library's own encodes also what forms leave as it is, and a server that compares without decoding takes neither `%2D` nor `%5F`.
  const basic = `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`
  return (_server, _client, _body, headers) => headers.set('authorization', basic)
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function tokensOf(answer: oauth.TokenEndpointResponse, refreshToken: string | null, now: Date): Tokens {
  const { access_token: accessToken, expires_in: seconds } = answer
  const expiresAt = seconds === undefined ? null : new Date(now.getTime() + seconds * 1000).toISOString()
  return { accessToken, expiresAt, refreshToken: answer.refresh_token ?? refreshToken }
}

/** A code was refused in other words than RFC 6749's, as Facebook does. */
function isPlainRefusal(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Response && [400, 401, 403].includes(error.cause.status)
}

/** What the library threw, as one of ours; its own errors carry answers with tokens in them, and go no further. */
function translate(error: unknown, { name }: OAuthServer): AshevilleError {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AshevilleError) return cause
    if (cause.name === 'TimeoutError' || cause.name === 'AbortError') {
      return new AshevilleError('unavailable', `${name} does not answer in time`)
    }
    if (cause instanceof oauth.ResponseBodyError) return ofAnswer(cause, name)
    // How a server that wants our secret in the header says `invalid_client` (RFC 6749 §5.2).
    if (cause instanceof oauth.WWWAuthenticateChallengeError && cause.status === 401)
      return ofAnswer({ error: 'invalid_client', status: 401 }, name)
  }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
  return new AshevilleError('unavailable', `${name} did not answer as an OAuth server should`, { cause: new Error(code) })
}

/** Error codes of RFC 6749 §5.2. */
function ofAnswer({ error, status }: Pick<oauth.ResponseBodyError, 'error' | 'status'>, name: string): AshevilleError {
  const cause = new Error(`${status} ${error.slice(0, 60)}`)
  // Our requests are well formed: X says `invalid_request` of a code or token that it does not take.
  if (error === 'invalid_grant' || error === 'invalid_request')
    return new AshevilleError('reconnect-required', `${name} no longer accepts our access`, { cause })
  if (error === 'invalid_client' || error === 'unauthorized_client') {
    return new UnknownClient('invalid', `${name} does not know this server any more. Connect again`, { cause })
  }
  if (status === 429) return new AshevilleError('rate-limited', `${name} asks us to wait`, { cause, scope: 'server' })
  if (status >= 500 || error === 'temporarily_unavailable') return new AshevilleError('unavailable', `${name} has a problem`, { cause })
  return new AshevilleError('invalid', `${name} refused: ${error.slice(0, 60)}`, { cause })
}
