import { randomUUID } from 'node:crypto'
import {
  accountsRoutes,
  type Connection,
  conductorRoutes,
  platformRoutes,
  type NetworkStatus,
  type Standing,
  type Session,
  type StoredItem,
  type StreamStatus,
  type TypeStatus,
  type Sync,
  type User,
} from '@asheville/clients'
import { AshevilleError, type RouteContract, type ServiceName } from '@asheville/core'
import {
  bind,
  createLogger,
  createVerifier,
  type Handler,
  type Idempotency,
  type PublicKeys,
  startService,
  type Verify,
} from '@asheville/service'

/**
 * The other services' contracts, served over HTTP with scripted answers: tokens and bodies are checked and replies validated
 * as by the real ones. What is behind them is what a test says.
 */
export interface Script {
  accounts: Partial<{ -readonly [Name in keyof typeof accountsRoutes]: Handler<(typeof accountsRoutes)[Name]> }>
  conductor: Partial<{ -readonly [Name in keyof typeof conductorRoutes]: Handler<(typeof conductorRoutes)[Name]> }>
  platform: Partial<{ -readonly [Name in keyof typeof platformRoutes]: Handler<(typeof platformRoutes)[Name]> }>
}

export interface ScriptedServices {
  urls: Record<'accounts' | 'conductor' | 'platform', string>
  close(): Promise<void>
}

/** Scripted answers have no effect that could happen twice. */
const noKeys: Idempotency = {
  begin: async ({ fingerprint }) => ({ state: 'mine', claim: { id: '', attempt: 1, fingerprint } }),
  finish: async () => undefined,
  abandon: async () => undefined,
}

export async function startScripted(script: Script, publicKeys: PublicKeys): Promise<ScriptedServices> {
  const logger = createLogger('accounts', 'silent')
  const start = (name: keyof Script, routes: Record<string, RouteContract>) => {
    const verify: Verify = createVerifier({ audience: name as ServiceName, publicKeys })
    const bindings = Object.entries(routes).map(([route, contract]) =>
      bind(contract, ((call: never) => {
        // Looked up at each call, so that a test may change the script as it goes.
        const handler = (script[name] as Record<string, ((given: never) => Promise<never>) | undefined>)[route]
        if (!handler) throw new AshevilleError('not-found', `${route} is not scripted`)
        return handler(call)
      }) as unknown as Handler<RouteContract>),
    )
    return startService({
      name: name as ServiceName,
      host: '127.0.0.1',
      port: 0,
      logger,
      bindings,
      verify,
      apps: { admit: () => Promise.reject(new AshevilleError('unauthenticated', 'Only web asks here')) },
      idempotency: noKeys,
      checks: {},
      version: 'test',
      drainMs: 200,
    })
  }
  const [accounts, conductor, platform] = await Promise.all([
    start('accounts', accountsRoutes),
    start('conductor', conductorRoutes),
    start('platform', platformRoutes),
  ])
  return {
    urls: { accounts: accounts.url, conductor: conductor.url, platform: platform.url },
    close: async () => void (await Promise.all([accounts.close(), conductor.close(), platform.close()])),
  }
}

export const ann: User = {
  id: '5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a01',
  name: 'Ann Example',
  email: 'ann@example.com',
  role: 'owner',
  locale: 'en',
  createdAt: '2025-03-01T10:00:00.000Z',
}

export function sessionFor(user: User): Session {
  return { id: '9d0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a02', user, expiresAt: '2099-01-01T00:00:00.000Z' }
}

