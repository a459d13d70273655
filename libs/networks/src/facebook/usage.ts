import { AshevilleError, type Stream } from '@asheville/core'
import { z } from 'zod'

/*
 * Graph never says Retry-After. What it counts are the calls of the last hour, and the time that they took; its headers say how
 * much of what is allowed that is, in per cent: https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers
 */

const percent = z.number().catch(0)
const appUsageSchema = z.object({ call_count: percent, total_cputime: percent, total_time: percent })
/** By business, and there by kind of use; minutes. */
const businessUsageSchema = z.record(z.string(), z.array(z.object({ estimated_time_to_regain_access: z.number().catch(0) })))

/** From here on it goes on slowly: who asks beyond the limit is kept out longer, and may lose the app. */
const mostPercent = 95
/** What was counted an hour ago passes minute by minute. */
const defaultWaitMs = 10 * 60_000

/** How much of what is allowed was used, in per cent; 0 where the answer does not say. */
export function usageOf(headers: Headers): number {
  const usage = appUsageSchema.safeParse(jsonIn(headers.get('x-app-usage'))).data
  return usage ? Math.max(usage.call_count, usage.total_cputime, usage.total_time) : 0
}

/** How long to wait before anything more is asked, in milliseconds: as estimated by Facebook, else ten minutes. */
export function waitOf(headers: Headers): number {
  const byBusiness = businessUsageSchema.safeParse(jsonIn(headers.get('x-business-use-case-usage'))).data ?? {}
  const minutes = Math.max(0, ...Object.values(byBusiness).flatMap((uses) => uses.map((use) => use.estimated_time_to_regain_access)))
  return minutes > 0 ? minutes * 60_000 : defaultWaitMs
}

/** A walk that stops for a while, after a page, when the app has nearly used up what it may ask. */
export function withinLimits({ plan, pages }: Pick<Stream, 'plan' | 'pages'>): Pick<Stream, 'plan' | 'pages'> {
  return {
    plan,
    async *pages(walk, io) {
      let latest = new Headers()
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const response = await io.http.fetch(input, init)
        latest = response.headers
        return response
      }
      for await (const page of pages(walk, { ...io, http: { ...io.http, fetch } })) {
        yield page
        if (page.cursor !== null && usageOf(latest) >= mostPercent)
          throw new AshevilleError('rate-limited', 'Facebook’s limit is nearly reached', { scope: 'app', retryAfterMs: waitOf(latest) })
      }
    },
  }
}

function jsonIn(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}
