import { createRandom } from './random.ts'

/** What goes wrong. Times in milliseconds, sizes in bytes. */
export type FaultKind =
  /** The answer comes later; other faults may strike the same request. */
  | { kind: 'latency'; ms: number }
  /** 429 in the vendor's own shape with `Retry-After` in whole seconds; the handler does not run. */
  | { kind: 'rate-limited'; retryAfterSeconds: number }
  /** 5xx in the vendor's own shape; the handler does not run. */
  | { kind: 'server-error'; status?: number; retryAfterSeconds?: number }
  /** The connection is reset after a part of the body. */
  | { kind: 'reset'; afterBytes?: number }
  /** The promised length is not delivered: the connection is closed in an orderly way too early. */
  | { kind: 'short-body'; afterBytes?: number }
  /** A whole and correct HTTP answer whose body is only the first part of the true one. */
  | { kind: 'truncated'; afterBytes?: number }
  /** Silence, before the first byte or in the middle of the body, for good unless `ms` is given. */
  | { kind: 'stall'; in?: 'head' | 'body'; afterBytes?: number; ms?: number }
  /** The request is carried out, then the connection is cut before a byte of the answer. */
  | { kind: 'reply-lost' }
  /** The caller's token is revoked for good before the request is served. */
  | { kind: 'token-revoked' }
  /** 401 in the vendor's own shape, this once; the token stays good. */
  | { kind: 'unauthorized' }
  /** An HTML page where the vendor's JSON is expected. */
  | { kind: 'html'; status?: number }

/** When it goes wrong. Give one of `next`, `rate`, `at`; none of them: always. */
export type FaultWhen = {
  /** `'GET /api/v1/statuses/:id'`, `'/media/*'`, or a RegExp over `METHOD /path`; absent: every request. */
  route?: string | RegExp
  /** The next so many matching requests. */
  next?: number
  /** This share of the matching requests, drawn by the simulator's seed. */
  rate?: number
  /** The matching requests with these numbers, the first after the fault was added being 1. */
  at?: number | number[]
}
export type Fault = FaultKind & FaultWhen
export type FaultHandle = { hits(): number; remove(): void }
/** The faults that strike one request: any latencies added up, and at most one other. */
export type Strike = { latencyMs: number; fault: FaultKind | null }

type Planned = { fault: Fault; pattern: RegExp | null; seen: number; hits: number; random: () => number }

/** Keeps the planned faults and decides, request by request, which strike. */
export function createFaults(seed: string | number) {
  let planned: Planned[] = []
  let added = 0
  return {
    /** Plans a fault. The first added of several that match strikes. */
    add(fault: Fault): FaultHandle {
      const entry: Planned = { fault, pattern: patternOf(fault.route), seen: 0, hits: 0, random: createRandom(seed, 'fault', added++).next }
      planned.push(entry)
      return { hits: () => entry.hits, remove: () => void (planned = planned.filter((other) => other !== entry)) }
    },
    clear() {
      planned = []
    },
    /** `routeKey` is `METHOD pattern`, `actual` is `METHOD path`. */
    strike(routeKey: string, actual: string): Strike {
      const result: Strike = { latencyMs: 0, fault: null }
      for (const entry of planned) {
        if (entry.pattern && !entry.pattern.test(actual) && !entry.pattern.test(routeKey)) continue
        entry.seen++
        if (result.fault && entry.fault.kind !== 'latency') continue
        if (!isDue(entry)) continue
        entry.hits++
        if (entry.fault.kind === 'latency') result.latencyMs += entry.fault.ms
        else result.fault = entry.fault
      }
      return result
    },
  }
}
export type Faults = ReturnType<typeof createFaults>

function isDue({ fault, seen, hits, random }: Planned): boolean {
  if (fault.at !== undefined) return [fault.at].flat().includes(seen)
  if (fault.next !== undefined) return hits < fault.next
  return fault.rate === undefined || random() < fault.rate
}

function patternOf(route: string | RegExp | undefined): RegExp | null {
  if (route === undefined) return null
  if (route instanceof RegExp) return new RegExp(route.source, route.flags.replace(/[gy]/g, ''))
  const source = route
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replace(/:[a-z]+/gi, '[^/]+')
  return new RegExp(route.startsWith('/') ? `^[A-Z]+ ${source}$` : `^${source}$`)
}
