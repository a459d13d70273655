export type RateLimit = { requests: number; windowMs: number }
export type RateLimitState = { limit: number; remaining: number; resetAt: number; windowMs: number; exceeded: boolean }

/** Counts requests in fixed windows that start at whole multiples of `windowMs`, per caller; `limit` null: no limit. */
export function createRateLimiter(limit: RateLimit | null, now: () => number = Date.now) {
  const windows = new Map<string, { start: number; used: number }>()
  let current = limit
  return {
    /** Changes the limit from now on and forgets what was used. */
    set(next: RateLimit | null) {
      current = next
      windows.clear()
    },
    /** Takes `points` and says what is left; null without a limit. */
    take(caller: string, points = 1): RateLimitState | null {
      if (!current) return null
      const start = now() - (now() % current.windowMs)
      const kept = windows.get(caller)
      const window = kept && kept.start === start ? kept : { start, used: 0 }
      window.used += points
      windows.set(caller, window)
      const remaining = Math.max(0, current.requests - window.used)
      return {
        limit: current.requests,
        remaining,
        resetAt: start + current.windowMs,
        windowMs: current.windowMs,
        exceeded: window.used > current.requests,
      }
    },
  }
}
export type RateLimiter = ReturnType<typeof createRateLimiter>
