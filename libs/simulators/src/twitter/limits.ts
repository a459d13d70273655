import { createRateLimiter } from '../kit/index.ts'
import type { RateLimitState } from '../kit/index.ts'
import type { EndpointLimit, EndpointName, TwitterRateLimits } from './types.ts'

/**
 * Requests in 15 minutes (docs.x.com: rate limits). X's per-app figures hold for the app's own token, which nobody has here; a test that
 * wants one window for all people sets it.
 */
const documented: Record<EndpointName, EndpointLimit> = {
  'GET /2/users/me': { perUser: 75, perApp: null },
  'GET /2/users/:id': { perUser: 900, perApp: null },
  'GET /2/users/by/username/:username': { perUser: 900, perApp: null },
  'GET /2/users/:id/tweets': { perUser: 900, perApp: null },
  'GET /2/users/:id/liked_tweets': { perUser: 75, perApp: null },
  'GET /2/users/:id/bookmarks': { perUser: 180, perApp: null },
  'GET /2/users/:id/following': { perUser: 300, perApp: null },
  'GET /2/tweets': { perUser: 5000, perApp: null },
  'GET /2/tweets/:id': { perUser: 900, perApp: null },
}

/** Counts each endpoint's requests by person and for the app; what an answer says is the window with less left. */
export function createLimits(limits: TwitterRateLimits | null | undefined, windowMs: number, now: () => number) {
  type Windows = { user: ReturnType<typeof createRateLimiter>; app: ReturnType<typeof createRateLimiter> }
  let windows = new Map<string, Windows>()
  const set = (wanted: TwitterRateLimits | null | undefined, ms = windowMs) => {
    const limiter = (requests: number | null) => createRateLimiter(requests === null ? null : { requests, windowMs: ms }, now)
    const all: TwitterRateLimits = wanted === null ? {} : { ...documented, ...wanted }
    windows = new Map(
      Object.entries(all).map(([name, { perUser, perApp }]) => [name, { user: limiter(perUser), app: limiter(perApp) }] as const),
    )
  }
  set(limits)
  return {
    set,
    take(routeKey: string, userId: string): RateLimitState | null {
      const found = windows.get(routeKey)
      const states = [found?.user.take(userId), found?.app.take('app')].filter((state) => state !== undefined && state !== null)
      return states.sort((a, b) => Number(b.exceeded) - Number(a.exceeded) || a.remaining - b.remaining)[0] ?? null
    },
  }
}
