import { createHash, randomBytes } from 'node:crypto'
import { escapeHtml, type Answer, type Call, type Counters } from '../kit/index.ts'
import type { Account, GoogleApp } from './types.ts'

export const driveFile = 'https://www.googleapis.com/auth/drive.file'

type Grant = { account: Account; scopes: string[]; isOffline: boolean; redirectUri: string; challenge: string | null; isRevoked: boolean }
type Token = { grant: Grant; expiresAt: number }
type Code = { grant: Grant; expiresAt: number; isUsed: boolean }
type Parts = {
  app: Required<GoogleApp>
  accounts: readonly Account[]
  tokenSeconds: number
  prefill: boolean
  now: () => number
  counters: () => Counters
}

const codeLifeMs = 10 * 60_000
const secret = (prefix: string) => prefix + randomBytes(32).toString('base64url')
const fail = (error: string, description: string, status = 400): Answer => ({ status, json: { error, error_description: description } })
const page = (title: string, body: string) =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title></head>` +
  `<body style="font:16px system-ui;max-width:24rem;margin:4rem auto">${body}</body></html>`

/** OAuth 2 for web server applications: https://developers.google.com/identity/protocols/oauth2/web-server */
export function createOAuth({ app, accounts, tokenSeconds, prefill, now, counters }: Parts) {
  const codes = new Map<string, Code>()
  const tokens = new Map<string, Token>()
  const refreshTokens = new Map<string, Grant>()

  function checkRequest(query: URLSearchParams) {
    const redirectUri = query.get('redirect_uri') ?? ''
    if (query.get('client_id') !== app.clientId) return 'Error 401: invalid_client. The OAuth client was not found.'
    if (!app.redirectUris.includes(redirectUri)) return 'Error 400: redirect_uri_mismatch'
    if (query.get('response_type') !== 'code') return 'Error 400: unsupported_response_type'
    const scopes = (query.get('scope') ?? '').split(' ').filter(Boolean)
    if (scopes.length === 0) return 'Error 400: invalid_request. Missing required parameter: scope'
    const challenge = query.get('code_challenge')
    if (challenge !== null && query.get('code_challenge_method') !== 'S256') return 'Error 400: invalid_request. Only S256 is known here'
    return { redirectUri, scopes, challenge, isOffline: query.get('access_type') === 'offline' }
  }

  const errorPage = (message: string): Answer => ({
    status: 400,
    html: page('Access blocked', `<h1>Access blocked</h1><p>${escapeHtml(message)}</p>`),
  })

  function form(query: URLSearchParams, scopes: readonly string[], isWrong: boolean): string {
    const hidden = [...query]
      .filter(([name]) => !['email', 'password', 'decision', 'allow'].includes(name))
      .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    const [first] = accounts
    const boxes = scopes.map(
      (scope) => `<p><label><input type="checkbox" name="allow" value="${escapeHtml(scope)}" checked> ${escapeHtml(scope)}</label></p>`,
    )
    return page(
      `${app.name} wants access to your Google Account`,
      `<h1>${escapeHtml(app.name)} wants access to your Google Account</h1><form method="post">${hidden.join('')}${boxes.join('')}` +
        (isWrong ? '<p role="alert">Wrong password</p>' : '') +
        `<p><label>Email <input name="email" value="${prefill ? escapeHtml(first!.email) : ''}"></label></p>` +
        `<p><label>Password <input name="password" type="password" value="${prefill ? escapeHtml(first!.password) : ''}"></label></p>` +
        `<button name="decision" value="allow">Continue</button> <button name="decision" value="deny">Cancel</button></form>`,
    )
  }

  function showForm(call: Call): Answer {
    const request = checkRequest(call.query)
    return typeof request === 'string' ? errorPage(request) : { html: form(call.query, request.scopes, false) }
  }

  /** The form comes back with email, password, `decision` = allow or deny, and the scopes that stayed ticked (`allow`). */
  function decide(call: Call): Answer {
    const fields = new URLSearchParams(call.body.toString('utf8'))
    const request = checkRequest(fields)
    if (typeof request === 'string') return errorPage(request)
    const state = fields.get('state')
    if (fields.get('decision') !== 'allow') return redirect(request.redirectUri, { error: 'access_denied' }, state)
    const account = accounts.find(({ email, password }) => email === fields.get('email') && password === fields.get('password'))
    if (!account) return { status: 401, html: form(fields, request.scopes, true) }
    const scopes = request.scopes.filter((scope) => fields.getAll('allow').includes(scope))
    if (scopes.length === 0) return redirect(request.redirectUri, { error: 'access_denied' }, state)
    const code = secret('4/0')
    codes.set(code, { grant: { account, ...request, scopes, isRevoked: false }, expiresAt: now() + codeLifeMs, isUsed: false })
    return redirect(request.redirectUri, { code, scope: scopes.join(' '), authuser: '0', prompt: 'consent' }, state)
  }

  function token(call: Call): Answer {
    const fields = new URLSearchParams(call.body.toString('utf8'))
    if (fields.get('client_id') !== app.clientId || fields.get('client_secret') !== app.clientSecret)
      return fail('invalid_client', 'The provided client secret is invalid.', 401)
    if (fields.get('grant_type') === 'refresh_token') return refresh(fields)
    if (fields.get('grant_type') !== 'authorization_code') return fail('unsupported_grant_type', 'Invalid grant_type')
    const code = codes.get(fields.get('code') ?? '')
    if (!code || code.expiresAt <= now() || code.isUsed) {
      if (code?.isUsed) counters().add('codeReuse')
      return fail('invalid_grant', 'Bad Request')
    }
    const { grant } = code
    if (grant.redirectUri !== fields.get('redirect_uri')) return fail('redirect_uri_mismatch', 'Bad Request')
    if (grant.challenge !== null && grant.challenge !== hashOf(fields.get('code_verifier') ?? ''))
      return fail('invalid_grant', 'Invalid code verifier.')
    code.isUsed = true
    return answerWith(grant, grant.isOffline ? keep(grant) : null)
  }

  /** Refresh tokens stay as they are, until they are revoked. */
  function refresh(fields: URLSearchParams): Answer {
    counters().add('refreshes')
    const grant = refreshTokens.get(fields.get('refresh_token') ?? '')
    if (!grant || grant.isRevoked) return fail('invalid_grant', 'Token has been expired or revoked.')
    return answerWith(grant, null)
  }

  function keep(grant: Grant): string {
    const refreshToken = secret('1//0')
    refreshTokens.set(refreshToken, grant)
    return refreshToken
  }

  function issue(grant: Grant): string {
    const accessToken = secret('ya29.')
    tokens.set(accessToken, { grant, expiresAt: now() + tokenSeconds * 1000 })
    return accessToken
  }

  function answerWith(grant: Grant, refreshToken: string | null): Answer {
    return {
      headers: { 'cache-control': 'no-store' },
      json: {
        access_token: issue(grant),
        expires_in: tokenSeconds,
        ...(refreshToken !== null && { refresh_token: refreshToken }),
        scope: grant.scopes.join(' '),
        token_type: 'Bearer',
      },
    }
  }

  /** With either kind of token: all that the person allowed this app ends. */
  function revokeRoute(call: Call): Answer {
    const given = call.query.get('token') ?? new URLSearchParams(call.body.toString('utf8')).get('token') ?? ''
    if (call.query.has('token')) counters().add('tokensInAddresses')
    const grant = tokens.get(given)?.grant ?? refreshTokens.get(given)
    if (!grant || grant.isRevoked) return fail('invalid_token', 'Token expired or revoked')
    revoke(grant.account)
    return { json: {} }
  }

  const grants = () => [...new Set([...refreshTokens.values(), ...[...tokens.values()].map(({ grant }) => grant)])]
  function revoke(account?: Account): void {
    for (const grant of grants()) if (!account || grant.account === account) grant.isRevoked = true
  }

  return {
    showForm,
    decide,
    token,
    revokeRoute,
    revoke,
    /** Whose a token is and what it is good for; null when it is good for nothing. */
    find(value: string): { account: Account; scopes: readonly string[] } | null {
      const found = tokens.get(value)
      return found && !found.grant.isRevoked && found.expiresAt > now() ? found.grant : null
    },
    /** Tokens without the way through a browser. */
    grant(account: Account, scopes: string[]) {
      const grant: Grant = { account, scopes, isOffline: true, redirectUri: '', challenge: null, isRevoked: false }
      return { accessToken: issue(grant), refreshToken: keep(grant) }
    },
    /** Access tokens stop being good; what refreshes them stays. */
    expire(account?: Account): void {
      for (const found of tokens.values()) if (!account || found.grant.account === account) found.expiresAt = 0
    },
    liveGrants: (account?: Account): number =>
      grants().filter((grant) => !grant.isRevoked && (!account || grant.account === account)).length,
  }
}
export type OAuth = ReturnType<typeof createOAuth>

const hashOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

function redirect(uri: string, values: Record<string, string>, state: string | null): Answer {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value)
  if (state !== null) url.searchParams.set('state', state)
  return { status: 302, headers: { location: url.href }, text: '' }
}
