import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AshevilleError, typesOf, type Policy, type RouteContract, type ServiceName } from '@asheville/core'
import type { Request } from 'express'
import type { Binding, Call, StreamReply, Visit } from './binding.ts'
import type { App, Apps } from './apps.ts'
import type { Browser, Person } from './browser.ts'
import type { Context } from './context.ts'
import { createMatch, etagOf, isKnown } from './etag.ts'
import { answerOnce, idempotencyKeyOf, keyedRequest, type Claim, type Idempotency } from './idempotency.ts'
import { defaultMaxBytes, readForm, readJson, streamBody } from './read-body.ts'
import type { Caller, Verify } from './service-tokens.ts'
import { parseBody, parseParams, parseQuery, refuseNul } from './validate.ts'
import { noteWritten, writtenBefore, type Written } from './written-replies.ts'

export interface ServeOptions {
  verify: Verify | undefined
  browser: Browser | undefined
  apps: Apps | undefined
  idempotency: Idempotency | undefined
  asCaller: AsCaller
  /** Until a JSON answer or a page must be there. Streams have none. */
  deadlineMs: number
  /** How long a streamed body may stand still. */
  bodyIdleMs: number
}

/** Runs the work of an API route in the name of the person whom it is for; null: in that of the service itself. */
export type AsCaller = <T>(userId: string | null, work: () => Promise<T>) => Promise<T>

interface Admitted {
  from: ServiceName | null
  userId: string | null
  person: Person | null
  app: App | null
}

const nobody: Admitted = { from: null, userId: null, person: null, app: null }

/** Answers one matched request: who calls is checked first, then what was sent, then the handler runs, then its reply is checked. */
export async function serveBinding(binding: Binding, context: Context, options: ServeOptions): Promise<void> {
  if (binding.kind === 'page') return within(context, options.deadlineMs, () => servePage(binding, context, options))
  if (binding.kind === 'forward') return sendStream('stream', await binding.handle(context), context)
  const { contract } = binding
  const streams = contract.body === 'stream' || contract.reply === 'stream' || contract.reply === 'events'
  if (streams) return serveApi(binding, context, options)
  return within(context, options.deadlineMs, () => serveApi(binding, context, options))
}

async function servePage(binding: Extract<Binding, { kind: 'page' }>, context: Context, options: ServeOptions): Promise<void> {
  refuseNul(context.request.params, '/params')
  refuseNul(context.request.query, '/query')
  const visit = visitOf(binding.policy, context, await readForm(context.request, context.signal))
  const admitted = await admit(visit, options)
  if (!admitted) return
  addToLog(context, admitted)
  await binding.handle({ ...visit, log: context.log, person: admitted.person })
}

async function serveApi(binding: Extract<Binding, { kind: 'api' }>, context: Context, options: ServeOptions): Promise<void> {
  const { contract } = binding
  const admitted = await admit(visitOf(contract.policy, context, null), options)
  if (!admitted) return
  addToLog(context, admitted)
  await options.asCaller(admitted.userId, () => answerApi(binding, context, options, admitted))
}

async function answerApi(
  binding: Extract<Binding, { kind: 'api' }>,
  context: Context,
  options: ServeOptions,
  admitted: Admitted,
): Promise<void> {
  const { contract } = binding
  const { request, response } = context
  const params = parseParams(contract, request.params)
  const query = parseQuery(contract, request.query)
  const body = await bodyOf(contract, context, options)
  const { requestId, signal, log } = context
  const { from: caller, userId, person, app } = admitted
  const handle = async (claim: Claim | null): Promise<unknown> => {
    const match = createMatch(request)
    const { check: checkMatch } = match
    const call = { request, response, requestId, signal, log, params, query, body, caller, userId, person, app, checkMatch, claim }
    const reply = await binding.handle(call as unknown as Call<RouteContract>)
    if (contract.ifMatch && match.isForgotten()) throw new Error('If-Match was not heeded')
    return reply
  }
  const key = contract.idempotent ? idempotencyKeyOf(request) : null
  if (key === null) return sendReply(contract, await handle(null), context)
  if (!options.idempotency) throw new Error('There is no place to keep idempotency keys')
  const keyed = keyedRequest(contract, key, { caller: app?.id ?? caller, userId }, [params, query, body])
  const answer = await answerOnce(options.idempotency, keyed, requestId, async (claim) => {
    const { text } = writtenNow(contract, await handle(claim), context)
    return { status: response.statusCode, body: text }
  })
  if (answer.isReplay) response.set('idempotent-replayed', 'true')
  response
    .status(answer.status)
    .type(answer.status < 400 ? 'json' : 'application/problem+json')
    .send(answer.body)
}

