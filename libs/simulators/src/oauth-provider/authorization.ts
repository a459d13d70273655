import { randomBytes } from 'node:crypto'
import { escapeHtml } from '../kit/index.ts'
import type { Answer, Call } from '../kit/index.ts'
import { consentPage, page } from './pages.ts'
import type { Lie, OAuthClientRecord, OAuthCounts, OAuthProviderOptions } from './types.ts'

export type Code = {
  clientId: string
  account: string
  /** Asked for, and what of it was allowed. */
  asked: string[]
  scopes: string[]
  redirectUri: string
  challenge: { value: string; method: 'S256' | 'plain' } | null
  expiresAt: number
  isUsed: boolean
}
type AccountRecord = { id: string; name: string; password: string }
export type Settings = {
  pkce: NonNullable<OAuthProviderOptions['pkce']>
  sendsIssuer: boolean
  lifetimeSeconds: number | null
  hasRefresh: boolean
  registration: boolean
  secretIn: NonNullable<OAuthProviderOptions['secretIn']>
  exchangedSeconds: number | null
  disconnect: boolean
  now: () => number
}
type Parts = {
  clients: ReadonlyMap<string, OAuthClientRecord>
  accounts: readonly AccountRecord[]
  counts: OAuthCounts
  settings: Settings
  issuer(): string
}

const codeLifeMs = 60_000

const scopesOf = (text: string | null) => (text ?? '').split(' ').filter(Boolean)

/** The authorisation endpoint: a form, and where its answer sends the browser. */
export function createAuthorization({ clients, accounts, counts, settings, issuer }: Parts) {
  const codes = new Map<string, Code>()
  let lies: Lie[] = []

  /** What is wrong with a request, as told to the person, who must not be sent on (RFC 6749 §4.1.2.1); or where its answers go. */
  function checkRequest(query: URLSearchParams): { error: string } | { clientId: string; redirectUri: string } {
    const client = clients.get(query.get('client_id') ?? '')
    if (!client) return { error: 'This application is not known here.' }
    const redirectUri = query.get('redirect_uri') ?? ''
    if (!client.redirectUris.includes(redirectUri)) {
      counts.wrongRedirects += 1
      return { error: 'The redirect URI is not one of this application.' }
    }
    return { clientId: client.clientId, redirectUri }
  }

  function showForm(call: Call): Answer {
    const request = checkRequest(call.query)
    if ('error' in request) return { status: 400, html: page('Error', `<main><h1>${escapeHtml(request.error)}</h1></main>`) }
    return { html: consentPage(call.query, accounts[0] ?? { name: '', password: '' }, false) }
  }

  function decide(call: Call): Answer {
    const form = new URLSearchParams(call.body.toString('utf8'))
    const request = checkRequest(form)
    if ('error' in request) return { status: 400, html: page('Error', `<main><h1>${escapeHtml(request.error)}</h1></main>`) }
    counts.authorizations += 1
    const [lie] = lies.splice(0, 1)
    const back = (values: Record<string, string>) => redirect(request.redirectUri, values, form.get('state'), lie ?? null)
    if (form.get('decision') === 'deny') return back({ error: 'access_denied' })
    const account = accounts.find(({ name, password }) => name === form.get('username') && password === form.get('password'))
    if (!account) return { status: 422, html: consentPage(form, { name: form.get('username') ?? '', password: '' }, true) }
    if (form.get('response_type') !== 'code') return back({ error: 'unsupported_response_type' })
    const challenge = challengeOf(form, lie ?? null)
    if (challenge === 'refused') return back({ error: 'invalid_request' })
    const code = randomBytes(24).toString('base64url')
    const [asked, declined] = [scopesOf(form.get('scope')), scopesOf(form.get('decline'))]
    const scopes = asked.filter((scope) => !declined.includes(scope))
    const expiresAt = settings.now() + codeLifeMs
    codes.set(code, { ...request, account: account.name, asked, scopes, challenge, expiresAt, isUsed: false })
    return back({ code: lie?.kind === 'injected-code' ? lie.code : code })
  }

  function challengeOf(form: URLSearchParams, lie: Lie | null): Code['challenge'] | 'refused' {
    if (settings.pkce === 'ignored') return null
    if (lie?.kind === 'challenge-lost') {
      form.delete('code_challenge')
      form.delete('code_challenge_method')
    }
    if (lie?.kind === 'challenge-plain') {
      form.set('code_challenge', lie.verifier)
      form.set('code_challenge_method', 'plain')
    }
    const value = form.get('code_challenge')
    if (value === null) {
      counts.withoutChallenge += 1
      return settings.pkce === 'required' ? 'refused' : null
    }
    const method = form.get('code_challenge_method') ?? 'plain'
    if (method === 'plain') counts.plainChallenges += 1
    if (method !== 'S256' && (method !== 'plain' || settings.pkce === 'required')) return 'refused'
    return { value, method }
  }

  function redirect(uri: string, values: Record<string, string>, state: string | null, lie: Lie | null): Answer {
    const url = new URL(uri)
    for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value)
    if (state !== null && lie?.kind !== 'no-state')
      url.searchParams.set('state', lie?.kind === 'wrong-state' ? `${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}` : state)
    if (lie?.kind === 'wrong-issuer') url.searchParams.set('iss', lie.issuer)
    else if (settings.sendsIssuer) url.searchParams.set('iss', issuer())
    return { status: 303, headers: { location: url.href } }
  }

  return {
    codes,
    showForm,
    decide,
    lie(lie: Lie) {
      lies = [...lies, lie]
    },
  }
}
