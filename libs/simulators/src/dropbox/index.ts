import { join } from 'node:path'
import { createRandom, createRateLimiter, createSimulator, pageText } from '../kit/index.ts'
import type { Answer, Call, Counters, RateLimit, Simulator } from '../kit/index.ts'
import { createCursorCodec } from './cursors.ts'
import { createDoors } from './doors.ts'
import type { Doors } from './doors.ts'
import { createEndpoints } from './endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import { authError, rateLimitError } from './errors.ts'
import { addFileRoutes } from './file-routes.ts'
import { keepInFolder } from './kept-folder.ts'
import { addListingRoutes } from './listing-routes.ts'
import { createOAuth } from './oauth.ts'
import { addSessionRoutes } from './session-routes.ts'
import { createSessions } from './sessions.ts'
import { createTruth } from './truth.ts'
import type { DropboxApp, DropboxOptions, DropboxTruth } from './types.ts'
import { addUserRoutes } from './user-routes.ts'
import { createWorld } from './world.ts'

export type { DropboxAccountTruth, DropboxApp, DropboxOptions, DropboxTruth, TrueFile } from './types.ts'

export type DropboxSimulator = Omit<Simulator, 'truth'> &
  Doors & {
    readonly app: Required<DropboxApp>
    truth(): DropboxTruth
    /** Does what the person in the browser does with an authorization address; returns where they are sent. Throws with the page's text when they are not. */
    authorize(address: string, wanted?: { account?: string; deny?: boolean }): Promise<string>
    setRateLimit(limit: RateLimit | null): void
  }

const defaultScopes = ['account_info.read', 'files.metadata.read', 'files.metadata.write', 'files.content.read', 'files.content.write']
const defaultRedirectUris = ['http://localhost:3000/connect/dropbox/callback']

/**
 * Starts a server that speaks Dropbox's HTTP API v2 (dropbox.com/developers/documentation/http) over plain HTTP: what the real one spreads
 * over www, api, content and notify is all here. Its one app has access to an app folder, which it sees as the root.
 */
export async function startDropbox(options: DropboxOptions = {}): Promise<DropboxSimulator> {
  const now = options.now ?? Date.now
  const random = createRandom(options.seed ?? 1, 'dropbox')
  const dots = createRandom(options.seed ?? 1, 'dots')
  const app: Required<DropboxApp> = {
    key: options.app?.key ?? random.hex(8).slice(0, 15),
    secret: options.app?.secret ?? random.hex(8).slice(0, 15),
    name: options.app?.name ?? 'Asheville',
    redirectUris: options.app?.redirectUris ?? defaultRedirectUris,
    scopes: options.app?.scopes ?? defaultScopes,
  }
  const places = createWorld(options, now)
  const { keptIn } = options
  const folders =
    keptIn === undefined ? [] : await Promise.all(places.map(({ account, tree }) => keepInFolder(join(keptIn, account.name), tree)))
  const sessions = createSessions(now)
  const limiter = createRateLimiter(options.rateLimit ?? null, now)
  const truth = createTruth(places)
  let counters: Counters | null = null
  const oauth = createOAuth({
    app,
    accounts: places.map(({ account }) => account),
    tokenSeconds: options.tokenSeconds ?? 14_400,
    prefill: options.prefillSignIn ?? true,
    now,
    counters: () => counters!,
  })
  const doors = {
    ...createDoors(places, oauth, sessions),
    setRateLimit: (limit: RateLimit | null) => limiter.set(limit),
  }
  const handlerOf = createEndpoints({
    oauth,
    placeOf: (id) => places.find(({ account }) => account.id === id)!,
    now,
    dots: () => dots.int(0, 5),
  })
  const uploads = new Set<string>()

  const vendor = {
    name: 'dropbox',
    rateLimited: (seconds: number) => rateLimitError('too_many_requests', seconds),
    serverError: (status: number): Answer => ({ status, text: 'Internal Server Error' }),
    unauthorized: () => authError('expired_access_token'),
    notFound: (call: Call): Answer => ({ status: 404, text: `Unknown API function: ${call.path}` }),
    labelOf: (token: string) => oauth.find(token)?.grant.account.name ?? null,
    revoke: (token: string) => oauth.revokeGrant(token),
    takesStream: (routeKey: string) => uploads.has(routeKey),
    before: (call: Call) => (call.path.startsWith('/2/') ? limited(call) : {}),
    truth,
    script: doors,
  }

  function limited(call: Call): { answer?: Answer; headers: Record<string, string> } {
    const headers = { 'x-dropbox-request-id': random.hex(16), 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' }
    const state = call.token === null ? null : limiter.take(call.token)
    if (!state?.exceeded) return { headers }
    return { headers, answer: rateLimitError('too_many_requests', Math.max(1, Math.ceil((state.resetAt - now()) / 1000))) }
  }

  const simulator = await createSimulator(
    vendor,
    (add) => {
      add('GET', '/oauth2/authorize', oauth.showForm)
      add('POST', '/oauth2/authorize', oauth.decide)
      add('POST', '/oauth2/token', oauth.token)
      const endpoint = <A>(wanted: Endpoint<A>) => {
        const path = `/2/${wanted.name}`
        if (wanted.style === 'upload') uploads.add(`POST ${path}`)
        add('POST', path, handlerOf(wanted))
        if (wanted.style === 'download') add('GET', path, handlerOf(wanted))
      }
      endpoint({
        name: 'auth/token/revoke',
        style: 'rpc',
        scope: null,
        read: null,
        run: ({ call }) => oauth.revokeGrant(call.token!),
      })
      const settings = {
        commitMs: options.commitMs ?? 15,
        jobMs: options.jobMs ?? 60,
        pageSize: options.pageSize ?? 500,
        longpollMs: options.longpollMs ?? null,
        lockAnswer: options.lockAnswer ?? 'rate-limit',
        committedSession: options.committedSession ?? 'not_found',
      } as const
      const parts = {
        endpoint,
        add,
        sessions,
        cursors: createCursorCodec(random.hex(16)),
        places,
        settings,
        now,
        counters: () => counters!,
      }
      addUserRoutes(parts)
      addListingRoutes(parts)
      addFileRoutes(parts)
      addSessionRoutes(parts)
    },
    options,
  )
  counters = simulator.counters
  const stop = simulator.close.bind(simulator)

  async function authorize(address: string, wanted: { account?: string; deny?: boolean } = {}): Promise<string> {
    const { email, password } = doors.account(wanted.account)
    const form = new URLSearchParams(new URL(address).search)
    const shown = await fetch(address)
    if (!shown.ok) throw new Error(`${shown.status} ${pageText(await shown.text())}`)
    for (const [name, value] of Object.entries({ email, password, decision: wanted.deny ? 'deny' : 'allow' })) form.set(name, value)
    const answer = await fetch(`${simulator.url}/oauth2/authorize`, { method: 'POST', body: form, redirect: 'manual' })
    const location = answer.headers.get('location')
    if (location === null) throw new Error(`${answer.status} ${pageText(await answer.text())}`)
    return location
  }

  async function close(): Promise<void> {
    await stop()
    await Promise.all(folders.map((folder) => folder.settled()))
  }

  return Object.assign(simulator, doors, { app, authorize, truth, close })
}
