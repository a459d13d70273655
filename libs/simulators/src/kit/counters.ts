/** How long after a 429 left us a further call is excused: where many are made side by side, it may have been sent before the answer was read. */
const inFlightGraceMs = 250

export type CallerCounts = { requests: number; concurrentNow: number; concurrentMax: number; callsBeforeRetryAfter: number }
/** A snapshot; callers are labels, never tokens. */
export type Counts = {
  total: number
  /** By `METHOD pattern`. */
  routes: Record<string, number>
  statuses: Record<string, number>
  faults: Record<string, number>
  callers: Record<string, CallerCounts>
  concurrentNow: number
  concurrentMax: number
  /** Requests of a caller that came before the wait asked of it was over. */
  callsBeforeRetryAfter: number
  /** Refresh tokens presented after they had been used. */
  refreshTokenReuse: number
  /** Answers that the client did not wait for. */
  abandoned: number
  bytesSent: number
  /** Whatever else a vendor counts. */
  other: Record<string, number>
}
type Caller = CallerCounts & { quiet: { from: number; until: number } | null }

/** Counts what a simulator sees. `now` in milliseconds. */
export function createCounters(now: () => number = Date.now) {
  let counts = empty()
  let callers = new Map<string, Caller>()
  const callerOf = (label: string) => {
    const found = callers.get(label)
    if (found) return found
    const made: Caller = { requests: 0, concurrentNow: 0, concurrentMax: 0, callsBeforeRetryAfter: 0, quiet: null }
    callers.set(label, made)
    return made
  }
  return {
    started(routeKey: string, label: string) {
      const caller = callerOf(label)
      bump(counts.routes, routeKey)
      counts.total++
      caller.requests++
      counts.concurrentMax = Math.max(counts.concurrentMax, ++counts.concurrentNow)
      caller.concurrentMax = Math.max(caller.concurrentMax, ++caller.concurrentNow)
      if (caller.quiet && now() > caller.quiet.from + inFlightGraceMs && now() < caller.quiet.until) {
        caller.callsBeforeRetryAfter++
        counts.callsBeforeRetryAfter++
      }
    },
    /** `quietForMs`: the wait that the answer asked for, if any. */
    finished(label: string, end: { status: number | null; bytes: number; abandoned: boolean; quietForMs: number | null }) {
      const caller = callerOf(label)
      counts.concurrentNow = Math.max(0, counts.concurrentNow - 1)
      caller.concurrentNow = Math.max(0, caller.concurrentNow - 1)
      counts.bytesSent += end.bytes
      if (end.abandoned) counts.abandoned++
      bump(counts.statuses, end.status === null ? 'none' : String(end.status))
      if (end.quietForMs !== null) caller.quiet = { from: now(), until: Math.max(caller.quiet?.until ?? 0, now() + end.quietForMs) }
    },
    fault(kind: string) {
      bump(counts.faults, kind)
    },
    refreshTokenReused() {
      counts.refreshTokenReuse++
    },
    add(name: string, many = 1) {
      counts.other[name] = (counts.other[name] ?? 0) + many
    },
    /** Requests whose `METHOD pattern` contains a text. */
    of(routePart: string): number {
      return Object.entries(counts.routes).reduce((sum, [key, many]) => (key.includes(routePart) ? sum + many : sum), 0)
    },
    snapshot(): Counts {
      const plain = [...callers].map(([label, { quiet: _quiet, ...rest }]) => [label, rest] as const)
      return structuredClone({ ...counts, callers: Object.fromEntries(plain) })
    },
    /** Back to zero; requests under way keep being counted as under way. */
    reset() {
      counts = { ...empty(), concurrentNow: counts.concurrentNow, concurrentMax: counts.concurrentNow }
      callers = new Map(
        [...callers].map(([label, { concurrentNow, quiet }]) => [
          label,
          { requests: 0, concurrentNow, concurrentMax: concurrentNow, callsBeforeRetryAfter: 0, quiet },
        ]),
      )
    },
  }
}
export type Counters = ReturnType<typeof createCounters>

function empty(): Omit<Counts, 'callers'> {
  return {
    total: 0,
    routes: {},
    statuses: {},
    faults: {},
    concurrentNow: 0,
    concurrentMax: 0,
    callsBeforeRetryAfter: 0,
    refreshTokenReuse: 0,
    abandoned: 0,
    bytesSent: 0,
    other: {},
  }
}

function bump(record: Record<string, number>, key: string) {
  record[key] = (record[key] ?? 0) + 1
}
