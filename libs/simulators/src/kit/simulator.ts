import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addControl } from './control.ts'
import { createCounters } from './counters.ts'
import type { Counters } from './counters.ts'
import { createFaults } from './faults.ts'
import type { FaultKind, Faults } from './faults.ts'
import { sha256 } from './random.ts'
import { createRequestLog, loggedPath } from './request-log.ts'
import type { RequestLog } from './request-log.ts'
import { createRouter } from './router.ts'
import type { Answer, Call, Handler } from './router.ts'
import { encode, sendAnswer, silence } from './send.ts'

/**
 * What every simulator takes. `port` 0 picks a free one; `latencyMs` is how long every answer takes at least; `now` is the vendor's clock; `publicUrl` is
 * what it says its own address is, where something stands in front of it.
 */
export type SimulatorOptions = {
  host?: string
  port?: number
  seed?: string | number
  latencyMs?: number
  now?: () => number
  publicUrl?: string
}
/** What only the vendor knows: the shapes of its errors, whose token it is, what there is to see. */
export type Vendor = {
  name: string
  rateLimited(retryAfterSeconds: number): Answer
  serverError(status: number): Answer
  unauthorized(): Answer
  notFound(call: Call): Answer
  htmlPage?(status: number): Answer
  /** A name for the caller that is not the token; null: unknown token. */
  labelOf?(token: string): string | null
  revoke?(token: string): void
  /** Whether the handler of this `METHOD pattern` reads the body itself (`Call.incoming`), however long it is. */
  takesStream?(routeKey: string): boolean
  /** Runs before the routes' handlers, faults aside: rate limits. An answer ends the request; headers are added to any answer. */
  before?(call: Call, routeKey: string): { answer?: Answer; headers?: Record<string, string> }
  /** What a person should see now, as plain JSON; may be a promise of it. */
  truth(): unknown
  /** Functions that a test in another process may call with JSON arguments. */
  script?: Record<string, (...args: never[]) => unknown>
}
export interface Simulator {
  /** Its address, without a slash at the end. */
  readonly url: string
  /** Where it listens: the same, unless something stands in front of it. */
  readonly localUrl: string
  readonly counters: Counters
  readonly faults: Faults
  readonly log: RequestLog
  latencyMs: number
  truth(): unknown
  close(): Promise<void>
}
type Routes = (add: (method: string, pattern: string, handler: Handler) => void) => void

const maxBodyBytes = 64 * 1024 * 1024

