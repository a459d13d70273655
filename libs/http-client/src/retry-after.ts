/** Longer waits than this are asked again after it. */
const maxMs = 24 * 60 * 60 * 1000

/**
 * How long the other side wants us to wait, in milliseconds (0 to 24 h), from whichever dialect it speaks: `Retry-After`
 * (seconds or a date, RFC 9110), `X-RateLimit-Reset` (epoch seconds; ISO 8601 at Mastodon), `RateLimit-Reset` (epoch
 * seconds at Bluesky, seconds to wait elsewhere), `x-rate-limit-reset` (X, epoch seconds), `RateLimit` (IETF draft, `t` or
 * `reset` seconds). Undefined when it does not say.
 */
export function retryAfterMs(headers: Headers, now: Date | number = Date.now()): number | undefined {
  const at = Number(now)
  const wait =
    retryAfterHeaderMs(headers, at) ??
    resetMs(headers.get('x-ratelimit-reset'), at) ??
    resetMs(headers.get('x-rate-limit-reset'), at) ??
    resetMs(headers.get('ratelimit-reset'), at) ??
    structuredMs(headers.get('ratelimit'), at)
  return wait
}

/** `Retry-After` alone, which any answer may have. */
export function retryAfterHeaderMs(headers: Headers, now: Date | number): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return bounded(Number(value) * 1000)
  return untilDate(value, Number(now))
}

/** A number is a time in seconds or milliseconds since 1970, or, being too small for that, seconds to wait. */
function resetMs(value: string | null, now: number): number | undefined {
  const text = value?.trim()
  if (!text) return undefined
  if (!/^\d+(\.\d+)?$/.test(text)) return untilDate(text, now)
  const number = Number(text)
  if (number > 1e12) return bounded(number - now)
  return bounded(number > 1e9 ? number * 1000 - now : number * 1000)
}

function structuredMs(value: string | null, now: number): number | undefined {
  const [, seconds] = /(?:^|[;,\s])(?:t|reset)=(\d+)/.exec(value ?? '') ?? []
  return seconds === undefined ? undefined : resetMs(seconds, now)
}

function untilDate(text: string, now: number): number | undefined {
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : bounded(at - now)
}

function bounded(ms: number): number {
  return Math.ceil(Math.min(Math.max(ms, 0), maxMs))
}
