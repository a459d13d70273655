import type { Readable } from 'node:stream'
import { AshevilleError, errorKinds, type ErrorKind, type RouteContract, type ServiceName } from '@asheville/core'
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
  fetch?: typeof fetch
  /** Milliseconds until an answer's head must be there; 10 s unless said otherwise. Streams have none beyond the caller's signal. */
  timeoutMs?: number
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

async function call(contract: RouteContract, input: LooseInput, options: ClientOptions): Promise<unknown> {
  const { timeoutMs = 10_000 } = options
  const isStreaming = contract.body === 'stream' || contract.reply === 'stream' || contract.reply === 'events'
  const deadline = isStreaming ? undefined : AbortSignal.timeout(timeoutMs)
  const signals = [input.signal, deadline].filter((signal) => signal !== undefined)

  const headers = new Headers(input.headers)
  headers.set('authorization', `Bearer ${await options.sign(options.service, input.userId ?? null)}`)
  if (input.requestId) headers.set('x-request-id', input.requestId)
  if (input.idempotencyKey !== undefined) headers.set('idempotency-key', input.idempotencyKey)
  if (input.ifMatch !== undefined) headers.set('if-match', input.ifMatch)
  const init: RequestInit & { duplex?: 'half' } = { method: contract.method, headers, redirect: 'error', signal: AbortSignal.any(signals) }
  if (contract.body === 'stream') {
    headers.set('content-type', 'application/octet-stream')
    if (input.contentLength !== undefined) headers.set('content-length', String(input.contentLength))
    init.body = input.body as RequestInit['body']
    init.duplex = 'half'
  } else if (contract.body !== undefined) {
    headers.set('content-type', 'application/json')
    init.body = JSON.stringify(input.body)
  }

  let response: Response
  try {
    response = await (options.fetch ?? fetch)(address(contract.path, input, options.baseUrl), init)
    if (!response.ok && response.status !== 304) throw await problemOf(response, options.service)
    if (contract.reply === 'stream' || contract.reply === 'events') return response
    if (contract.reply === 'none') {
      await response.body?.cancel()
      return null
    }
    const reply = contract.reply.parse(await response.json())
    const etag = response.headers.get('etag')
    if (etag !== null && typeof reply === 'object' && reply !== null) etags.set(reply, etag)
    return reply
  } catch (error) {
    if (error instanceof AshevilleError) throw error
    if (input.signal?.aborted) throw new AshevilleError('cancelled', 'Cancelled', { cause: error })
    if (error instanceof z.ZodError)
      throw new AshevilleError('unexpected', `${options.service} answered ${contract.path} in an unknown shape`, { cause: error })
    throw new AshevilleError('unavailable', `The ${options.service} service does not answer`, { cause: error })
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

async function problemOf(response: Response, service: ServiceName): Promise<AshevilleError> {
  const problem = problemSchema.safeParse(await response.json().catch(() => null))
  if (!problem.success) return new AshevilleError(kindOfStatus(response.status), `The ${service} service answered ${response.status}`)
  const { kind, detail, faults, retryAfterMs, scope } = problem.data
  return new AshevilleError(kind, detail ?? 'Something went wrong', { faults, retryAfterMs, scope })
}

function kindOfStatus(status: number): ErrorKind {
  return status === 503 || status === 502 || status === 504 ? 'unavailable' : 'unexpected'
}