/** Starts a server that speaks one vendor's protocol, on 127.0.0.1 and a free port unless told otherwise. */
export async function createSimulator(vendor: Vendor, routes: Routes, options: SimulatorOptions = {}): Promise<Simulator> {
  const host = options.host ?? '127.0.0.1'
  const parts = { faults: createFaults(options.seed ?? 1), counters: createCounters(), log: createRequestLog() }
  const router = createRouter()
  const closing = new AbortController()
  const state = { latencyMs: options.latencyMs ?? 0, origin: '' }
  routes(router.add)
  const control = createRouter()
  addControl(control.add, vendor, parts, state)

  const server = createServer((request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const signal = AbortSignal.any([gone.signal, closing.signal])
    const url = new URL(request.url ?? '/', 'http://simulator.invalid')
    const serve = url.pathname.startsWith('/__sim/') ? serveControl : serveVendor
    serve(request, response, url, signal).catch((error: unknown) => {
      if (signal.aborted || response.destroyed) return
      if (response.headersSent) response.destroy()
      else
        void sendAnswer(response, { status: 500, text: `simulator fault: ${String(error)}` }, null, signal).catch(() => response.destroy())
    })
  })

  async function serveControl(request: IncomingMessage, response: ServerResponse, url: URL, signal: AbortSignal) {
    const call = await readCall(request, url, state.origin, signal)
    const found = control.find(call.method, call.path)
    const answer = found
      ? await found.route.handler({ ...call, params: found.params })
      : { status: 404, json: { error: 'no such control' } }
    await sendAnswer(response, answer, null, signal)
  }

  async function serveVendor(request: IncomingMessage, response: ServerResponse, url: URL, signal: AbortSignal) {
    const startedAt = Date.now()
    const started = performance.now()
    const method = request.method ?? 'GET'
    const found = router.find(method, url.pathname)
    const routeKey = found ? `${method === 'HEAD' ? 'GET' : method} ${found.route.pattern}` : `${method} (no route)`
    const token = bearerOf(request)
    const caller = token === null ? 'anonymous' : (vendor.labelOf?.(token) ?? `token-${sha256(token).slice(0, 8)}`)
    const strike = parts.faults.strike(routeKey, `${method} ${url.pathname}`)
    const fault = strike.fault
    parts.counters.started(routeKey, caller)
    if (strike.latencyMs > 0) parts.counters.fault('latency')
    if (fault) parts.counters.fault(fault.kind)
    let answer: Answer | null = null
    let bytes = 0
    const end = () => {
      const status = response.headersSent ? response.statusCode : null
      parts.counters.finished(caller, { status, bytes, abandoned: !response.writableEnded && !fault, quietForMs: quietOf(answer) })
      const entry = { at: new Date(startedAt).toISOString(), method, path: loggedPath(url), route: routeKey, caller, status }
      parts.log.add({ ...entry, fault: fault?.kind ?? null, ms: Date.now() - startedAt })
    }
    response.once('close', end)

    const takesStream = vendor.takesStream?.(routeKey) ?? false
    const call = { ...(await readCall(request, url, state.origin, signal, takesStream)), params: found?.params ?? {}, token }
    if (fault?.kind === 'stall' && fault.in !== 'body') await silence(signal, fault.ms ?? null)
    if (signal.aborted) return
    if (fault?.kind === 'token-revoked' && token !== null) vendor.revoke?.(token)
    answer = encode(instead(vendor, fault) ?? (await handle(vendor, found?.route.handler ?? null, call, routeKey)))
    if (takesStream) await drain(request, signal)
    // What we compute is part of the latency, as it is of any server's.
    const waitMs = started + state.latencyMs + strike.latencyMs - performance.now()
    if (waitMs > 0) await silence(signal, waitMs)
    if (signal.aborted) return
    if (fault?.kind === 'reply-lost') return void response.socket?.destroy()
    bytes = await sendAnswer(response, answer, fault, signal)
  }

  server.keepAliveTimeout = 60_000
  server.listen(options.port ?? 0, host)
  await once(server, 'listening')
  const port = (server.address() as AddressInfo).port
  const local = `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`
  state.origin = options.publicUrl ?? local
  return {
    ...parts,
    url: state.origin,
    localUrl: local,
    get latencyMs() {
      return state.latencyMs
    },
    set latencyMs(ms: number) {
      state.latencyMs = ms
    },
    truth: () => vendor.truth(),
    close: () =>
      new Promise((resolve) => {
        closing.abort()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function handle(vendor: Vendor, handler: Handler | null, call: Call, routeKey: string): Promise<Answer> {
  const first = vendor.before?.(call, routeKey) ?? {}
  const answer = first.answer ?? (handler ? await handler(call) : vendor.notFound(call))
  return first.headers ? { ...answer, headers: { ...first.headers, ...answer.headers } } : answer
}

/** The answer of a fault that replaces the handler's, or null. */
function instead(vendor: Vendor, fault: FaultKind | null): Answer | null {
  if (fault?.kind === 'rate-limited') return withRetryAfter(vendor.rateLimited(fault.retryAfterSeconds), fault.retryAfterSeconds)
  if (fault?.kind === 'server-error') return withRetryAfter(vendor.serverError(fault.status ?? 503), fault.retryAfterSeconds)
  if (fault?.kind === 'unauthorized') return vendor.unauthorized()
  if (fault?.kind !== 'html') return null
  const status = fault.status ?? 200
  return (
    vendor.htmlPage?.(status) ?? {
      status,
      html: '<!doctype html><html><head><title>Welcome</title></head><body><h1>Welcome</h1></body></html>',
    }
  )
}

function withRetryAfter(answer: Answer, seconds: number | undefined): Answer {
  return seconds === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': String(seconds) } }
}

function quietOf(answer: Answer | null): number | null {
  if (answer?.quietForMs !== undefined) return answer.quietForMs
  const seconds = Number(answer?.headers?.['retry-after'])
  return Number.isFinite(seconds) ? seconds * 1000 : null
}

function bearerOf(request: IncomingMessage): string | null {
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null
}

/** Reads what is left of a body, so that an answer given early does not break the connection. */
async function drain(request: IncomingMessage, signal: AbortSignal): Promise<void> {
  if (request.readableEnded || request.destroyed) return
  const ended = once(request, 'end', { signal })
  request.resume()
  await ended
}

async function readCall(request: IncomingMessage, url: URL, origin: string, signal: AbortSignal, isStream = false): Promise<Call> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of isStream ? [] : request) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length > maxBodyBytes) throw new Error('request body over 64 MiB')
  }
  const { method = 'GET', headers } = request
  return {
    method,
    path: url.pathname,
    params: {},
    query: url.searchParams,
    headers,
    body: Buffer.concat(chunks),
    ...(isStream && { incoming: request as AsyncIterable<Buffer> }),
    token: null,
    origin,
    signal,
  }
}
