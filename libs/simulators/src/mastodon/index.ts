import { createRateLimiter, createSimulator, pageText } from '../kit/index.ts'
import type { Answer, Call, RateLimit, Simulator } from '../kit/index.ts'
import { createEntities } from './entities.ts'
import { addInstance } from './instance.ts'
import { answerMedia } from './media.ts'
import { createOAuth } from './oauth.ts'
import { brokenPage, notFoundPage } from './pages.ts'
import { addApi, unauthorized } from './routes.ts'
import { createTruth } from './truth.ts'
import type { MastodonTruth } from './truth.ts'
import type { MastodonOptions } from './types.ts'
import { createWorld } from './world.ts'
import type { World } from './world.ts'

export type * from './types.ts'
export type * from './truth.ts'

export type MastodonSimulator = Omit<Simulator, 'truth'> &
  World['script'] & {
    truth(): MastodonTruth
    /** An account's id and sign-in data. */
    account(username: string): { id: string; username: string; password: string; email: string }
    /** A token without the way through a browser. Default scopes: `read`. */
    issueToken(wanted?: { account?: string; scopes?: string[] }): string
    /** Does what the person in the browser does with an authorization address; returns where they are sent. Throws with the page's text when they are not. */
    authorize(address: string, wanted?: { account?: string; deny?: boolean }): Promise<string>
    /** Revokes one account's tokens, or all. */
    revokeTokens(account?: string): void
    forgetApps(): void
    setRateLimit(limit: RateLimit | null): void
    appCount(): number
  }

/** Starts a server that speaks the Mastodon API 4.x (docs.joinmastodon.org) over plain HTTP. */
export async function startMastodon(options: MastodonOptions = {}): Promise<MastodonSimulator> {
  const now = options.now ?? Date.now
  const version = options.version ?? '4.5.0'
  const isModern = Number(version.split('.')[0]) > 4 || (version.startsWith('4.') && Number(version.split('.')[1]) >= 3)
  const world = createWorld(options, now)
  const limiter = createRateLimiter(options.rateLimit === undefined ? { requests: 300, windowMs: 300_000 } : options.rateLimit, now)
  let origin = ''
  const entities = createEntities(world, () => origin, now)
  const truth = createTruth(world, entities, options)
  const oauth = createOAuth({
    hasPkce: isModern,
    hasProfileScope: isModern,
    prefill: options.prefillSignIn ?? true,
    now,
    first: world.locals[0]!,
    signIn: (name, password) =>
      world.locals.find((one) => (one.username === name || one.email === name) && one.password === password) ?? null,
  })
  const local = (username = world.locals[0]!.username) => {
    const account = world.locals.find((one) => one.username === username)
    if (!account) throw new Error(`no account ${username}`)
    return account
  }
  const own = {
    account: (username: string) => {
      const { id, password, email } = local(username)
      return { id, username, password: password!, email: email! }
    },
    issueToken: (wanted: { account?: string; scopes?: string[] } = {}) =>
      oauth.issue(local(wanted.account), wanted.scopes ?? ['read'], '').value,
    revokeTokens: (account?: string) => oauth.revokeTokens(account === undefined ? undefined : local(account)),
    forgetApps: () => oauth.forgetApps(),
    setRateLimit: (limit: RateLimit | null) => limiter.set(limit),
    appCount: () => oauth.appCount(),
  }

  const vendor = {
    name: 'mastodon',
    rateLimited: (): Answer => ({ status: 429, json: { error: 'Too many requests' } }),
    serverError: (status: number): Answer => ({ status, html: brokenPage() }),
    unauthorized: () => unauthorized(),
    notFound: (call: Call): Answer =>
      call.path.startsWith('/api/')
        ? { status: 404, json: { error: 'The page you are looking for isn’t here.' } }
        : { status: 404, html: notFoundPage() },
    labelOf: (token: string) => oauth.find(token)?.account?.username ?? null,
    revoke: (token: string) => {
      const found = oauth.find(token)
      if (found) found.revoked = true
    },
    before: (call: Call) => (call.path.startsWith('/api/') ? limited(call) : {}),
    truth,
    script: { ...world.script, ...own },
  }

  /** Mastodon's limiter: fixed windows, the moment of reset in ISO 8601, no Retry-After (docs: api/rate-limits). */
  function limited(call: Call): { answer?: Answer; headers?: Record<string, string> } {
    const state = limiter.take(call.token === null ? 'address' : (oauth.find(call.token)?.value ?? 'address'))
    if (!state) return {}
    const reset = new Date(state.resetAt).toISOString().replace('Z', '000Z')
    const headers = {
      'x-ratelimit-limit': String(state.limit),
      'x-ratelimit-remaining': String(state.remaining),
      'x-ratelimit-reset': reset,
    }
    return state.exceeded ? { headers, answer: { ...vendor.rateLimited(), quietForMs: state.resetAt - now() } } : { headers }
  }

  const simulator = await createSimulator(
    vendor,
    (add) => {
      add('POST', '/api/v1/apps', oauth.register)
      add('GET', '/oauth/authorize', oauth.showForm)
      add('POST', '/oauth/authorize', oauth.decide)
      add('POST', '/oauth/token', oauth.token)
      add('POST', '/oauth/revoke', oauth.revoke)
      add('GET', '/media/*', (call) => answerMedia(call.path, world, options))
      const statusCount = () => world.locals.reduce((sum, one) => sum + world.shelf(one)!.statuses.length, 0)
      addInstance(add, { version, isModern, statusCount, userCount: world.locals.length })
      addApi(add, { world, entities, oauth, now })
    },
    options,
  )
  origin = simulator.url

  async function authorize(address: string, wanted: { account?: string; deny?: boolean } = {}): Promise<string> {
    const { username, password } = local(wanted.account)
    const form = new URLSearchParams(new URL(address).search)
    const shown = await fetch(address)
    if (!shown.ok) throw new Error(`${shown.status} ${pageText(await shown.text())}`)
    for (const [name, value] of Object.entries({ username, password: password ?? '', decision: wanted.deny ? 'deny' : 'authorize' }))
      form.set(name, value)
    const answer = await fetch(`${origin}/oauth/authorize`, { method: 'POST', body: form, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${answer.status} ${pageText(await answer.text())}`)
    return location
  }

  return Object.assign(simulator, world.script, own, { authorize, truth })
}
