import type { Readable } from 'node:stream'
import { AshevilleError, errorKinds, type ErrorKind, type RouteContract, type ServiceName } from '@asheville/core'
import { Agent, type Dispatcher } from 'undici'
import { z } from 'zod'

type Part<Name extends string, Schema> = Schema extends z.ZodType ? Record<Name, z.input<Schema>> : unknown

/** What a call is given: the route's params, query and body, for whom, and how long it may take. */
export type CallInput<R extends RouteContract> = Part<'params', R['params']> &
  Part<'query', R['query']> &
  (R['body'] extends 'stream' ? { body: Readable; contentLength?: number } : Part<'body', R['body']>) &
  CallContext<R>

type CallContext<R extends RouteContract> = (R['policy'] extends { user: true } | { who: 'app' }
  ? { userId: string }
  : { userId?: never }) & {
  signal?: AbortSignal
  requestId?: string
  headers?: Record<string, string>
} & (R extends { idempotent: true }
    ? {
        /** Of the caller's choice, for one request: sent again with it, the request has one effect and the first answer comes again. */
        idempotencyKey?: string
      }
    : unknown) &
  (R extends { ifMatch: true }
    ? {
        /** As `etagOf` told: `conflict` when it was changed since. */
        ifMatch?: string
      }
    : unknown)

export type CallReply<R extends RouteContract> = R['reply'] extends z.ZodType
  ? z.output<R['reply']>
  : R['reply'] extends 'none'
    ? null
    : Response

export type Client<Routes extends Record<string, RouteContract>> = {
  [K in keyof Routes]: (input: CallInput<Routes[K]>) => Promise<CallReply<Routes[K]>>
}

export interface ClientOptions {
  /** Which service is called: the audience of the token. */
  service: ServiceName
  baseUrl: string
  /** A service token for that audience, and that person where the route is for one. */
  sign(audience: ServiceName, userId: string | null): Promise<string>
  /** Milliseconds until an answer must be there; 10 s unless said otherwise. Streams have none beyond the caller's signal. */
  timeoutMs?: number
  /** Stops every call, besides the call's own. */
  signal?: AbortSignal
  /** Of every call that names none. */
  requestId?: string
}

const problemSchema = z.object({
  kind: z.enum(errorKinds),
  detail: z.string().optional(),
  faults: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
  retryAfterMs: z.number().optional(),
  scope: z.enum(['connection', 'server', 'app']).optional(),
})

/**
 * A typed caller of one of our services: one function per route. It throws the `AshevilleError` that the service answered;
 * a service that cannot be reached in time is `unavailable`. Nothing is repeated here.
 */
export function createClient<Routes extends Record<string, RouteContract>>(routes: Routes, options: ClientOptions): Client<Routes> {
  const calls = Object.entries(routes).map(([name, contract]) => [name, (input: LooseInput) => call(contract, input, options)] as const)
  return Object.fromEntries(calls) as unknown as Client<Routes>
}

interface LooseInput {
  params?: Record<string, string | string[]>
  query?: Record<string, unknown>
  body?: unknown
  contentLength?: number
  userId?: string
  signal?: AbortSignal
  requestId?: string
  headers?: Record<string, string>
  idempotencyKey?: string
  ifMatch?: string
}

const etags = new WeakMap<object, string>()

/** The ETag that a reply came with; null where it had none. */
export function etagOf(reply: object): string | null {
  return etags.get(reply) ?? null
}

/** Bounds nothing by itself: each call has its own deadline. */
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 })

async function call(contract: RouteContract, input: LooseInput, options: ClientOptions): Promise<unknown> {
  const signals = [input.signal, options.signal].filter((signal) => signal !== undefined)
  try {
    const url = address(contract.path, input, options.baseUrl)
    const headers = await headersOf(input, options)
    const isStreaming = contract.body === 'stream' || contract.reply === 'stream' || contract.reply === 'events'
    if (isStreaming) return await stream(contract, input, { url, headers, signal: AbortSignal.any(signals), options })
    return await within(options.timeoutMs ?? 10_000, signals, (signal) => ask(contract, input, { url, headers, signal, options }))
  } catch (error) {
    if (error instanceof AshevilleError) throw error
    if (signals.some(({ aborted }) => aborted)) throw new AshevilleError('cancelled', 'Cancelled', { cause: error })
    if (error instanceof z.ZodError)
      throw new AshevilleError('unexpected', `${options.service} answered ${contract.path} in an unknown shape`, { cause: error })
    throw new AshevilleError('unavailable', `The ${options.service} service does not answer`, { cause: error })
  }
}

