import { createRandom, createSimulator, pageText } from '../kit/index.ts'
import type { Answer, Call, Counters, Simulator } from '../kit/index.ts'
import { createActs } from './acts.ts'
import type { Acts } from './acts.ts'
import { createAnswers } from './answers.ts'
import { createBilling } from './billing.ts'
import { createEntities } from './entities.ts'
import { createGenerator } from './generated.ts'
import { createLimits } from './limits.ts'
import { createMedia } from './media.ts'
import { createOAuth } from './oauth.ts'
import { createPageTokens } from './page-tokens.ts'
import { problems } from './problems.ts'
import { createRenderer } from './render.ts'
import { addApi } from './routes.ts'
import { createTruth } from './truth.ts'
import type { TwitterAccountTruth, TwitterGenerateOptions, TwitterRateLimits, TwitterApp, TwitterOptions, TwitterTruth } from './types.ts'
import { createWorld } from './world.ts'

export type {
  Breakage,
  EndpointLimit,
  EndpointName,
  NewTweet,
  NewTweetMedia,
  TrueTweet,
  TrueTweetMedia,
  TwitterAccountTruth,
  TwitterApp,
  TwitterGenerateOptions,
  TwitterOptions,
  TwitterRateLimits,
  TwitterTruth,
} from './types.ts'

const defaultScopes = ['tweet.read', 'users.read', 'like.read', 'bookmark.read', 'follows.read', 'offline.access']

export type TwitterSimulator = Omit<Simulator, 'truth'> &
  Acts & {
    readonly app: Required<TwitterApp>
    /** Everybody who can sign in, or one account of the world. */
    truth(): TwitterTruth
    truth(username: string): TwitterAccountTruth
    generate(wanted?: TwitterGenerateOptions): void
    /**
     * Does what the person in the browser does with an authorization address; returns where they are sent. Throws with the page's text when
     * they are not. `decline` holds back scopes.
     */
    authorize(address: string, wanted?: { account?: string; deny?: boolean; decline?: string[] }): Promise<string>
    /** Tokens without the way through a browser. Default scopes: all that reading needs, and `offline.access`. */
    issueTokens(wanted?: { account?: string; scopes?: string[] }): { accessToken: string; refreshToken: string }
    /** Access tokens of an account, or of everybody, are over; refresh tokens go on. */
    expireTokens(account?: string): void
    /** The person takes the app's access back: all its tokens are worth nothing. */
    revokeTokens(account?: string): void
    /** X knows the app no longer (or again). */
    setAppKnown(known: boolean): void
    /** The app is enrolled in a project (or is not: 403 client-not-enrolled). */
    setAppEnrolled(enrolled: boolean): void
    /** Limits of the endpoints named, the documented ones for the others; null: none at all. What was used is forgotten. */
    setRateLimits(limits: TwitterRateLimits | null, windowMs?: number): void
    setMonthlyCap(posts: number | null): void
    /** The monthly cap is reached (or, with false, as the count says). */
    capUsage(capped?: boolean): void
    /** Posts that the app has paid for this month: each once a day, those in `includes` not counted. */
    postsRead(): number
  }

/**
 * Starts a server that speaks X's API v2 (docs.x.com) over plain HTTP: what the real one spreads over x.com, api.x.com and the hosts of
 * pictures and videos is all here, told apart by its paths. It has one app. Faults of the kit that limit say `Retry-After` beside
 * X's own `x-rate-limit-reset`; limits of its own say only the latter, as X does, and who comes again too early is counted as
 * `other.callsBeforeReset`. Counted there too: `refreshes`, `codeReuse`, `revocations`, `postsRead` (what is paid for), `postsReturned`,
 * `usersRead`, `usersReturned`.
 */
