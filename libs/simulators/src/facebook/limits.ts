import { createRateLimiter } from '../kit/index.ts'
import type { Answer, Call, Counters, RateLimit } from '../kit/index.ts'
import { byCode, errorAnswer } from './errors.ts'
import type { Person } from './records.ts'
import type { PlannedRefusal, Usage } from './types.ts'

type Planned = PlannedRefusal & { code: number; left: number }
type Parts = { dailyUsers: number; userLimit: RateLimit | null; now: () => number; counters: () => Counters }
const hourMs = 3_600_000
/** How long after a refusal a further call is still excused: it may have been sent before the refusal arrived. */
const graceMs = 30

/**
 * How often the app may call (developers.facebook.com/docs/graph-api/overview/rate-limiting): 200 calls an hour for each of its daily users, all
 * together, said in `x-app-usage` in per cent; where a test wants it, a limit for one person. Graph does not say `Retry-After`.
 */
export function createLimits({ dailyUsers, userLimit, now, counters }: Parts) {
  const app = createRateLimiter({ requests: 200 * dailyUsers, windowMs: hourMs }, now)
  const user = createRateLimiter(userLimit, now)
  let forced: Usage | null = null
  let business: (Usage & { minutes?: number }) | null = null
  let planned: Planned[] = []
  const refusedAt = new Map<string, number>()

  const usageOf = (callCount: number, given: Usage | null) => ({
    call_count: given?.callCount ?? callCount,
    total_cputime: given?.totalCpuTime ?? Math.floor(callCount * 0.4),
    total_time: given?.totalTime ?? Math.floor(callCount * 0.6),
  })
  const businessHeader = (person: Person | null, usage: Usage & { minutes?: number }) => ({
    'x-business-use-case-usage': JSON.stringify({
      [person?.id ?? '0']: [{ type: 'pages', ...usageOf(0, usage), estimated_time_to_regain_access: usage.minutes ?? 0 }],
    }),
  })

  /** Counts calls that come although the limit of that name was said to be reached. */
  function noteRefusal(name: string): void {
    const before = refusedAt.get(name)
    if (before === undefined) refusedAt.set(name, Date.now())
    else if (Date.now() > before + graceMs) counters().add('callsWhileLimited')
  }

  function plannedFor(call: Call): Planned | undefined {
    const found = planned.find(({ route, left }) => left > 0 && (route === undefined || call.path.includes(route)))
    if (found) found.left--
    return found
  }
  function refusalOf({ code, subcode, status, message, minutes }: Planned, person: Person | null): Answer {
    const known = byCode[code] ?? { message: `(#${code}) Error ${code}` }
    const told = { ...known, code, ...(subcode !== undefined && { subcode }), ...(status !== undefined && { status }) }
    const answer = errorAnswer({ ...told, ...(message !== undefined && { message }) })
    if (minutes === undefined) return answer
    const headers = { ...answer.headers, ...businessHeader(person, { callCount: 100, totalTime: 40, totalCpuTime: 40, minutes }) }
    return { ...answer, headers, quietForMs: minutes * 60_000 }
  }

  return {
    /** Headers for any answer to this call, and a refusal if it is one too many. */
    take(call: Call, person: Person | null): { answer?: Answer; headers: Record<string, string> } {
      const appWindow = app.take('app')!
      const userWindow = person && user.take(person.id)
      const usage = usageOf(Math.floor((100 * (appWindow.limit - appWindow.remaining)) / appWindow.limit), forced)
      const headers = { 'x-app-usage': JSON.stringify(usage), ...(business && businessHeader(person, business)) }
      const plan = plannedFor(call)
      if (plan) return { headers, answer: refusalOf(plan, person) }
      if (appWindow.exceeded || Object.values(usage).some((percent) => percent >= 100)) {
        noteRefusal('app')
        return { headers, answer: errorAnswer({ code: 4, ...byCode[4]! }) }
      }
      refusedAt.delete('app')
      if (userWindow?.exceeded) {
        noteRefusal(person!.id)
        return { headers, answer: errorAnswer({ code: 17, ...byCode[17]! }) }
      }
      if (person) refusedAt.delete(person.id)
      return { headers }
    },
    /** What `x-app-usage` says, in per cent; 100 of anything: error 4 for everybody. Null: as counted. */
    setUsage: (usage: Usage | null) => void (forced = usage),
    /** Adds `x-business-use-case-usage` to answers; `minutes` until access comes back. Null: no more. */
    setBusinessUsage: (usage: (Usage & { minutes?: number }) | null) => void (business = usage),
    /** Calls an hour of the app = 200 × these. */
    setDailyUsers: (users: number) => app.set({ requests: 200 * users, windowMs: hourMs }),
    setUserLimit: (limit: RateLimit | null) => user.set(limit),
    /** Refuses calls with an error of that code. */
    refuse: (code: number, plan: PlannedRefusal = {}) => void planned.push({ ...plan, code, left: plan.next ?? Infinity }),
    /** Nothing is refused by `refuse` any more. */
    acceptAgain: () => void (planned = []),
  }
}
export type Limits = ReturnType<typeof createLimits>
