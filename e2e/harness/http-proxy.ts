import { createServer, request as ask, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
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

/** Of one hop alone: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const ofOneHop = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te']

/**
 * A proxy that knows requests and answers, so that faults strike one request each, also on connections that are kept. Bodies are
 * passed on as they come. Where `afterBytes` is not given, half of the answer's body comes (of one of unknown length, its first piece).
 */
export async function startHttpProxy(options: ProxyOptions = {}): Promise<Proxy> {
  const faults = createProxyFaults(options.seed ?? 1)
  const counts: Omit<ProxyCounts, 'struck'> = { connections: 0, requests: 0, executed: 0, bytesUp: 0, bytesDown: 0 }
  const sockets = new Set<Socket>()
  const outwards = new Set<ClientRequest>()
  let target = options.target ?? ''

  async function carry(request: IncomingMessage, response: ServerResponse): Promise<void> {
    counts.requests += 1
    const { fault, latencyMs } = faults.draw(`${request.method} ${request.url}`)
    if (fault?.kind === 'refuse') return void request.socket.resetAndDestroy()
    if (latencyMs > 0) await sleep(latencyMs)
    if (response.destroyed) return
    // A connection of its own: one that is kept may be closed by the server at the wrong moment, which would be a fault nobody asked for.
    const outward = ask({ ...placeOf(target), agent: false, method: request.method, path: request.url, headers: passed(request) })
    outwards.add(outward)
    outward.once('close', () => outwards.delete(outward))
    request.on('data', (chunk: Buffer) => (counts.bytesUp += chunk.length))
    request.pipe(outward)
    // The server's work is not undone by somebody who gives up waiting because of a fault.
    response.once('close', () => {
      if (!response.writableFinished && fault === null) outward.destroy()
    })
    outward.on('error', () => request.socket.resetAndDestroy())
    outward.once('response', (answer) => {
      answer.once('end', () => (counts.executed += 1))
      giveBack(answer, response, fault).catch(() => request.socket.resetAndDestroy())
    })
  }

  /** Passes the answer on as far as the fault allows, and hears the rest of it out in any case. One that asks to wait is passed on whole. */
  async function giveBack(answer: IncomingMessage, response: ServerResponse, drawn: Fault | null): Promise<void> {
    // Whoever does not hear that they are to wait cannot.
    let fault = answer.headers['retry-after'] === undefined ? drawn : null
    if (fault?.kind === 'stall' && fault.ms !== undefined && hasNoBody(answer, response)) {
      await sleep(fault.ms)
      fault = null
    }
    if (fault?.kind === 'execute-and-time-out' || (fault !== null && hasNoBody(answer, response))) {
      for await (const _ of answer);
      if (fault.kind === 'execute-and-time-out' && fault.ms === undefined) return
      if (fault.kind === 'execute-and-time-out') await sleep(fault.ms)
      return breakOff(response, fault)
    }
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, passed(answer))
    response.flushHeaders()
    let left = fault === null ? Infinity : shareOf(answer, fault)
    for await (const piece of answer as AsyncIterable<Buffer>) {
      if (response.destroyed || left === -1) continue
      left ??= piece.length
      const part = piece.subarray(0, left)
      const isLast = left <= piece.length
      left -= part.length
      await write(response, part)
      if (!isLast || fault === null) continue
      if (fault.kind === 'stall' && fault.ms !== undefined) {
        await sleep(fault.ms)
        await write(response, piece.subarray(part.length))
        left = Infinity
      } else {
        breakOff(response, fault)
        left = -1
      }
    }
    if (left === Infinity) response.end()
    // The body was shorter than what should have come of it.
    else if (fault !== null && left !== -1) breakOff(response, fault)
  }

  function write(response: ServerResponse, part: Buffer): Promise<void> {
    if (part.length === 0 || response.destroyed) return Promise.resolve()
    counts.bytesDown += part.length
    return new Promise((resolve) => {
      response.once('close', resolve)
      response.write(part, () => {
        response.off('close', resolve)
        resolve()
      })
    })
  }

  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (request, response) => void carry(request, response))
  server.on('connection', (socket) => {
    counts.connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
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
    async close() {
      for (const outward of outwards) outward.destroy()
      await place.close()
    },
  }
}

/** Headers that go on to the next hop; Host too, so that the server behind sees what was asked for. */
function passed({ rawHeaders }: IncomingMessage): string[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && !ofOneHop.includes(name.toLowerCase()) ? [name, rawHeaders[index + 1]!] : [],
  )
}

/** How much of the body comes before the fault; null: one piece. */
function shareOf(answer: IncomingMessage, fault: Fault): number | null {
  if ('afterBytes' in fault && fault.afterBytes !== undefined) return fault.afterBytes
  const length = Number(answer.headers['content-length'])
  return Number.isFinite(length) ? Math.floor(length / 2) : null
}

function hasNoBody({ headers, statusCode = 0 }: IncomingMessage, { req }: ServerResponse): boolean {
  return req.method === 'HEAD' || statusCode === 204 || statusCode === 304 || headers['content-length'] === '0'
}

/** Of a stall nothing more comes. */
function breakOff(response: ServerResponse, fault: Fault): void {
  if (fault.kind === 'short-body') response.socket?.end()
  else if (fault.kind !== 'stall') resetSoon(response.socket)
}
