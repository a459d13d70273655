import { createSimulator, pageText } from '../kit/index.ts'
import type { Simulator } from '../kit/index.ts'
import { createAuthorization } from './authorization.ts'
import { page } from './pages.ts'
import { createTokens } from './tokens.ts'
import type { Grant, Lie, OAuthClientRecord, OAuthCounts, OAuthProviderOptions } from './types.ts'

export type * from './types.ts'

export type OAuthProviderSimulator = Simulator & {
  readonly issuer: string
  counts(): OAuthCounts
  grants(): readonly Grant[]
  /** Whether this token opens the account. */
  isAccepted(accessToken: string): boolean
  addClient(client: OAuthClientRecord): void
  forgetClients(): void
  /** The next authorisation goes wrong in this way. */
  lie(lie: Lie): void
  /** Does what the person in the browser does with an authorisation address; returns where they are sent. `decline` holds back scopes. Throws with the page's text when they are not sent. */
  authorize(address: string, wanted?: { account?: string; deny?: boolean; decline?: string[] }): Promise<string>
  /** Revokes one account's grants, or all. */
  revokeGrants(account?: string): void
}

/**
 * Starts an OAuth 2 provider with accounts, over plain HTTP: authorisation codes (RFC 6749) with PKCE (RFC 7636), refresh tokens that
 * rotate and end the grant when one is used again, codes that end it too (§4.1.2), revocation (RFC 7009), metadata (RFC 8414),
 * registration (RFC 7591), the issuer in answers (RFC 9207), and `GET /account`, which says whose token it is. As options, what providers do in
 * ways of their own: `/exchange` and `/disconnect`.
 */
export async function startOAuthProvider(options: OAuthProviderOptions = {}): Promise<OAuthProviderSimulator> {
  const accounts = (options.accounts ?? ['alice', 'bob']).map((name) => ({ id: `${name}-1`, name, password: `password of ${name}` }))
  const clients = new Map((options.clients ?? []).map((client) => [client.clientId, client]))
  const counts: OAuthCounts = {
    registrations: 0,
    authorizations: 0,
    exchanges: 0,
    codeReuses: 0,
    withoutChallenge: 0,
    plainChallenges: 0,
    wrongVerifiers: 0,
    downgrades: 0,
    wrongRedirects: 0,
    refreshes: 0,
    refreshReuses: 0,
    revocations: 0,
    trades: 0,
    refusedTrades: 0,
    disconnects: 0,
  }
  const settings = {
    pkce: options.pkce ?? 'required',
    sendsIssuer: options.sendsIssuer ?? true,
    lifetimeSeconds: options.lifetimeSeconds === undefined ? 3600 : options.lifetimeSeconds,
    hasRefresh: options.refreshTokens ?? true,
    registration: options.registration ?? false,
    secretIn: options.secretIn ?? 'any',
    exchangedSeconds: options.exchangedSeconds ?? null,
    disconnect: options.disconnect ?? false,
    now: options.now ?? Date.now,
  } as const
  let origin = ''
  const issuer = () => origin
  const authorization = createAuthorization({ clients, accounts, counts, settings, issuer })
  const tokens = createTokens({ clients, counts, settings, codes: authorization.codes })

  const vendor = {
    name: 'oauth-provider',
    rateLimited: () => ({ status: 429, json: { error: 'temporarily_unavailable' } }),
    serverError: (status: number) => ({ status, html: page('Broken', '<main><h1>Something went wrong</h1></main>') }),
    unauthorized: () => ({
      status: 401,
      json: { error: 'invalid_token' },
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    }),
    notFound: () => ({ status: 404, html: page('Not found', '<main><h1>Not found</h1></main>') }),
    labelOf: (token: string) => tokens.find(token)?.account ?? null,
    revoke: (token: string) => {
      const grant = tokens.find(token)
      if (grant) grant.isRevoked = true
    },
    truth: () => ({ accounts: accounts.map(({ id, name }) => ({ id, name })), grants: tokens.grants.length }),
    script: { lie: (lie: Lie) => authorization.lie(lie) },
  }

  const simulator = await createSimulator(
    vendor,
    (add) => {
      add('GET', '/.well-known/oauth-authorization-server', () => ({
        json: {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          revocation_endpoint: `${origin}/revoke`,
          ...(settings.registration && { registration_endpoint: `${origin}/register` }),
          ...(settings.pkce !== 'ignored' && { code_challenge_methods_supported: ['S256'] }),
          authorization_response_iss_parameter_supported: settings.sendsIssuer,
        },
      }))
      add('GET', '/authorize', authorization.showForm)
      add('POST', '/authorize', authorization.decide)
      add('POST', '/token', tokens.token)
      add('POST', '/revoke', tokens.revoke)
      add('POST', '/register', tokens.register)
      if (settings.exchangedSeconds !== null) add('POST', '/exchange', tokens.trade)
      if (settings.disconnect) add('POST', '/disconnect', (call) => tokens.disconnect(call) ?? vendor.unauthorized())
      add('GET', '/account', ({ token }) => {
        const grant = tokens.findGood(token)
        const account = accounts.find(({ name }) => name === grant?.account)
        if (!account) return vendor.unauthorized()
        return { json: { id: account.id, name: account.name, email: `${account.name}@example.org` } }
      })
    },
    options,
  )
  origin = simulator.url

  async function authorize(address: string, wanted: { account?: string; deny?: boolean; decline?: string[] } = {}): Promise<string> {
    const account = accounts.find(({ name }) => name === (wanted.account ?? accounts[0]?.name))
    if (!account) throw new Error(`no account ${wanted.account}`)
    const shown = await fetch(address)
    if (!shown.ok) throw new Error(`${shown.status} ${pageText(await shown.text())}`)
    const form = new URLSearchParams(new URL(address).search)
    for (const [name, value] of Object.entries({
      username: account.name,
      password: account.password,
      decision: wanted.deny ? 'deny' : 'allow',
      decline: (wanted.decline ?? []).join(' '),
    }))
      form.set(name, value)
    const answer = await fetch(`${simulator.localUrl}/authorize`, { method: 'POST', body: form, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${answer.status} ${pageText(await answer.text())}`)
    return location
  }

  return Object.assign(simulator, {
    issuer: origin,
    counts: () => ({ ...counts }),
    grants: () => tokens.grants,
    isAccepted: (accessToken: string) => tokens.findGood(accessToken) !== null,
    addClient: (client: OAuthClientRecord) => void clients.set(client.clientId, client),
    forgetClients: () => clients.clear(),
    lie: (lie: Lie) => authorization.lie(lie),
    authorize,
    revokeGrants(account?: string) {
      for (const grant of tokens.grants) if (account === undefined || grant.account === account) grant.isRevoked = true
    },
  })
}
