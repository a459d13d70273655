import { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { AshevilleError, type Http } from '@asheville/core'
import { Agent, fetch as undiciFetch, type buildConnector } from 'undici'
import { createAllowList } from './addresses.ts'
import { createGuardedFetch } from './guarded-fetch.ts'
import { createGuard, lookupAll, type Lookup, type Target } from './guard.ts'

export interface HttpOptions {
  /** Entries of `OUTBOUND_ALLOW`: `host:port`, or address ranges, that may be reached although they are private or at odd ports. */
  allow: readonly string[]
  /** Until an answer's head must be there; 15 s. The body may pause for 30 s; the whole is bounded by the caller's signal. */
  timeoutMs?: number
  /** Largest body of any answer, as sent; unbounded unless given (media). JSON is bounded by `fetchJson`. */
  maxBytes?: number
  /** Until a connection must be there; 5 s. */
  connectMs?: number
  bodyIdleMs?: number
  userAgent?: string
  lookup?: Lookup
}

/**
 * The one way out to addresses that people or other servers name. It reaches public addresses at ports 80 and 443, and what
 * the operator allows; no proxy of the environment is used. Errors are `AshevilleError`s without queries or headers in
 * them: `invalid` where the address is refused, `unavailable` where nobody answers; an abort throws the signal's reason.
 */
export function createHttp(options: HttpOptions): Http & { close(): Promise<void> } {
  const { timeoutMs = 15_000, connectMs = 5000, bodyIdleMs = 30_000, lookup = lookupAll, userAgent = 'Asheville/0.1' } = options
  const allow = createAllowList(options.allow)
  const open = createGuard({ allow, lookup, connectMs })
  const common = {
    connect: createConnector(open),
    bodyTimeout: bodyIdleMs,
    maxResponseSize: options.maxBytes ?? -1,
    maxHeaderSize: 32 * 1024,
    allowH2: false,
  }
  const prompt = new Agent({ ...common, headersTimeout: timeoutMs, connections: 32 })
  // Each wait has a connection of its own: none may hold up another.
  const patient = new Agent({ ...common, headersTimeout: 0 })
  const agent = createAgent(open)
  const fetchBy = (dispatcher: Agent) =>
    createGuardedFetch({ allow, userAgent, fetch: (url, init) => undiciFetch(url, { ...init, dispatcher }) })

  return {
    fetch: fetchBy(prompt),
    longPoll: fetchBy(patient),
    agent,
    close: async () => {
      agent.destroy()
      await Promise.all([prompt.destroy(), patient.destroy()])
    },
  }
}

type Open = (target: Target) => ReturnType<ReturnType<typeof createGuard>>

function createConnector(open: Open): buildConnector.connector {
  return ({ hostname, port, protocol, servername }, callback) => {
    const isTls = protocol === 'https:'
    const tls = isTls ? { servername, ALPNProtocols: ['http/1.1'] } : null
    open({ hostname, port: Number(port) || (isTls ? 443 : 80), tls }).then(
      (socket) => {
        let isSettled = false
        // It stays on: until undici listens itself, an error would have nobody to go to.
        socket.on('error', (error) => {
          if (!isSettled) callback(error, null)
          isSettled = true
        })
        socket.once(isTls ? 'secureConnect' : 'connect', () => {
          isSettled = true
          callback(null, socket)
        })
      },
      (error: Error) => callback(error, null),
    )
  }
}

/** For SDKs that insist on Node's own client. `https:` only, as Node demands of such an agent. */
function createAgent(open: Open): HttpsAgent {
  const agent = new HttpsAgent({ keepAlive: true, maxSockets: 32, timeout: 60_000 })
  agent.createConnection = ((options: Record<string, unknown>, callback: (error: Error | null, socket?: Duplex) => void) => {
    if (options['socketPath'] !== undefined && options['socketPath'] !== null) {
      callback(new AshevilleError('invalid', 'Sockets of this machine are not reached'))
      return undefined
    }
    const target = {
      hostname: String(options['host'] ?? options['hostname'] ?? ''),
      port: Number(options['port'] ?? 443),
      tls: tlsOptions(options),
    }
    open(target).then((socket) => {
      socket.on('timeout', () => socket.destroy(new AshevilleError('unavailable', `${target.hostname} does not answer in time`)))
      callback(null, socket)
    }, callback)
    return undefined
  }) as typeof agent.createConnection
  return agent
}

/** Only what concerns TLS: nothing that could name another place or way to look one up. */
function tlsOptions({ servername, ca, cert, key, rejectUnauthorized }: Record<string, unknown>): Target['tls'] {
  return { servername, ca, cert, key, rejectUnauthorized: rejectUnauthorized !== false, ALPNProtocols: ['http/1.1'] } as Target['tls']
}