/** Accounts with one person, who signs in with `a good long password` and has the session `token`. */
export function accountsOf(user: User, token: string, connections: Connection[]): Script['accounts'] {
  const session = sessionFor(user)
  const ended = new Set<string>()
  return {
    getSetup: async () => ({ hasOwner: true, signUpOpen: false, sendsMail: false }),
    getTotals: async () => ({ people: 1, connections: { mastodon: 1 }, storages: { local: 1 }, votes: {} }),
    countUnread: async () => ({ unread: 0 }),
    listVotes: async () => ({ providers: [] }),
    getUser: async () => user,
    listProviders: async () => ({
      providers: [
        ...['mastodon', 'bluesky', 'feeds'].map((id) => ({ id, kind: 'network' as const, isReady: true, canSignIn: false, asks: [] })),
        { id: 'harbour', kind: 'network', isReady: true, canSignIn: false, asks: ['read', 'likes'] },
        { id: 'local', kind: 'storage', isReady: true, canSignIn: false, asks: [] },
      ],
    }),
    createSession: async ({ body }) => {
      if (body.email !== user.email || body.password !== 'a good long password') throw new AshevilleError('unauthenticated', 'Wrong')
      ended.delete(token)
      return { token, session }
    },
    checkSession: async ({ body }) => {
      if (body.token !== token || ended.has(token)) throw new AshevilleError('unauthenticated', 'This session has ended')
      return session
    },
    endSession: async ({ body }) => void ended.add(body.token),
    listConnections: async ({ query }) => ({ connections: connections.filter(({ kind }) => !query.kind || kind === query.kind) }),
    getConnection: async ({ params }) => {
      const found = connections.find(({ id }) => id === params.connectionId)
      if (!found) throw new AshevilleError('not-found', 'There is no such connection')
      return found
    },
  }
}

export function connectionOf(part: Partial<Connection> & Pick<Connection, 'provider'>): Connection {
  return {
    id: randomUUID(),
    userId: ann.id,
    kind: 'network',
    accountId: '1',
    handle: '@ann@example.social',
    title: 'Ann',
    url: 'https://example.social/@ann',
    server: 'https://example.social',
    fields: {},
    settings: { contentTypes: null, range: { from: null, to: null }, readsPerMonth: null, syncEveryMinutes: null, copies: 'keep' },
    declined: [],
    clearing: [],
    storageId: null,
    state: 'active',
    stateReason: null,
    createdAt: '2025-03-01T10:00:00.000Z',
    ...part,
  }
}

export function streamOf(connectionId: string, stream: string, part: Partial<StreamStatus> = {}): StreamStatus {
  return {
    connectionId,
    stream,
    state: 'idle',
    reason: null,
    until: null,
    backfilling: false,
    available: {},
    tally: { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 },
    skipped: [],
    pages: 1,
    lastSyncedAt: new Date(Date.now() - 180_000).toISOString(),
    nextDueAt: new Date(Date.now() + 720_000).toISOString(),
    ...part,
  }
}

/** A network that is up to date, with posts alone, unless said otherwise. */
export function networkStatusOf(connection: Connection, part: Omit<Partial<NetworkStatus>, 'connection'> = {}): NetworkStatus {
  const { types, streams = [], readsThisMonth = 0, ...standing } = part
  return { connection, ...onTime, ...standing, types: types ?? [typeStatusOf('posts', standing)], streams, readsThisMonth }
}

export function typeStatusOf(contentType: TypeStatus['contentType'], part: Partial<TypeStatus> = {}): TypeStatus {
  return {
    contentType,
    ...onTime,
    stored: 0,
    available: null,
    oldest: null,
    newest: null,
    oldestAvailable: null,
    newestAvailable: null,
    ...part,
  }
}

const onTime: Standing = {
  word: 'on-time',
  waitsFor: null,
  until: null,
  reason: null,
  action: null,
  isComplete: true,
  itemsPerMinute: null,
  secondsLeft: null,
  lastSyncedAt: new Date(Date.now() - 180_000).toISOString(),
  nextRunAt: new Date(Date.now() + 720_000).toISOString(),
}

export function syncOf(part: Partial<Sync> = {}): Sync {
  return {
    id: randomUUID(),
    userId: ann.id,
    trigger: 'person',
    state: 'done',
    createdAt: new Date(Date.now() - 240_000).toISOString(),
    finishedAt: new Date(Date.now() - 180_000).toISOString(),
    tally: { new: 12, changed: 1, unchanged: 20, gone: 0, skipped: 0 },
    ...part,
  }
}

export function statusOf(networks: NetworkStatus[], syncs: Sync[] = []): NonNullable<Script['conductor']['getStatus']> {
  return async () => ({ networks, syncs, media: [] })
}

export function itemOf(key: string, object: Record<string, unknown>, part: Partial<StoredItem> = {}): StoredItem {
  const id = `https://example.social/users/ann/statuses/${key}`
  return {
    key,
    id,
    network: 'mastodon',
    account: '@ann@example.social',
    contentType: 'posts',
    at: '2025-03-14T09:26:53.000Z',
    goneAt: null,
    path: 'mastodon/ann@example.social/posts/2025-03.json',
    ...part,
    object: { id, type: 'Note', url: `https://example.social/@ann/${key}`, ...object },
  }
}
