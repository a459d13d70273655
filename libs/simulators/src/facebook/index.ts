import { createRandom, createSimulator, pageText } from '../kit/index.ts'
import type { Answer, Call, Counters, RateLimit, Simulator } from '../kit/index.ts'
import { createActs } from './acts.ts'
import type { Acts } from './acts.ts'
import { addApi, noPath } from './api.ts'
import { answering, createCalls } from './calls.ts'
import { createEdges } from './edges.ts'
import { byCode, errorAnswer } from './errors.ts'
import { createGenerator } from './generated.ts'
import { createLimits } from './limits.ts'
import { createMedia } from './media.ts'
import { createNodeKinds } from './node-kinds.ts'
import { createOAuth } from './oauth.ts'
import { createObjects } from './objects.ts'
import { createCursors } from './paging.ts'
import { tokenOf } from './parameters.ts'
import { permissions } from './permissions.ts'
import type { Person } from './records.ts'
import { createTokens } from './tokens.ts'
import { createTruth } from './truth.ts'
import type {
  FacebookAccountTruth,
  FacebookApp,
  FacebookGenerateOptions,
  FacebookOptions,
  FacebookTruth,
  PlannedRefusal,
  Usage,
} from './types.ts'
import { createVersions, defaultVersions } from './versions.ts'
import { createWebhooks, type SentByFacebook } from './webhooks.ts'
import { createWorld } from './world.ts'

export type {
  FacebookAccountTruth,
  FacebookApp,
  FacebookGenerateOptions,
  FacebookOptions,
  FacebookTruth,
  PlannedRefusal,
  TrueAlbum,
  TrueCheckIn,
  TrueEvent,
  TrueLike,
  TruePhoto,
  TruePost,
  TrueVideo,
} from './types.ts'

export type FacebookSimulator = Omit<Simulator, 'truth'> &
  Acts & {
    readonly app: Required<FacebookApp>
    /** Everybody who can sign in, or one of them. */
    truth(): FacebookTruth
    truth(account: string): FacebookAccountTruth
    generate(wanted?: FacebookGenerateOptions): void
    /**
     * Does what the person in the browser does with an address of the dialog; returns where they are sent. Throws with the page's text when they
     * are not. `decline` are permissions that they untick.
     */
    authorize(address: string, wanted?: { account?: string; deny?: boolean; decline?: string[] }): Promise<string>
    /** A long-lived token (or a short one) without the way through a browser. Default: every permission; those not named are declined. */
    issueToken(wanted?: { account?: string; permissions?: string[]; short?: boolean }): string
    /** What Facebook sends once these fields of the person have changed: `feed`, `photos` … Whoever tests sends it. */
    notification(fields: readonly string[], wanted?: { account?: string; values?: boolean }): SentByFacebook
    /** What Facebook asks of a new callback URL by a GET, and the answer that it wants. */
    question(verifyToken: string): { query: Record<string, string>; answer: string }
    /** HMAC of a token with the app's secret: what `appsecret_proof` must be. */
    proofOf(token: string): string
    /** Tokens of a person, or of everybody, have expired (190/463). */
    expireTokens(account?: string): void
    /** All sessions of the person end (190/460). */
    changePassword(password: string, account?: string): void
    /** The person takes the app out of their settings: its tokens and permissions are gone (190/458). */
    removeApp(account?: string): void
    /** Facebook ends tokens for a reason of its own (190/467). */
    invalidateTokens(account?: string): void
    /** Facebook knows the app no longer (or again). */
    setAppKnown(known: boolean): void
    /** Versions that are served from now on, oldest first. */
    setVersions(versions: string[]): void
    /** What `x-app-usage` says, in per cent: 100 of anything is error 4 for everybody. Null: as counted. */
    setUsage(usage: Usage | null): void
    /** Adds `x-business-use-case-usage` to answers; `minutes` until access comes back. Null: no more. */
    setBusinessUsage(usage: (Usage & { minutes?: number }) | null): void
    /** The app may make 200 calls an hour for each of these; what was used is forgotten. */
    setDailyUsers(users: number): void
    setUserLimit(limit: RateLimit | null): void
    /** Calls are refused with the error of that code, in Graph's words: 1, 2, 4, 10, 17, 32, 100, 190, 200, 368, 613, 80001 … */
    refuse(code: number, plan?: PlannedRefusal): void
    acceptAgain(): void
    /** Whatever cursor was given out is invalid (2642). */
    expireCursors(): void
    /** Whatever address of a picture or video was given out is over (403 "URL signature expired"). */
    expireMedia(): void
  }

