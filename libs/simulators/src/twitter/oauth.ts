import { createHash, randomBytes } from 'node:crypto'
import { basicOf, fieldsOf } from '../kit/index.ts'
import type { Answer, Call, Counters } from '../kit/index.ts'
import { authorizePage, wrongPage } from './pages.ts'
import type { Account } from './records.ts'
import type { TwitterApp } from './types.ts'

export const allScopes =
  'tweet.read tweet.write tweet.moderate.write users.email users.read follows.read follows.write offline.access space.read mute.read mute.write like.read like.write list.read list.write block.read block.write bookmark.read bookmark.write dm.read dm.write media.write'.split(
    ' ',
  )
const refreshLifeMs = 183 * 86_400_000

type Challenge = { value: string; method: 'S256' | 'plain' }
/** What a person allowed once; its tokens end with it. */
type Grant = { account: Account; scopes: string[]; isRevoked: boolean }
type Code = { grant: Grant; redirectUri: string; challenge: Challenge; expiresAt: number; isUsed: boolean }
export type AccessToken = { grant: Grant; expiresAt: number; isRevoked: boolean }
type RefreshToken = { grant: Grant; expiresAt: number; isUsed: boolean }

type Parts = {
  app: Required<TwitterApp>
  people: () => Account[]
  tokenSeconds: number
  codeSeconds: number
  prefill: boolean
  now: () => number
  counters: () => Counters
}

