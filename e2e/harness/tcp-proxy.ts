import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { listening } from './listening.ts'
import {
  createProxyFaults,
  placeOf,
  resetSoon,
  throughPort,
  type Proxy,
  type ProxyCounts,
  type ProxyFault,
  type ProxyOptions,
} from './proxy-faults.ts'

type Fault = Exclude<ProxyFault, { kind: 'latency' }>

export interface TcpProxy extends Proxy {
  /** Lets this happen to every open connection from now on; for clients that keep theirs (Redis, Postgres). Answers to how many. */
  strikeOpen(fault: Fault): number
}

/**
 * A proxy that knows nothing of what it carries. Faults are drawn once for each connection; `afterBytes` (0 unless given) count what
 * has come back since. *Execute and time out*: all goes to the server, nothing comes back.
 */
export async function startTcpProxy(options: ProxyOptions = {}): Promise<TcpProxy> {
  const faults = createProxyFaults(options.seed ?? 1)
  const counts: Omit<ProxyCounts, 'struck'> = { connections: 0, requests: 0, executed: 0, bytesUp: 0, bytesDown: 0 }
  const sockets = new Set<Socket>()
  const open = new Set<{ strike(fault: Fault): void }>()
  let target = options.target ?? ''

  async function carry(client: Socket): Promise<void> {
    counts.connections += 1
    sockets.add(client)
    client.on('error', () => undefined)
    client.once('close', () => sockets.delete(client))
    const drawn = faults.draw('')
    if (drawn.fault?.kind === 'refuse') return void client.resetAndDestroy()
    client.pause()
    if (drawn.latencyMs > 0) await sleep(drawn.latencyMs)
    if (client.destroyed) return

    const server = connect(placeOf(target))
    const answer = createAnswer(client, server)
    const entry = { strike: answer.strike }
    open.add(entry)
    server.on('error', () => client.resetAndDestroy())
    server.once('close', () => open.delete(entry))
    // Somebody who gives up waiting for an answer that never comes does not undo what the server was asked to do.
    client.once('close', () => (answer.isTimingOut() ? server.end() : server.destroy()))
    client.on('data', (chunk: Buffer) => {
      counts.bytesUp += chunk.length
      if (!server.write(chunk)) client.pause()
    })
    client.on('end', () => {
      // Nothing would come any more: whoever is silent now has gone.
      if (answer.isBroken()) client.destroy()
      else server.end()
    })
    server.on('drain', () => client.resume())
    server.on('data', (chunk: Buffer) => (counts.bytesDown += answer.give(chunk)))
    server.on('end', () => answer.end())
    client.on('drain', () => server.resume())
    if (drawn.fault) answer.strike(drawn.fault)
    client.resume()
  }

  const server = createServer({ allowHalfOpen: true }, (client) => void carry(client))
  const place = await listening(server, options.port ?? 0, sockets)
  return {
    port: place.port,
    get url() {
      return throughPort(target, place.port)
    },
    get target() {
      return target
    },
    set target(address: string) {
      target = address
    },
    faults,
    counts: () => ({ ...counts, struck: faults.struck() }),
    setDown: (isDown) => place.setDown(isDown),
    strikeOpen(fault) {
      for (const entry of open) entry.strike(fault)
      return open.size
    },
    close: () => place.close(),
  }
}

/** What comes back to the client, and the fault that befalls it. */
function createAnswer(client: Socket, server: Socket) {
  let fault: Fault | null = null
  let left = Infinity
  let isMute = false

  function befall(): void {
    isMute = true
    if (fault?.kind === 'reset') resetSoon(client)
    else if (fault?.kind === 'refuse') client.resetAndDestroy()
    else if (fault?.kind === 'short-body') client.end()
    else if (fault?.kind === 'execute-and-time-out' && fault.ms !== undefined) setTimeout(() => client.resetAndDestroy(), fault.ms)
    else if (fault?.kind === 'stall') {
      // What comes meanwhile waits in the server's socket.
      server.pause()
      if (fault.ms !== undefined) setTimeout(recover, fault.ms)
    }
  }
  function recover(): void {
    fault = null
    left = Infinity
    isMute = false
    server.resume()
  }

  return {
    strike(next: Fault): void {
      fault = next
      left = 'afterBytes' in next ? (next.afterBytes ?? 0) : 0
      if (left === 0) befall()
    },
    /** Answers how many bytes were passed on. */
    give(chunk: Buffer): number {
      if (isMute || client.destroyed) return 0
      const part = chunk.subarray(0, left)
      const isLast = left <= chunk.length
      left -= part.length
      if (!isLast) {
        if (!client.write(part)) server.pause()
        return part.length
      }
      isMute = true
      if (fault?.kind === 'stall') {
        server.pause()
        server.unshift(chunk.subarray(part.length))
      }
      // What the network has not taken yet would be lost in a reset.
      client.write(part, befall)
      return part.length
    },
    isTimingOut: () => fault?.kind === 'execute-and-time-out',
    isBroken: () => isMute && fault?.kind !== 'execute-and-time-out',
    end(): void {
      if (!isMute) client.end()
      else if (client.readableEnded) client.destroy()
    },
  }
}