/**
 * Starts a server that speaks Facebook's Graph API (developers.facebook.com/docs/graph-api) over plain HTTP, as one app sees it: what the real one spreads
 * over www.facebook.com, graph.facebook.com and the hosts of pictures and videos is all here, told apart by its paths. Faults of the kit that limit say
 * `Retry-After`; limits of its own do not, as Graph does not. Counted under `other`: `exchanges`, `revocations`, `codeReuse`, `oldVersions`,
 * `tokensInAddress` and `secretsInAddress` (what came in a query), `tokensToMedia`, `callsWhileLimited` (beyond the first refusal).
 */
export async function startFacebook(options: FacebookOptions = {}): Promise<FacebookSimulator> {
  const now = options.now ?? Date.now
  const seed = options.seed ?? 1
  const random = createRandom(seed, 'facebook')
  const app: Required<FacebookApp> = {
    id: options.app?.id ?? `1${random.int(10_000_000, 99_999_999)}${random.int(1_000_000, 9_999_999)}`,
    secret: options.app?.secret ?? random.hex(16),
    name: options.app?.name ?? 'Asheville',
    redirectUris: options.app?.redirectUris ?? ['http://localhost:3000/cb/facebook'],
  }
  let origin = ''
  let counters: Counters | null = null
  const count = (name: string) => counters!.add(name)

  const world = createWorld(options, now)
  for (const account of options.accounts ?? ['alice', 'bob'])
    world.addPerson(account, { password: options.passwords?.[account] ?? 'correct horse' })
  const people = () => world.people.filter(({ password }) => password !== null)
  const media = createMedia(world, options, () => options.mediaOrigin ?? origin)
  const kinds = createNodeKinds(world, media)
  const cursors = createCursors()
  const edges = createEdges(world, kinds, cursors, options.heaviestPage ?? Infinity)
  const acts = createActs(world, media, options)
  const truthOf = createTruth(world, media, edges)
  const versions = createVersions(options.versions ?? defaultVersions, count)
  const tokens = createTokens({
    app,
    seed,
    shortSeconds: options.tokenSeconds ?? 5400,
    longSeconds: options.longTokenSeconds ?? 5_183_944,
    now,
  })
  const oauth = createOAuth({
    app,
    tokens,
    people,
    codeSeconds: options.codeSeconds ?? 600,
    omitExpiresIn: options.omitExpiresIn ?? false,
    prefill: options.prefillSignIn ?? true,
    now,
    counters: () => counters!,
  })
  const webhooks = createWebhooks(app, now)
  const limits = createLimits({
    dailyUsers: options.dailyUsers ?? 1000,
    userLimit: options.userLimit ?? null,
    now,
    counters: () => counters!,
  })

  const some = (account?: string): Person[] => (account === undefined ? people() : [world.personBy(account)])
  function removeApp(person: Person): void {
    tokens.end('appRemoved', person)
    person.permissions.clear()
  }

  function truth(): FacebookTruth
  function truth(account: string): FacebookAccountTruth
  function truth(account?: string) {
    if (account !== undefined) return truthOf(world.personBy(account))
    return Object.fromEntries(people().map((person) => [person.key, truthOf(person)]))
  }

  const own = {
    ...acts,
    generate: createGenerator(world, acts),
    issueToken(wanted: { account?: string; permissions?: string[]; short?: boolean } = {}): string {
      const person = world.personBy(wanted.account)
      for (const name of Object.keys(permissions)) {
        const isGranted = name === 'public_profile' || (wanted.permissions?.includes(name) ?? true)
        person.permissions.set(name, isGranted ? 'granted' : 'declined')
      }
      return tokens.issue(person, wanted.short !== true).value
    },
    notification: (fields: readonly string[], { account, values = false }: { account?: string; values?: boolean } = {}) =>
      webhooks.notification(world.personBy(account).id, fields, { values }),
    question: webhooks.question,
    proofOf: (token: string) => tokens.proofOf(token),
    expireTokens: (account?: string) => some(account).forEach((person) => tokens.end('expired', person)),
    changePassword(password: string, account?: string): void {
      const person = world.personBy(account)
      person.password = password
      tokens.end('passwordChanged', person)
    },
    removeApp: (account?: string) => some(account).forEach(removeApp),
    invalidateTokens: (account?: string) => some(account).forEach((person) => tokens.end('invalid', person)),
    setAppKnown: (known: boolean) => tokens.setAppKnown(known),
    setVersions: (wanted: string[]) => versions.set(wanted),
    setUsage: limits.setUsage,
    setBusinessUsage: limits.setBusinessUsage,
    setDailyUsers: limits.setDailyUsers,
    setUserLimit: limits.setUserLimit,
    refuse: limits.refuse,
    acceptAgain: limits.acceptAgain,
    expireCursors: () => cursors.expireAll(),
    expireMedia: () => media.expireAddresses(),
  }

  const isDialog = ({ path }: Call) => path.includes('/dialog/')
  const vendor = {
    name: 'facebook',
    rateLimited: (): Answer => {
      const usage = JSON.stringify({ call_count: 100, total_cputime: 40, total_time: 60 })
      const answer = errorAnswer({ code: 4, ...byCode[4]! })
      return { ...answer, headers: { ...answer.headers, 'x-app-usage': usage } }
    },
    serverError: (status: number) => errorAnswer({ code: 2, ...byCode[2]!, status }),
    unauthorized: () => errorAnswer({ code: 190, ...byCode[190]! }),
    notFound: (call: Call) => errorAnswer(noPath(call)),
    labelOf: (token: string) => tokens.find(token)?.person.key ?? null,
    revoke: (token: string) => tokens.endOne(token, 'passwordChanged'),
    before,
    truth: () => truth(),
    script: { ...own, truth },
  }

  /** Notes secrets that came in an address, and counts calls of the API. */
  function before(call: Call): { answer?: Answer; headers?: Record<string, string> } {
    if (call.path.startsWith('/v/')) {
      if (call.token !== null || call.query.has('access_token')) count('tokensToMedia')
      return {}
    }
    if (isDialog(call)) return {}
    for (const name of ['access_token', 'fb_exchange_token', 'input_token']) if (call.query.has(name)) count('tokensInAddress')
    if (call.query.has('client_secret')) count('secretsInAddress')
    const { headers, answer } = limits.take(call, tokens.find(tokenOf(call) ?? '')?.person ?? null)
    return { ...(answer && { answer }), headers: { ...headers, ...versionHeader(call) } }
  }
  function versionHeader(call: Call): Record<string, string> {
    const version = versions.answering(call)
    return version === null ? {} : { 'facebook-api-version': version }
  }

  const versioned = (handler: (call: Call) => Answer) =>
    answering((call) => {
      versions.served(call)
      return handler(call)
    })

  const simulator = await createSimulator(
    vendor,
    (add) => {
      media.addRoutes(add)
      add('GET', '/:version/dialog/oauth', versioned(oauth.showDialog))
      add('POST', '/:version/dialog/oauth', versioned(oauth.decide))
      add('GET', '/:version/oauth/access_token', versioned(oauth.token))
      add('POST', '/:version/oauth/access_token', versioned(oauth.token))
      add('GET', '/:version/debug_token', versioned(oauth.debug))
      const graph = createCalls({ edges, tokens, versions, requireProof: options.requireProof ?? false, origin: () => origin })
      const objects = createObjects(world, kinds, edges)
      addApi(add, { graph, objects, edges, versions, missingPermission: options.missingPermission ?? 'empty', removeApp, count })
    },
    options,
  )
  origin = simulator.url
  counters = simulator.counters

  async function authorize(address: string, wanted: { account?: string; deny?: boolean; decline?: string[] } = {}): Promise<string> {
    const { email, password } = acts.account(wanted.account)
    const shown = await fetch(address)
    const html = await shown.text()
    if (!shown.ok) throw new Error(`${shown.status} ${pageText(html)}`)
    const form = new URLSearchParams(new URL(address).search)
    form.set('username', email ?? '')
    form.set('password', password ?? '')
    form.set('decision', wanted.deny ? 'deny' : 'allow')
    for (const [, name] of html.matchAll(/name="permission" value="(\w+)"/g))
      if (!wanted.decline?.includes(name!)) form.append('permission', name!)
    const { pathname } = new URL(address)
    const answer = await fetch(new URL(pathname, address), { method: 'POST', body: form, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${answer.status} ${pageText(await answer.text())}`)
    return location
  }

  return Object.assign(simulator, own, { app, authorize, truth })
}
