import { AshevilleError, type Http } from '@asheville/core'
import { retryAfterHeaderMs } from '@asheville/http-client'

/** So many are remembered before it is looked whose time is over. */
const swept = 1000

/**
 * Ways out for each access, by which nobody in this process asks a server again before a `Retry-After` is over that it told somebody with the same
 * access: not another stream, not the next page of one that runs beside. Without any access, everybody is meant. What is asked too early
 * throws `rate-limited`. `now` in milliseconds.
 */
export function createRetryAfter(http: Http, now: () => number = Date.now): (access: string) => Http {
  const quietUntil = new Map<string, number>()

  function refuseEarly(name: string, host: string): void {
    const retryAfterMs = (quietUntil.get(name) ?? 0) - now()
    if (retryAfterMs > 0) throw new AshevilleError('rate-limited', `${host} asks to wait`, { retryAfterMs })
    quietUntil.delete(name)
  }

  function keepQuiet(name: string, until: number): void {
    if (quietUntil.size >= swept) for (const [other, end] of quietUntil) if (end <= now()) quietUntil.delete(other)
    quietUntil.set(name, Math.max(quietUntil.get(name) ?? 0, until))
  }

  return (access) => ({
    ...http,
    async fetch(input, init) {
      const request = input instanceof Request ? input : null
      const { host } = new URL(request?.url ?? String(input))
      const hasAccess = new Headers(init?.headers ?? request?.headers).has('authorization')
      const name = hasAccess ? `${host} ${access}` : host
      refuseEarly(name, host)
      const response = await http.fetch(input, init)
      const toldMs = response.ok ? undefined : retryAfterHeaderMs(response.headers, now())
      if (toldMs !== undefined) keepQuiet(name, now() + toldMs)
      return response
    },
  })
}
