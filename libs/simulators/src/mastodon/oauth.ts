import { createHash, randomBytes } from 'node:crypto'
import { basicOf, fieldsOf } from '../kit/index.ts'
import type { Answer, Call } from '../kit/index.ts'
import { authorizePage, codePage, errorPage } from './pages.ts'
import { allows, scopesOf, supportedScopes } from './scopes.ts'
import type { AccountRecord } from './types.ts'

type App = {
  id: string
  name: string
  website: string | null
  scopes: string[]
  redirectUris: string[]
  clientId: string
  clientSecret: string
}
type Grant = {
  clientId: string
  redirectUri: string
  account: AccountRecord
  scopes: string[]
  challenge: string | null
  expiresAt: number
  used: boolean
}
export type Token = {
  value: string
  account: AccountRecord | null
  scopes: string[]
  clientId: string
  createdMs: number
  revoked: boolean
}
export type OAuthOptions = {
  hasPkce: boolean
  hasProfileScope: boolean
  prefill: boolean
  now: () => number
  signIn(name: string, password: string): AccountRecord | null
  first: AccountRecord
}

const oob = 'urn:ietf:wg:oauth:2.0:oob'
const codeLifeMs = 600_000
const invalidGrant =
  'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.'
const invalidClient =
  'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.'
const invalidScope = 'The requested scope is invalid, unknown, or malformed.'

/** Application registration and OAuth 2 as docs.joinmastodon.org/methods/{apps,oauth} describe them; errors as Doorkeeper words them. */
export function createOAuth(options: OAuthOptions) {
  const apps = new Map<string, App>()
  const grants = new Map<string, Grant>()
  const tokens = new Map<string, Token>()
  const secret = () => randomBytes(32).toString('base64url')
  const fail = (error: string, description: string, status = 400): Answer => ({ status, json: { error, error_description: description } })

  function register(call: Call): Answer {
    const fields = fieldsOf(call)
    const name = String(fields.client_name ?? '')
    const redirectUris = Array.isArray(fields.redirect_uris)
      ? fields.redirect_uris.map(String)
      : String(fields.redirect_uris ?? '')
          .split(/\s+/)
          .filter(Boolean)
    const scopes = scopesOf(fields.scopes)
    if (name === '') return unprocessable("Name can't be blank")
    if (redirectUris.length === 0) return unprocessable("Redirect URI can't be blank")
    if (!redirectUris.every(isAbsolute)) return unprocessable('Redirect URI must be an absolute URI.')
    if (!scopes.every((scope) => supportedScopes(options.hasProfileScope).includes(scope)))
      return unprocessable("Scopes doesn't match configured on the server.")
    const website = typeof fields.website === 'string' && fields.website !== '' ? fields.website : null
    const app: App = { id: String(563_419 + apps.size), name, website, scopes, redirectUris, clientId: secret(), clientSecret: secret() }
    apps.set(app.clientId, app)
    return { json: { ...appEntity(app), client_id: app.clientId, client_secret: app.clientSecret, client_secret_expires_at: 0 } }
  }

  /** What is wrong with an authorisation request, as the server tells the person; or the request in a usable form. */
  function checkRequest(
    query: URLSearchParams,
  ): { error: string; status: number } | { app: App; redirectUri: string; scopes: string[]; challenge: string | null } {
    const app = apps.get(query.get('client_id') ?? '')
    if (!app) return { error: invalidClient, status: 401 }
    const redirectUri = query.get('redirect_uri') ?? ''
    if (!app.redirectUris.includes(redirectUri)) return { error: 'The redirect uri included is not valid.', status: 400 }
    if (query.get('response_type') !== 'code')
      return { error: 'The authorization server does not support this response type.', status: 400 }
    const scopes = scopesOf(query.get('scope'))
    if (!scopes.every((scope) => allows(app.scopes, scope))) return { error: invalidScope, status: 400 }
    const challenge = options.hasPkce ? query.get('code_challenge') : null
    if (challenge !== null && query.get('code_challenge_method') !== 'S256')
      return { error: 'The code_challenge_method must be S256.', status: 400 }
    return { app, redirectUri, scopes, challenge }
  }

  function showForm(call: Call): Answer {
    const request = checkRequest(call.query)
    if ('error' in request) return { status: request.status, html: errorPage(request.error) }
    return {
      html: authorizePage({
        app: request.app.name,
        scopes: request.scopes,
        query: call.query,
        account: options.first,
        prefill: options.prefill,
        wrong: false,
      }),
    }
  }

  /** The form comes back: with a name, a password and `decision` = authorize or deny. */
  function decide(call: Call): Answer {
    const form = new URLSearchParams(call.body.toString('utf8'))
    const request = checkRequest(form)
    if ('error' in request) return { status: request.status, html: errorPage(request.error) }
    const account = options.signIn(form.get('username') ?? '', form.get('password') ?? '')
    if (form.get('decision') !== 'deny' && !account) {
      return {
        status: 422,
        html: authorizePage({
          app: request.app.name,
          scopes: request.scopes,
          query: form,
          account: options.first,
          prefill: options.prefill,
          wrong: true,
        }),
      }
    }
    if (form.get('decision') === 'deny' || !account) {
      return redirect(
        request.redirectUri,
        { error: 'access_denied', error_description: 'The resource owner or authorization server denied the request.' },
        form.get('state'),
      )
    }
    const code = secret()
    const { app, redirectUri, scopes, challenge } = request
    grants.set(code, {
      clientId: app.clientId,
      redirectUri,
      account,
      scopes,
      challenge,
      expiresAt: options.now() + codeLifeMs,
      used: false,
    })
    return redirectUri === oob ? { html: codePage(code) } : redirect(redirectUri, { code }, form.get('state'))
  }

  function token(call: Call): Answer {
    const fields = fieldsOf(call)
    const app = clientOf(call, fields)
    if (!app) return fail('invalid_client', invalidClient, 401)
    if (fields.grant_type === 'client_credentials') {
      const scopes = scopesOf(fields.scope)
      return scopes.every((scope) => allows(app.scopes, scope))
        ? tokenAnswer(issue(null, scopes, app.clientId))
        : fail('invalid_scope', invalidScope)
    }
    if (fields.grant_type !== 'authorization_code')
      return fail('unsupported_grant_type', 'The authorization grant type is not supported by the authorization server.')
    const grant = grants.get(String(fields.code ?? ''))
    const isGood =
      grant &&
      !grant.used &&
      grant.clientId === app.clientId &&
      grant.redirectUri === fields.redirect_uri &&
      grant.expiresAt > options.now() &&
      isVerified(grant, fields.code_verifier)
    if (!isGood) return fail('invalid_grant', invalidGrant)
    grant.used = true
    return tokenAnswer(issue(grant.account, grant.scopes, app.clientId))
  }

  function revoke(call: Call): Answer {
    const fields = fieldsOf(call)
    const app = clientOf(call, fields)
    const token = tokens.get(String(fields.token ?? ''))
    if (!app || !fields.token || (token && token.clientId !== app.clientId))
      return fail('unauthorized_client', 'You are not authorized to revoke this token', 403)
    if (token) token.revoked = true
    return { json: {} }
  }

  function issue(account: AccountRecord | null, scopes: string[], clientId: string): Token {
    const token: Token = { value: secret(), account, scopes, clientId, createdMs: options.now(), revoked: false }
    tokens.set(token.value, token)
    return token
  }

  function clientOf(call: Call, fields: Record<string, unknown>): App | null {
    const [id, password] = basicOf(call) ?? [String(fields.client_id ?? ''), String(fields.client_secret ?? '')]
    const app = apps.get(id)
    return app && app.clientSecret === password ? app : null
  }

  return {
    register,
    showForm,
    decide,
    token,
    revoke,
    issue,
    find: (value: string): Token | null => tokens.get(value) ?? null,
    app: (clientId: string) => apps.get(clientId) ?? null,
    appCount: () => apps.size,
    /** Revokes one account's tokens, or everybody's. */
    revokeTokens(account?: AccountRecord) {
      for (const token of tokens.values()) if (!account || token.account?.id === account.id) token.revoked = true
    },
    /** Forgets all applications, as servers before 4.3 did with old ones. */
    forgetApps: () => apps.clear(),
  }
}
export type OAuth = ReturnType<typeof createOAuth>