export async function startTwitter(options: TwitterOptions = {}): Promise<TwitterSimulator> {
  const now = options.now ?? Date.now
  const random = createRandom(options.seed ?? 1, 'twitter')
  const type = options.app?.type ?? 'confidential'
  const app: Required<TwitterApp> = {
    clientId: options.app?.clientId ?? Buffer.from(`${random.hex(8)}:1:${type === 'confidential' ? 'ci' : 'na'}`).toString('base64url'),
    clientSecret: options.app?.clientSecret ?? random.hex(25),
    name: options.app?.name ?? 'Asheville',
    redirectUris: options.app?.redirectUris ?? ['http://localhost:3000/cb/twitter'],
    type,
  }
  const accountNumber = String(random.int(1_000_000, 9_999_999))
  let origin = ''
  let counters: Counters | null = null
  const state = { isEnrolled: true }
  const told = new Map<string, { reset: number; at: number }>()

  const world = createWorld(options, now)
  for (const username of options.accounts ?? ['alice', 'bob'])
    world.addAccount(username, {
      password: options.passwords?.[username] ?? 'correct horse',
      email: `${username.toLowerCase()}@mail.example`,
      about: `I am ${username} & I <3 this place.`,
      location: 'Asheville, NC',
      website: `https://${username.toLowerCase().replaceAll('_', '-')}.example/about?me=1`,
    })
  const media = createMedia(world, options, () => options.mediaOrigin ?? origin)
  const renderer = createRenderer(world)
  const entities = createEntities({ world, renderer, media })
  const answers = createAnswers({ world, entities, renderer })
  const acts = createActs(world, options)
  const truthOf = createTruth(world, media, options)
  const people = () => world.accounts.filter(({ password }) => password !== null)
  const limits = createLimits(options.rateLimits, options.rateWindowMs ?? 900_000, now)
  const billing = createBilling(options.monthlyCap === undefined ? 3_000_000 : options.monthlyCap, now, () => counters!)
  const oauth = createOAuth({
    app,
    people,
    tokenSeconds: options.tokenSeconds ?? 7200,
    codeSeconds: options.codeSeconds ?? 30,
    prefill: options.prefillSignIn ?? true,
    now,
    counters: () => counters!,
  })
  const byName = (username?: string) => (username === undefined ? undefined : world.accountBy(username))

  function truth(): TwitterTruth
  function truth(username: string): TwitterAccountTruth
  function truth(username?: string) {
    if (username !== undefined) return truthOf(world.accountBy(username))
    return Object.fromEntries(people().map((account) => [account.username, truthOf(account)]))
  }

  const own = {
    ...acts,
    generate: createGenerator(world, acts),
    issueTokens: (wanted: { account?: string; scopes?: string[] } = {}) =>
      oauth.grant(byName(wanted.account) ?? world.accounts[0]!, wanted.scopes ?? defaultScopes),
    expireTokens: (account?: string) => oauth.expire(byName(account)),
    revokeTokens: (account?: string) => oauth.revokeAll(byName(account)),
    setAppKnown: (known: boolean) => oauth.setAppKnown(known),
    setAppEnrolled: (enrolled: boolean) => void (state.isEnrolled = enrolled),
    setRateLimits: (wanted: TwitterRateLimits | null, windowMs?: number) => limits.set(wanted, windowMs),
    setMonthlyCap: (posts: number | null) => billing.setCap(posts),
    capUsage: (capped = true) => billing.force(capped),
    postsRead: () => billing.readThisMonth(),
  }

  const vendor = {
    name: 'twitter',
    rateLimited: (seconds: number): Answer => ({
      ...problems.tooManyRequests(),
      headers: {
        'content-type': 'application/problem+json',
        'x-rate-limit-limit': '900',
        'x-rate-limit-remaining': '0',
        'x-rate-limit-reset': String(Math.ceil(now() / 1000) + seconds),
      },
    }),
    serverError: (status: number) => problems.broken(status),
    unauthorized: () => problems.unauthorized(),
    notFound: () => problems.notFound(),
    labelOf: (token: string) => oauth.find(token)?.grant.account.username ?? null,
    revoke: (token: string) => oauth.revokeGrant(token),
    before: limited,
    truth: () => truth(),
    script: { ...own, truth },
  }

  /** Windows of each endpoint; past the end of one there is no `Retry-After`, only the second at which it begins anew. */
  function limited(call: Call, routeKey: string): { answer?: Answer; headers?: Record<string, string> } {
    const token = call.token === null ? null : oauth.find(call.token)
    if (!token || !oauth.isGood(token)) return {}
    const window = limits.take(routeKey, token.grant.account.id)
    if (!window) return {}
    const reset = Math.ceil(window.resetAt / 1000)
    const headers = {
      'x-rate-limit-limit': String(window.limit),
      'x-rate-limit-remaining': String(window.remaining),
      'x-rate-limit-reset': String(reset),
    }
    if (!window.exceeded) return { headers }
    // Only this endpoint is to be left alone, so the kit's count, which is by caller, would be unjust.
    const name = `${token.grant.account.id} ${routeKey}`
    const before = told.get(name)
    if (before?.reset !== reset) told.set(name, { reset, at: Date.now() })
    else if (Date.now() > before.at + 30) counters!.add('callsBeforeReset')
    return { headers, answer: problems.tooManyRequests() }
  }

  const simulator = await createSimulator(
    vendor,
    (add) => {
      add('GET', '/i/oauth2/authorize', oauth.showForm)
      add('POST', '/i/oauth2/authorize', oauth.decide)
      add('POST', '/2/oauth2/token', oauth.token)
      add('POST', '/2/oauth2/revoke', oauth.revoke)
      const tokens = createPageTokens(options.seed ?? 1)
      addApi(add, { world, oauth, answers, tokens, billing, options, clientId: accountNumber }, state)
      media.addRoutes(add)
    },
    options,
  )
  origin = simulator.url
  counters = simulator.counters

  async function authorize(address: string, wanted: { account?: string; deny?: boolean; decline?: string[] } = {}): Promise<string> {
    const { username, password } = acts.account(wanted.account)
    const shown = await fetch(address)
    if (!shown.ok) throw new Error(`${shown.status} ${pageText(await shown.text())}`)
    const form = new URLSearchParams(new URL(address).search)
    const typed = {
      username,
      password: password ?? '',
      decision: wanted.deny ? 'deny' : 'allow',
      decline: (wanted.decline ?? []).join(' '),
    }
    for (const [name, value] of Object.entries(typed)) form.set(name, value)
    const answer = await fetch(new URL('/i/oauth2/authorize', address), { method: 'POST', body: form, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${answer.status} ${pageText(await answer.text())}`)
    return location
  }

  return Object.assign(simulator, own, { app, authorize, truth })
}
