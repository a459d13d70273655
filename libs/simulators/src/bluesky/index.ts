import { lexToJson } from '@atproto/lex-json'
import { createRateLimiter, createSimulator, sha256 } from '../kit/index.ts'
import type { Answer, Call, RateLimit, Simulator } from '../kit/index.ts'
import { addServerRoutes } from './auth-routes.ts'
import { addIdentityRoutes } from './identity.ts'
import { addRepoRoutes } from './repo-routes.ts'
import { createSessions } from './sessions.ts'
import type { BlueskyOptions, BlueskyTruth, RepoTruth, TrueRecord } from './types.ts'
import { addViewRoutes } from './view-routes.ts'
import { createWorld } from './world.ts'
import type { Account, World } from './world.ts'
import { expired, xrpcError } from './xrpc.ts'

export type * from './types.ts'

export type BlueskySimulator = Omit<Simulator, 'truth'> &
  World['script'] & {
    /** Every account's records and the blobs that they refer to, by address. */
    truth(): Promise<BlueskyTruth>
    account(name?: string): { did: string; handle: string; email: string; password: string; appPassword: string }
    /** A session without signing in over HTTP. */
    openSession(name?: string): { accessJwt: string; refreshJwt: string }
    /** Ends sessions at once, of one account or of all. */
    revokeTokens(name?: string): void
    setRateLimit(limit: RateLimit | null): void
    rev(name?: string): string
  }

/**
 * Starts a personal data server that speaks AT Protocol (atproto.com/specs, lexicons com.atproto and app.bsky) over plain HTTP, with a small PLC
 * directory at the same address. Repositories, commits and CAR files are made by the vendor's own library and signed.
 */
export async function startBluesky(options: BlueskyOptions = {}): Promise<BlueskySimulator> {
  const now = options.now ?? Date.now
  const world = await createWorld(options, now)
  const limiter = createRateLimiter(options.rateLimit === undefined ? { requests: 3000, windowMs: 300_000 } : options.rateLimit, now)
  const sessions = createSessions({
    seed: options.seed ?? 1,
    now,
    accessLifeMs: options.accessLifeMs ?? 7_200_000,
    reuse: options.refreshReuse ?? 'refused',
    counters: () => simulator.counters,
  })
  const own = {
    account: (name?: string) => {
      const { did, handle, email, password, appPassword } = world.local(name)
      return { did, handle, email, password, appPassword }
    },
    openSession: (name?: string) => sessions.open(world.local(name).did),
    revokeTokens: (name?: string) => sessions.revoke(name === undefined ? undefined : world.local(name).did),
    setRateLimit: (limit: RateLimit | null) => limiter.set(limit),
    rev: (name?: string) => world.local(name).repo.head().rev,
  }
  const truth = async (): Promise<BlueskyTruth> => {
    const repos = await Promise.all(world.accounts.map(async (account) => [account.name, await trueRepo(account, world)] as const))
    return Object.fromEntries(repos)
  }

  const simulator: Simulator = await createSimulator(
    {
      name: 'bluesky',
      rateLimited: () => xrpcError(429, 'RateLimitExceeded', 'Rate Limit Exceeded'),
      serverError: (status) =>
        xrpcError(
          status,
          status === 502 ? 'UpstreamFailure' : 'InternalServerError',
          status === 502 ? 'Upstream Failure' : 'Internal Server Error',
        ),
      unauthorized: () => expired,
      notFound: (call: Call): Answer =>
        call.path.startsWith('/xrpc/')
          ? xrpcError(501, 'MethodNotImplemented', 'Method Not Implemented')
          : { status: 404, text: 'Not Found' },
      labelOf: (token) => world.accounts.find(({ did }) => did === sessions.ownerOf(token))?.name ?? null,
      revoke: (token) => sessions.revokeSessionOf(token),
      before: (call) => (call.path.startsWith('/xrpc/') ? limited() : {}),
      truth,
      script: { ...world.script, ...own },
    },
    (add) => {
      addServerRoutes(add, world, sessions, {
        sessionLimit: options.sessionLimit === undefined ? { requests: 30, windowMs: 300_000 } : options.sessionLimit,
        handleDomain: options.handleDomain ?? '.test',
        now,
      })
      addRepoRoutes(add, world, sessions)
      addViewRoutes(add, world, sessions)
      add('GET', '/xrpc/_health', () => ({ json: { version: '0.4.217' } }))
      addIdentityRoutes(add, world, sessions)
    },
    options,
  )

  /** The reference server's limit per address: draft RateLimit headers, the moment of reset in seconds since 1970, no Retry-After. */
  function limited(): { answer?: Answer; headers?: Record<string, string> } {
    const state = limiter.take('address')
    if (!state) return {}
    const { limit, remaining, resetAt, windowMs } = state
    const headers = {
      'ratelimit-limit': String(limit),
      'ratelimit-reset': String(Math.floor(resetAt / 1000)),
      'ratelimit-remaining': String(remaining),
      'ratelimit-policy': `${limit};w=${Math.floor(windowMs / 1000)}`,
    }
    return state.exceeded
      ? { headers, answer: { ...xrpcError(429, 'RateLimitExceeded', 'Rate Limit Exceeded'), quietForMs: resetAt - now() } }
      : { headers }
  }

  return Object.assign(simulator, world.script, own, { truth })
}

async function trueRepo(account: Account, world: World): Promise<RepoTruth> {
  const { did, handle, repo } = account
  const records: TrueRecord[] = []
  const used = new Set<string>()
  for (const collection of repo.collections()) {
    for (const { rkey, cid } of repo.list(collection, { limit: Infinity, cursor: null, reverse: true })) {
      const value = lexToJson(repo.value(cid))
      // A raw-codec CID in base 32 begins like this; records refer to other records by text, not by link.
      for (const found of JSON.stringify(value).matchAll(/"\$link":"(bafkrei\w+)"/g)) used.add(found[1]!)
      records.push({ uri: `at://${did}/${collection}/${rkey}`, cid, collection, rkey, value })
    }
  }
  const blobs = [...used].flatMap((cid) => {
    const blob = world.blob(cid)
    return blob ? [{ cid, mimeType: blob.mimeType, bytes: blob.bytes.length, sha256: sha256(blob.bytes) }] : []
  })
  return { did, handle, rev: repo.head().rev, records, blobs }
}