function addToLog(context: Context, { from, userId, app }: Admitted): void {
  if (from || userId) context.addToLog({ ...(from && { from }), ...(app && { appId: app.id }), ...(userId && { userId }) })
}

function bodyOf(contract: RouteContract, context: Context, options: ServeOptions): unknown {
  const { request, signal } = context
  if (contract.body === undefined) return undefined
  if (contract.body === 'stream') return streamBody(request, contract.maxBytes ?? 0, options.bodyIdleMs, signal)
  const schema = contract.body
  return readJson(request, contract.maxBytes ?? defaultMaxBytes, signal).then((value) => parseBody(schema, value))
}

/** Null: the guard has answered. */
async function admit(visit: Visit, options: ServeOptions): Promise<Admitted | null> {
  const { policy } = visit
  if (policy.who === 'anyone') return nobody
  if (policy.who === 'service') {
    const { from, userId } = await verified(serviceTokenOf(visit.request), policy.from, options)
    if (policy.user && userId === null) throw new AshevilleError('forbidden', 'The token names no person')
    return { ...nobody, from, userId: policy.user ? userId : null }
  }
  if (policy.who === 'app') return admitApp(visit, policy, options)
  if (!options.browser) throw new Error('There is no guard of browsers')
  const person = await options.browser.guard(visit)
  if (visit.response.headersSent) return null
  if (!person && policy.who === 'person') throw new AshevilleError('unauthenticated', 'Sign in first')
  return { ...nobody, userId: person?.userId ?? null, person }
}

async function admitApp(visit: Visit, policy: Extract<Policy, { who: 'app' }>, options: ServeOptions): Promise<Admitted> {
  const serviceToken = findServiceToken(visit.request)
  if (serviceToken !== null) {
    const { from, userId } = await verified(serviceToken, policy.from, options)
    if (userId === null) throw new AshevilleError('forbidden', 'The token names no person')
    return { ...nobody, from, userId }
  }
  if (!options.apps) throw new Error('There is nobody who knows programs')
  const app = await options.apps.admit(visit)
  if (typesOf(app.scopes, policy.may).length === 0) throw new AshevilleError('forbidden', `This token may ${policy.may} nothing`)
  return { ...nobody, userId: app.userId, app }
}

async function verified(token: string, allowed: readonly ServiceName[], { verify }: ServeOptions): Promise<Caller> {
  if (!verify) throw new Error('There is no verifier of service tokens')
  const caller = await verify(token)
  if (!allowed.includes(caller.from)) throw new AshevilleError('forbidden', `The ${caller.from} service may not do this`)
  return caller
}

function serviceTokenOf(request: Request): string {
  const token = findServiceToken(request)
  if (token === null) throw new AshevilleError('unauthenticated', 'A service token is needed')
  return token
}

/** What has the form of one: a JWT has three parts, no other token of ours has. */
function findServiceToken({ headers }: Request): string | null {
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(headers.authorization ?? '')?.[1] ?? null
}

function visitOf(policy: Policy, context: Context, form: Visit['form']): Visit {
  const { request, response, requestId, signal, log } = context
  return { request, response, requestId, signal, log, policy, form, params: texts(request.params, '/'), query: texts(request.query, null) }
}