interface Sending {
  url: URL
  headers: Record<string, string>
  signal: AbortSignal
  options: ClientOptions
}

async function headersOf(input: LooseInput, { service, sign, requestId }: ClientOptions): Promise<Record<string, string>> {
  const headers: Record<string, string> = { ...input.headers, authorization: `Bearer ${await sign(service, input.userId ?? null)}` }
  const id = input.requestId ?? requestId
  if (id) headers['x-request-id'] = id
  if (input.idempotencyKey !== undefined) headers['idempotency-key'] = input.idempotencyKey
  if (input.ifMatch !== undefined) headers['if-match'] = input.ifMatch
  return headers
}

/** JSON for JSON, without `fetch`, whose streams and signals cost several times what the call does. */
async function ask(contract: RouteContract, input: LooseInput, { url, headers, signal, options }: Sending): Promise<unknown> {
  const request: Dispatcher.RequestOptions = {
    origin: url.origin,
    path: url.pathname + url.search,
    method: contract.method,
    headers,
    signal,
  }
  if (contract.body !== undefined) {
    headers['content-type'] = 'application/json'
    request.body = JSON.stringify(input.body)
  }
  const { statusCode: status, headers: answered, body } = await agent.request(request)
  const text = await body.text()
  if (status < 200 || status > 299) throw problemOf(status, text, options.service)
  return replyOf(contract, text, typeof answered.etag === 'string' ? answered.etag : null)
}

async function stream(contract: RouteContract, input: LooseInput, { url, headers, signal, options }: Sending): Promise<unknown> {
  const init: RequestInit & { duplex?: 'half' } = { method: contract.method, headers, redirect: 'error', signal }
  if (contract.body === 'stream') {
    headers['content-type'] = 'application/octet-stream'
    if (input.contentLength !== undefined) headers['content-length'] = String(input.contentLength)
    init.body = input.body as RequestInit['body']
    init.duplex = 'half'
  } else if (contract.body !== undefined) {
    headers['content-type'] = 'application/json'
    init.body = JSON.stringify(input.body)
  }
  const response = await fetch(url, init)
  if (!response.ok && response.status !== 304) throw problemOf(response.status, await response.text(), options.service)
  if (contract.reply === 'stream' || contract.reply === 'events') return response
  return replyOf(contract, await response.text(), response.headers.get('etag'))
}

function replyOf({ reply: schema }: RouteContract, text: string, etag: string | null): unknown {
  if (typeof schema === 'string') return null
  const reply = schema.parse(JSON.parse(text))
  if (etag !== null && typeof reply === 'object' && reply !== null) etags.set(reply, etag)
  return reply
}

/** Runs it with a signal that aborts with the first of these, or when the time is over: what is cheaper than `AbortSignal.any` and `timeout`. */
async function within<T>(ms: number, signals: readonly AbortSignal[], work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const abort = () => stop.abort()
  const timer = setTimeout(abort, ms)
  for (const signal of signals) {
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
  }
  try {
    return await work(stop.signal)
  } finally {
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', abort)
  }
}

function address(path: string, input: LooseInput, baseUrl: string): URL {
  const filled = path.replace(/[:*](\w+)/g, (_, name: string) => {
    const value = input.params?.[name] ?? ''
    return (Array.isArray(value) ? value : [value]).map(segment).join('/')
  })
  const url = new URL(filled, baseUrl)
  for (const [name, value] of Object.entries(input.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value))
  return url
}

/** One step of a path. Addresses are tidied up before they are sent: `..` would be another route of that service, an empty step the one above. */
function segment(value: string): string {
  if (value === '' || value === '.' || value === '..') throw new AshevilleError('not-found', 'There is nothing of this name')
  return encodeURIComponent(value)
}

function problemOf(status: number, text: string, service: ServiceName): AshevilleError {
  const problem = problemSchema.safeParse(parsed(text))
  if (!problem.success) return new AshevilleError(kindOfStatus(status), `The ${service} service answered ${status}`)
  const { kind, detail, faults, retryAfterMs, scope } = problem.data
  return new AshevilleError(kind, detail ?? 'Something went wrong', { faults, retryAfterMs, scope })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function kindOfStatus(status: number): ErrorKind {
  return status === 503 || status === 502 || status === 504 ? 'unavailable' : 'unexpected'
}
