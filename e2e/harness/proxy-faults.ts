import type { Socket } from 'node:net'
import { createRandom } from '@asheville/simulators'

/** What a proxy does to one request (HTTP) or connection (TCP). Times in ms, sizes in bytes of the answer's body (TCP: of what comes back). */
export type ProxyFault =
  /** It comes later. */
  | { kind: 'latency'; ms: number }
  /** The connection is reset at once; the server never hears of it. */
  | { kind: 'refuse' }
  /** The server does its work; a part of its answer comes, then a reset. */
  | { kind: 'reset'; afterBytes?: number }
  /** The same, but the connection ends in an orderly way. */
  | { kind: 'short-body'; afterBytes?: number }
  /** The same, but then nothing more comes; for good, unless `ms` is given, after which the rest comes. */
  | { kind: 'stall'; afterBytes?: number; ms?: number }
  /** The server does its work to the end; of its answer nothing comes. The connection stays open, or is reset after `ms`. */
  | { kind: 'execute-and-time-out'; ms?: number }

/** When: the next so many, or a share that the seed draws; always, if neither is given. `route`: of HTTP, over `METHOD /path?query`. */
export interface FaultWhen {
  next?: number
  rate?: number
  route?: RegExp
}

export type PlannedFault = ProxyFault & FaultWhen

export interface ProxyFaults {
  /** The first added of those that fit strikes; a latency besides. */
  add(fault: PlannedFault): { hits(): number; remove(): void }
  clear(): void
  /** What strikes this request or connection; `label` is what `route` is tried on. */
  draw(label: string): { latencyMs: number; fault: Exclude<ProxyFault, { kind: 'latency' }> | null }
  /** How often each kind struck. */
  struck(): Partial<Record<ProxyFault['kind'], number>>
}

/** Decides which faults strike: for the same seed and the same sequence of requests, the same. */
export function createProxyFaults(seed: string | number): ProxyFaults {
  type Entry = { fault: PlannedFault; hits: number; random: ReturnType<typeof createRandom> }
  const struck: Partial<Record<ProxyFault['kind'], number>> = {}
  let entries: Entry[] = []
  let added = 0

  function isDue({ fault, hits, random }: Entry): boolean {
    if (fault.next !== undefined) return hits < fault.next
    return fault.rate === undefined || random.chance(fault.rate)
  }

  return {
    add(fault) {
      const entry: Entry = { fault, hits: 0, random: createRandom(seed, 'proxy', (added += 1)) }
      entries.push(entry)
      return {
        hits: () => entry.hits,
        remove: () => {
          entries = entries.filter((other) => other !== entry)
        },
      }
    },
    clear() {
      entries = []
    },
    draw(label) {
      const drawn: ReturnType<ProxyFaults['draw']> = { latencyMs: 0, fault: null }
      for (const entry of entries) {
        const { fault } = entry
        if (fault.route?.test(label) === false || (drawn.fault && fault.kind !== 'latency') || !isDue(entry)) continue
        entry.hits += 1
        struck[fault.kind] = (struck[fault.kind] ?? 0) + 1
        if (fault.kind === 'latency') drawn.latencyMs += fault.ms
        else drawn.fault = fault
      }
      return drawn
    },
    struck: () => ({ ...struck }),
  }
}

export interface ProxyOptions {
  /** What stands behind: `http://127.0.0.1:4000`, `redis://…`, `postgres://…`; host and port count. May be set later. */
  target?: string
  seed?: string | number
  /** 0, any free one, unless given. */
  port?: number
}

export interface ProxyCounts {
  connections: number
  /** HTTP alone. */
  requests: number
  /** HTTP: requests that the server answered whole, whatever came of the answer. */
  executed: number
  bytesUp: number
  bytesDown: number
  struck: Partial<Record<ProxyFault['kind'], number>>
}

export interface Proxy {
  /** The target's address with the proxy's own host and port. */
  readonly url: string
  readonly port: number
  target: string
  readonly faults: Pick<ProxyFaults, 'add' | 'clear'>
  counts(): ProxyCounts
  /** While down, nothing listens: clients are refused by the system, and open connections are reset. */
  setDown(isDown: boolean): Promise<void>
  close(): Promise<void>
}

/**
 * Resets a connection after the client had time to take what came before. Where both arrive at once, a client of libuv takes the part and
 * sees an orderly end: it is told of the hang-up before it would read the error. Two timers, so that one of this very process reads between.
 */
export function resetSoon(socket: Socket | null): void {
  setTimeout(() => setTimeout(() => socket?.resetAndDestroy(), 15), 15)
}

/** Where to connect to, for an address of any scheme. */
export function placeOf(target: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(target)
  const known: Record<string, number> = { 'http:': 80, 'redis:': 6379, 'postgres:': 5432, 'postgresql:': 5432 }
  const number = port === '' ? known[protocol] : Number(port)
  if (hostname === '' || number === undefined) throw new Error('The target of a proxy needs a host and a port')
  return { host: hostname.replace(/^\[|\]$/g, ''), port: number }
}

/** The same address, reached through the proxy. */
export function throughPort(target: string, port: number): string {
  const url = new URL(target === '' ? 'http://127.0.0.1' : target)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return url.href.replace(/\/$/, '')
}