/** OAuth 2.0 with PKCE as docs.x.com describes it (authorization code flow, refresh, revoke); errors in the words of the real endpoint. */
export function createOAuth({ app, people, tokenSeconds, codeSeconds, prefill, now, counters }: Parts) {
  const codes = new Map<string, Code>()
  const tokens = new Map<string, AccessToken>()
  const refreshTokens = new Map<string, RefreshToken>()
  let isKnown = true
  /** X's tokens are a random part, a time and a kind, in base64. */
  const secret = (kind: 'ac' | 'at' | 'rt') =>
    Buffer.from(`${randomBytes(33).toString('base64url')}:${Math.floor(now())}:1:1:${kind}:1`).toString('base64url')
  const fail = (description: string, error = 'invalid_request', status = 400): Answer => ({
    status,
    json: { error, error_description: description },
  })

  /** What is wrong with an authorization request, or the request in a usable form. */
  function checkRequest(query: URLSearchParams): string | { redirectUri: string; scopes: string[]; state: string; challenge: Challenge } {
    const [redirectUri, state, challenge] = [query.get('redirect_uri') ?? '', query.get('state') ?? '', query.get('code_challenge') ?? '']
    // X takes `s256` too: its best-known SDK writes it so.
    const method = (query.get('code_challenge_method') ?? '').replace(/^s256$/i, 'S256')
    const scopes = (query.get('scope') ?? '').split(' ').filter(Boolean)
    if (!isKnown || query.get('client_id') !== app.clientId) return 'client_id is of no app'
    if (!app.redirectUris.includes(redirectUri)) return 'redirect_uri is none of the app'
    if (query.get('response_type') !== 'code') return 'response_type is not code'
    if (state === '' || state.length > 500) return 'state is missing or longer than 500 characters'
    if (method !== 'S256' && method !== 'plain') return 'code_challenge_method is neither S256 nor plain'
    if (!/^[\w.~-]+$/.test(challenge) || challenge.length > 128 || (method === 'S256' && challenge.length !== 43))
      return 'code_challenge does not fit its method'
    if (scopes.length === 0) return 'scope is missing'
    const unknown = scopes.filter((scope) => !allScopes.includes(scope))
    if (unknown.length > 0) return `scope is unknown: ${unknown.join(' ')}`
    return { redirectUri, scopes: [...new Set(scopes)], state, challenge: { value: challenge, method } }
  }

  const formPage = (query: URLSearchParams, scopes: string[], wrong: boolean) =>
    authorizePage({ app: app.name, scopes, query, account: people()[0]!, prefill, wrong })

  function showForm(call: Call): Answer {
    const request = checkRequest(call.query)
    return typeof request === 'string'
      ? { status: 400, html: wrongPage(request) }
      : { html: formPage(call.query, request.scopes, false), headers: { 'cache-control': 'no-store' } }
  }

  /** The form comes back with a name, a password, `decision` = allow or deny, and scopes to `decline`, which X's own page does not offer. */
  function decide(call: Call): Answer {
    const form = new URLSearchParams(call.body.toString('utf8'))
    const request = checkRequest(form)
    if (typeof request === 'string') return { status: 400, html: wrongPage(request) }
    if (form.get('decision') === 'deny') return redirect(request.redirectUri, { error: 'access_denied', state: request.state })
    const name = (form.get('username') ?? '').replace(/^@/, '').toLowerCase()
    const account = people().find(
      (one) => (one.username.toLowerCase() === name || one.email === name) && one.password === form.get('password'),
    )
    if (!account) return { status: 401, html: formPage(form, request.scopes, true) }
    const declined = (form.get('decline') ?? '').split(' ')
    const scopes = request.scopes.filter((scope) => !declined.includes(scope))
    const code = secret('ac')
    const { redirectUri, challenge } = request
    codes.set(code, {
      grant: { account, scopes, isRevoked: false },
      redirectUri,
      challenge,
      expiresAt: now() + codeSeconds * 1000,
      isUsed: false,
    })
    return redirect(redirectUri, { state: request.state, code })
  }

  /** Who asks: null when the app has shown itself, else the refusal. */
  function refuseClient(call: Call, fields: URLSearchParams): Answer | null {
    if (app.type === 'confidential') {
      const [id, password] = basicOf(call) ?? []
      const isApp = isKnown && id === app.clientId && password === app.clientSecret
      return isApp ? null : fail('Missing valid authorization header', 'unauthorized_client', 401)
    }
    if (!fields.has('client_id')) return fail('Missing required parameter [client_id].')
    return isKnown && fields.get('client_id') === app.clientId ? null : fail('Value passed for the client id was invalid.')
  }

  function token(call: Call): Answer {
    const fields = parametersOf(call)
    if (!fields) return fail('Content-Type must be application/x-www-form-urlencoded.')
    const refusal = refuseClient(call, fields)
    if (refusal) return refusal
    const type = fields.get('grant_type')
    if (type === null) return fail('Missing required parameter [grant_type].')
    if (type === 'refresh_token') return refresh(fields)
    if (type !== 'authorization_code') return fail('Value passed for the grant type was invalid.', 'unsupported_grant_type')
    for (const name of ['code', 'redirect_uri', 'code_verifier'])
      if (!fields.has(name)) return fail(`Missing required parameter [${name}].`)
    const code = codes.get(fields.get('code')!)
    if (code?.isUsed) {
      counters().add('codeReuse')
      code.grant.isRevoked = true
    }
    if (!code || code.isUsed || code.expiresAt <= now()) return fail('Value passed for the authorization code was invalid.')
    if (fields.get('redirect_uri') !== code.redirectUri)
      return fail('Value passed for the redirect uri did not match the uri of the authorization code.')
    if (!isVerified(code.challenge, fields.get('code_verifier')!))
      return fail('Value passed for the code verifier did not match the code challenge.')
    code.isUsed = true
    return answerWith(code.grant)
  }

  /** A refresh token is good once. One that comes again ends what it came from: its access tokens and the refresh token after it. */
  function refresh(fields: URLSearchParams): Answer {
    if (!fields.has('refresh_token')) return fail('Missing required parameter [refresh_token].')
    counters().add('refreshes')
    const found = refreshTokens.get(fields.get('refresh_token')!)
    if (found?.isUsed) {
      counters().refreshTokenReused()
      found.grant.isRevoked = true
    }
    if (!found || found.isUsed || found.grant.isRevoked || found.expiresAt <= now()) return fail('Value passed for the token was invalid.')
    found.isUsed = true
    return answerWith(found.grant)
  }

  function revoke(call: Call): Answer {
    const fields = parametersOf(call)
    if (!fields) return fail('Content-Type must be application/x-www-form-urlencoded.')
    const refusal = refuseClient(call, fields)
    if (refusal) return refusal
    if (!fields.has('token')) return fail('Missing required parameter [token].')
    const value = fields.get('token')!
    const [access, refreshed] = [tokens.get(value), refreshTokens.get(value)]
    if (!access && !refreshed) return fail('Value passed for the token was invalid.')
    counters().add('revocations')
    if (access) access.isRevoked = true
    if (refreshed) refreshed.grant.isRevoked = true
    return { json: { revoked: true } }
  }

  function issue(grant: Grant): string {
    const value = secret('at')
    tokens.set(value, { grant, expiresAt: now() + tokenSeconds * 1000, isRevoked: false })
    return value
  }
  function issueRefresh(grant: Grant): string {
    const value = secret('rt')
    refreshTokens.set(value, { grant, expiresAt: now() + refreshLifeMs, isUsed: false })
    return value
  }

  function answerWith(grant: Grant): Answer {
    const isOffline = grant.scopes.includes('offline.access')
    return {
      json: {
        token_type: 'bearer',
        expires_in: tokenSeconds,
        access_token: issue(grant),
        scope: grant.scopes.join(' '),
        ...(isOffline && { refresh_token: issueRefresh(grant) }),
      },
      headers: { 'cache-control': 'no-cache, no-store, max-age=0', pragma: 'no-cache' },
    }
  }

  const grants = (account?: Account) => {
    const all = [...tokens.values(), ...refreshTokens.values()].map(({ grant }) => grant)
    return all.filter((grant) => !account || grant.account === account)
  }

  return {
    showForm,
    decide,
    token,
    revoke,
    find: (value: string): AccessToken | null => tokens.get(value) ?? null,
    isGood: (found: AccessToken) => isKnown && !found.isRevoked && !found.grant.isRevoked && found.expiresAt > now(),
    /** Tokens without the way through a browser. */
    grant(account: Account, scopes: string[]) {
      const grant: Grant = { account, scopes, isRevoked: false }
      return { accessToken: issue(grant), refreshToken: issueRefresh(grant) }
    },
    /** Ends what an access token came from: its refresh token too. */
    revokeGrant(value: string) {
      const found = tokens.get(value)
      if (found) found.grant.isRevoked = true
    },
    expire(account?: Account) {
      for (const found of tokens.values()) if (!account || found.grant.account === account) found.expiresAt = 0
    },
    revokeAll(account?: Account) {
      for (const grant of grants(account)) grant.isRevoked = true
    },
    /** Whether X knows the app (it does not when the developer took it back). */
    setAppKnown: (known: boolean) => void (isKnown = known),
  }
}
export type OAuth = ReturnType<typeof createOAuth>

/** A form, or JSON, which X takes too though it does not say so (its best-known SDK sends it); null for anything else. */
function parametersOf(call: Call): URLSearchParams | null {
  if (!/^application\/(x-www-form-urlencoded|json)\b/.test(call.headers['content-type'] ?? '')) return null
  return new URLSearchParams(Object.entries(fieldsOf(call)).map(([name, value]) => [name, String(value)]))
}

function isVerified({ value, method }: Challenge, verifier: string): boolean {
  return value === (method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url'))
}

function redirect(uri: string, values: Record<string, string>): Answer {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value)
  return { status: 302, headers: { location: url.href, 'cache-control': 'no-store' }, text: '' }
}