/** One text per name: repeated values are joined, or the last one counts. */
function texts(values: object, separator: string | null): Record<string, string> {
  const entries = Object.entries(values).map(([name, value]): [string, string] => {
    const parts: unknown[] = Array.isArray(value) ? value : [value]
    return [name, separator === null ? String(parts.at(-1) ?? '') : parts.join(separator)]
  })
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

async function sendReply(contract: RouteContract, reply: unknown, context: Context): Promise<void> {
  const { request, response } = context
  if (contract.reply === 'none') {
    if (!response.headersSent) response.status(204).end()
    return
  }
  if (contract.reply === 'stream' || contract.reply === 'events') return sendStream(contract.reply, reply, context)
  const { text, etag } = writtenBefore(reply) ?? noteWritten(reply, writtenNow(contract, reply, context))
  const next = contract.paged ? (reply as { next?: unknown }).next : null
  if (typeof next === 'string') response.set('link', `<${nextPage(request, next)}>; rel="next"`)
  if (etag !== null) {
    response.set('etag', etag).set('cache-control', 'private, no-cache')
    if (isKnown(request, etag)) return void response.status(304).end()
  }
  // Express' own `send` would read the type that it has just written, and turn long texts into bytes each time.
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.setHeader('content-length', Buffer.byteLength(text))
  response.end(text)
}

/** A reference relative to the address that was asked for (RFC 8288), as what is in front of us may have another name for us. */
function nextPage({ originalUrl }: Request, cursor: string): string {
  const [path = '', query = ''] = originalUrl.split('?')
  const values = new URLSearchParams(query)
  values.set('cursor', cursor)
  return `${path}?${values.toString()}`
}

/** The reply as it is sent; throws `unexpected` for one outside its contract. */
function writtenNow({ reply: schema, etag: hasEtag }: RouteContract, reply: unknown, { log }: Context): Written & { text: string } {
  if (typeof schema === 'string') throw new Error('Bytes are not written as JSON')
  const checked = schema.safeParse(reply)
  if (!checked.success) {
    log.error(
      { faults: checked.error.issues.slice(0, 5).map(({ code, path }) => ({ code, path: path.join('.') })) },
      'reply outside its contract',
    )
    throw new AshevilleError('unexpected', 'The reply is outside its contract')
  }
  const text = JSON.stringify(reply)
  return { text, etag: hasEtag ? etagOf(text) : null }
}

async function sendStream(kind: 'stream' | 'events', reply: unknown, { response, signal }: Context): Promise<void> {
  if (!isStreamReply(reply)) {
    if (!response.headersSent) throw new AshevilleError('unexpected', 'The handler answered nothing')
    return
  }
  // A body that fails at once is still answered as a problem. Events may be long in coming, and the client wants to know.
  if (kind === 'stream' && reply.body !== null && response.req.method !== 'HEAD') await firstBytes(reply.body, signal)
  response.status(reply.status ?? 200)
  for (const [name, value] of Object.entries(reply.headers ?? {})) if (value !== undefined) response.set(name, value)
  if (reply.body === null) {
    response.end()
    return
  }
  // For HEAD, Node leaves the body out; it must not be fetched for nothing.
  if (response.req.method === 'HEAD') {
    reply.body.destroy()
    response.end()
    return
  }
  if (kind === 'events') response.flushHeaders()
  await pipeline(reply.body, response)
}

async function firstBytes(body: Readable, signal: AbortSignal): Promise<void> {
  if (body.errored) throw body.errored
  if (body.readableLength > 0 || body.readableEnded) return
  try {
    await once(body, 'readable', { signal })
  } catch (error) {
    body.destroy()
    throw error
  }
}

function isStreamReply(reply: unknown): reply is StreamReply & { body: Readable | null } {
  return typeof reply === 'object' && reply !== null && 'body' in reply
}

/** Runs it with a deadline; when that passes before an answer has begun, the signal aborts and the answer is `unavailable`. */
async function within(context: Context, ms: number, work: () => Promise<void>): Promise<void> {
  const timer = setTimeout(() => {
    if (!context.response.headersSent) context.abort(new AshevilleError('unavailable', 'This took too long', { retryAfterMs: 1000 }))
  }, ms)
  try {
    await Promise.race([work(), aborted(context.signal)])
  } finally {
    clearTimeout(timer)
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
