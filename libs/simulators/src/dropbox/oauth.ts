import { createHash, randomBytes } from 'node:crypto'
import { basicOf } from '../kit/index.ts'
import type { Answer, Call, Counters } from '../kit/index.ts'
import { authorizePage, codePage, errorPage } from './pages.ts'
import type { Account, DropboxApp } from './types.ts'

type Challenge = { value: string; method: 'S256' | 'plain' }
type Grant = {
  account: Account
  scopes: string[]
  isOffline: boolean
  redirectUri: string | null
  challenge: Challenge | null
  /** Codes and tokens of a revoked grant are worth nothing. */
  isRevoked: boolean
}
type Code = { grant: Grant; expiresAt: number; isUsed: boolean }
export type AccessToken = { grant: Grant; scopes: string[]; expiresAt: number; isRevoked: boolean }

export type OAuthOptions = {
  app: Required<DropboxApp>
  accounts: Account[]
  tokenSeconds: number
  prefill: boolean
  now: () => number
  counters: () => Counters
}

const codeLifeMs = 600_000
const fail = (error: string, description: string, status = 400): Answer => ({ status, json: { error, error_description: description } })
const secret = (prefix: string) => prefix + randomBytes(48).toString('base64url')

/** Authorisation and tokens as dropbox.com/developers/documentation/http/documentation#authorization and the OAuth guide describe them. */
export function createOAuth({ app, accounts, tokenSeconds, prefill, now, counters }: OAuthOptions) {
  const codes = new Map<string, Code>()
  const tokens = new Map<string, AccessToken>()
  const refreshTokens = new Map<string, Grant>()
  let appKnown = true

  /** What is wrong with an authorisation request, as the person is told; or the request in a usable form. */
  function checkRequest(query: URLSearchParams) {
    const redirectUri = query.get('redirect_uri')
    const method = query.get('code_challenge_method') ?? 'plain'
    const challenge = query.get('code_challenge')
    const accessType = query.get('token_access_type') ?? 'online'
    const scopes =
      query
        .get('scope')
        ?.split(/[\s+]+/)
        .filter(Boolean) ?? app.scopes
    if (!appKnown || query.get('client_id') !== app.key) return 'Invalid client_id: this app does not exist'
    if (query.get('response_type') !== 'code') return 'Invalid response_type'
    if (redirectUri !== null && !app.redirectUris.includes(redirectUri))
      return `Invalid redirect_uri: "${redirectUri}": It must exactly match one of the redirect URIs you've pre-configured for your app (including the path).`
    if (!['online', 'offline'].includes(accessType)) return 'Invalid token_access_type'
    if (challenge !== null && method !== 'S256' && method !== 'plain') return 'Invalid code_challenge_method'
    const unknown = scopes.filter((scope) => !app.scopes.includes(scope))
    if (unknown.length > 0) return `This app is not allowed to request the scopes: ${unknown.join(', ')}`
    return {
      redirectUri,
      scopes,
      isOffline: accessType === 'offline',
      challenge: challenge === null ? null : { value: challenge, method: method as Challenge['method'] },
    }
  }

  const formPage = (query: URLSearchParams, scopes: string[], wrong: boolean) =>
    authorizePage({ app: app.name, scopes, query, account: accounts[0]!, prefill, wrong })

  function showForm(call: Call): Answer {
    const request = checkRequest(call.query)
    if (typeof request === 'string') return { status: 400, html: errorPage(request) }
    return { html: formPage(call.query, request.scopes, false) }
  }

  /** The form comes back with email, password and `decision` = allow or deny. */
  function decide(call: Call): Answer {
    const form = new URLSearchParams(call.body.toString('utf8'))
    const request = checkRequest(form)
    if (typeof request === 'string') return { status: 400, html: errorPage(request) }
    const { redirectUri } = request
    if (form.get('decision') === 'deny') {
      const denied = { error: 'access_denied', error_description: 'The user chose not to give your app access to their Dropbox account.' }
      return redirectUri === null ? { html: errorPage(denied.error_description) } : redirect(redirectUri, denied, form.get('state'))
    }
    const account = accounts.find(({ email, password }) => email === form.get('email') && password === form.get('password'))
    if (!account) return { status: 403, html: formPage(form, request.scopes, true) }
    const code = secret('')
    codes.set(code, { grant: { account, ...request, isRevoked: false }, expiresAt: now() + codeLifeMs, isUsed: false })
    return redirectUri === null ? { html: codePage(code) } : redirect(redirectUri, { code }, form.get('state'))
  }

  function token(call: Call): Answer {
    // Dropbox's own SDK sends the parameters in the address.
    const fields = new URLSearchParams([...call.query, ...new URLSearchParams(call.body.toString('utf8'))])
    const [id, password] = basicOf(call) ?? [fields.get('client_id'), fields.get('client_secret')]
    if (!appKnown || id !== app.key || (password !== null && password !== app.secret))
      return fail('invalid_client', 'Invalid client_id or client_secret', 401)
    const hasSecret = password !== null
    if (fields.get('grant_type') === 'refresh_token') return refresh(fields, hasSecret)
    if (fields.get('grant_type') !== 'authorization_code')
      return fail('unsupported_grant_type', 'grant_type must be one of: authorization_code, refresh_token')
    const code = codes.get(fields.get('code') ?? '')
    if (!code || code.expiresAt <= now()) return fail('invalid_grant', "code doesn't exist or has expired")
    if (code.isUsed) {
      counters().add('codeReuse')
      return fail('invalid_grant', 'code has already been used')
    }
    const { grant } = code
    if (grant.redirectUri !== fields.get('redirect_uri')) return fail('invalid_grant', 'redirect_uri mismatch')
    if (grant.challenge && !isVerified(grant.challenge, fields.get('code_verifier'))) return fail('invalid_grant', 'invalid code verifier')
    if (!grant.challenge && !hasSecret) return fail('invalid_client', 'client_secret or code_verifier is required', 401)
    code.isUsed = true
    const refreshToken = grant.isOffline ? secret('') : null
    if (refreshToken !== null) refreshTokens.set(refreshToken, grant)
    return answerWith(issue(grant, grant.scopes), {
      ...(refreshToken !== null && { refresh_token: refreshToken }),
      scope: grant.scopes.join(' '),
      uid: grant.account.uid,
      account_id: grant.account.id,
    })
  }

  /** Refresh tokens stay the same and good until they are revoked. */
  function refresh(fields: URLSearchParams, hasSecret: boolean): Answer {
    counters().add('refreshes')
    const grant = refreshTokens.get(fields.get('refresh_token') ?? '')
    if (!grant || grant.isRevoked) return fail('invalid_grant', 'refresh token is invalid or revoked')
    if (!grant.challenge && !hasSecret) return fail('invalid_client', 'client_secret is required', 401)
    const scopes = fields.get('scope')?.split(' ').filter(Boolean) ?? grant.scopes
    if (!scopes.every((scope) => grant.scopes.includes(scope))) return fail('invalid_scope', 'requested scopes exceed what was granted')
    return answerWith(issue(grant, scopes), fields.has('scope') ? { scope: scopes.join(' ') } : {})
  }

  function issue(grant: Grant, scopes: string[]): string {
    const value = secret('sl.')
    tokens.set(value, { grant, scopes, expiresAt: now() + tokenSeconds * 1000, isRevoked: false })
    return value
  }

  function answerWith(accessToken: string, more: Record<string, unknown>): Answer {
    const json = { access_token: accessToken, token_type: 'bearer', expires_in: tokenSeconds, ...more }
    return { json, headers: { 'cache-control': 'no-store', pragma: 'no-cache' } }
  }

  const ofAccount = (account: Account | undefined) =>
    [...tokens.values()].filter(({ grant }) => !account || grant.account.id === account.id)

  return {
    showForm,
    decide,
    token,
    find: (value: string): AccessToken | null => tokens.get(value) ?? null,
    isGood: (found: AccessToken) => !found.isRevoked && !found.grant.isRevoked,
    /** Tokens without the way through a browser. */
    grant(account: Account, scopes: string[] = app.scopes) {
      const grant: Grant = { account, scopes, isOffline: true, redirectUri: null, challenge: null, isRevoked: false }
      const refreshToken = secret('')
      refreshTokens.set(refreshToken, grant)
      return { accessToken: issue(grant, scopes), refreshToken }
    },
    /** Ends an access token's grant: its refresh token too. */
    revokeGrant(value: string) {
      const found = tokens.get(value)
      if (found) found.grant.isRevoked = true
    },
    /** Access tokens stop being good; what refreshes them stays. */
    expire(account?: Account) {
      for (const found of ofAccount(account)) found.expiresAt = 0
    },
    revoke(account?: Account) {
      for (const grant of refreshTokens.values()) if (!account || grant.account.id === account.id) grant.isRevoked = true
      for (const found of ofAccount(account)) found.grant.isRevoked = true
    },
    liveGrants(account?: Account): number {
      const given = new Set([...refreshTokens.values(), ...[...tokens.values()].map(({ grant }) => grant)])
      return [...given].filter((grant) => !grant.isRevoked && (!account || grant.account.id === account.id)).length
    },
    setAppKnown: (known: boolean) => void (appKnown = known),
  }
}
export type OAuth = ReturnType<typeof createOAuth>

function isVerified({ value, method }: Challenge, verifier: string | null): boolean {
  if (verifier === null) return false
  return value === (method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url'))
}

function redirect(uri: string, values: Record<string, string>, state: string | null): Answer {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value)
  if (state !== null) url.searchParams.set('state', state)
  return { status: 302, headers: { location: url.href }, text: '' }
}