/** The Application entity. */
export function appEntity(app: Pick<App, 'id' | 'name' | 'website' | 'scopes' | 'redirectUris'>) {
  return {
    id: app.id,
    name: app.name,
    website: app.website,
    scopes: app.scopes,
    redirect_uri: app.redirectUris.join('\n'),
    redirect_uris: app.redirectUris,
  }
}

function isVerified(grant: Grant, verifier: unknown): boolean {
  if (grant.challenge === null) return true
  return typeof verifier === 'string' && createHash('sha256').update(verifier).digest('base64url') === grant.challenge
}

function tokenAnswer(token: Token): Answer {
  const json = {
    access_token: token.value,
    token_type: 'Bearer',
    scope: token.scopes.join(' '),
    created_at: Math.floor(token.createdMs / 1000),
  }
  return { json, headers: { 'cache-control': 'no-store', pragma: 'no-cache' } }
}

function redirect(uri: string, values: Record<string, string>, state: string | null): Answer {
  const url = new URL(uri)
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value)
  if (state !== null) url.searchParams.set('state', state)
  return {
    status: 302,
    headers: { location: url.href },
    html: `<html><body>You are being <a href="${url.href.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">redirected</a>.</body></html>`,
  }
}

function unprocessable(what: string): Answer {
  return { status: 422, json: { error: `Validation failed: ${what}` } }
}

function isAbsolute(uri: string): boolean {
  return uri === oob || (URL.canParse(uri) && !uri.includes('#'))
}
