import { createServer, type Server } from 'node:http'
import { isIP, type AddressInfo } from 'node:net'
import { AshevilleError, kindOf, type ServiceName } from '@asheville/core'
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express'
import helmet from 'helmet'
import type { Registry } from 'prom-client'
import type { Apps } from './apps.ts'
import type { Binding } from './binding.ts'
import type { Browser } from './browser.ts'
import { createContext, type Context } from './context.ts'
import { createDrain, isEventStream } from './drain.ts'
import { createMetrics, readReadiness, type Check } from './health.ts'
import type { Idempotency } from './idempotency.ts'
import type { Logger } from './logger.ts'
import { createOpenApi } from './openapi.ts'
import { problemOf } from './problem.ts'
import { serveBinding, type AsCaller } from './serve-binding.ts'
import type { Verify } from './service-tokens.ts'

export interface ServiceOptions {
  name: ServiceName
  host: string
  /** 0 takes any free port. */
  port: number
  /** Other processes of the service listen on the same port, and each gets its share of the connections: where the system can. */
  sharePort?: boolean
  logger: Logger
  /** Matched in this order; the first that fits answers. */
  bindings: readonly Binding[]
  /** Needed when a binding's policy is `service`. */
  verify?: Verify
  /** What `/readyz` asks, by name. */
  checks: Readonly<Record<string, Check>>
  version: string
  /** Needed when a binding's policy is `person` or `visitor`. */
  browser?: Browser
  /** Needed when a binding answers by the policy `app`. */
  apps?: Apps
  /** Needed when a binding's contract is `idempotent`. */
  idempotency?: Idempotency
  /** Around the work of every API route; for whoever keeps people apart below the handlers. */
  asCaller?: AsCaller
  /**
   * Directives of the Content-Security-Policy. Unless given, nothing is allowed, as fits an API. Values may be functions of
   * request and response (nonces): see helmet.
   */
  contentSecurityPolicy?: NonNullable<Exclude<Parameters<typeof helmet>[0], undefined>['contentSecurityPolicy']> & object
  /** Web's static files, view engine and the like; tried before the bindings, after our own endpoints. */
  mount?: (app: Express) => void
  /** Closes what the service holds (pools, queues), after the last request was answered. */
  close?: () => Promise<void>
  /** The service's own figures, shown by `/metrics` after those of every service. */
  metrics?: Registry
  /** Until a JSON answer or page must be there; 30 s. */
  deadlineMs?: number
  /** How long a streamed body may stand still; 60 s. */
  bodyIdleMs?: number
  /** How long `close` waits for requests in flight; 8 s. */
  drainMs?: number
}

export interface Service {
  /** Where it listens: `http://127.0.0.1:3001`. */
  url: string
  /** Stops listening, lets requests in flight end, ends streams of events, then closes what the service holds. */
  close(): Promise<void>
}

/**
 * Starts an HTTP service: `bindings` behind their policies, and our own endpoints `/livez`, `/readyz`, `/version`,
 * `/metrics`, `/openapi.json`. Failures are answered as problem details (RFC 9457), for pages by `browser.fail`.
 * Throws when a binding lacks what its policy or contract needs, two bindings are for the same address, or the port is taken.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  checkBindings(options)
  const { logger, name } = options
  const app = express()
  app.disable('x-powered-by').set('etag', false).set('query parser', 'simple').set('case sensitive routing', true)
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 0, keepAliveTimeout: 5000, connectionsCheckingInterval: 5000 }, app)
  const drain = createDrain(server)
  const metrics = createMetrics(name, options.metrics)
  const contexts = new WeakMap<Request, Context>()
  const contextOf = (request: Request) => contexts.get(request)!

  app.use((request, response, next) => {
    const context = createContext(request, response, logger)
    contexts.set(request, context)
    response.set('x-request-id', context.requestId)
    drain.add(context)
    response.once('close', () => logAccess(context, metrics.observe))
    next()
  })
  app.use(security(options))
  addOwnEndpoints(app, options, metrics, contextOf)
  options.mount?.(app)
  for (const binding of options.bindings) addBinding(app, binding, options, contextOf)
  app.use((request) => {
    throw new AshevilleError('not-found', `There is no ${request.method} here`)
  })
  const fail: ErrorRequestHandler = (error, request, _response, _next) => answerFailure(error, contextOf(request), options)
  app.use(fail)

  await listen(server, options)
  const { address, port } = server.address() as AddressInfo
  const url = `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}`
  logger.info({ url, version: options.version }, 'listening')
  let closing: Promise<void> | undefined
  const close = async () => {
    await drain.close(options.drainMs ?? 8000)
    await options.close?.()
    logger.info('stopped')
  }
  return { url, close: () => (closing ??= close()) }
}

function checkBindings({ bindings, verify, browser, apps, idempotency }: ServiceOptions): void {
  const seen = new Set<string>()
  for (const { method, path, policy, kind, contract } of bindings) {
    const route = `${method} ${path}`
    if (!policy) throw new Error(`${route} has no policy`)
    if (policy.who === 'service' && !verify) throw new Error(`${route} is for services: verify is needed`)
    if ((policy.who === 'person' || policy.who === 'visitor' || kind === 'page') && !browser)
      throw new Error(`${route} is for browsers: browser is needed`)
    if (policy.who === 'app' && kind !== 'forward' && !(apps && verify))
      throw new Error(`${route} is for programs: apps and verify are needed`)
    if (contract?.idempotent && !idempotency) throw new Error(`${route} takes keys: idempotency is needed`)
    if (seen.has(route)) throw new Error(`${route} is bound twice`)
    seen.add(route)
  }
}

function addBinding(app: Express, binding: Binding, options: ServiceOptions, contextOf: (request: Request) => Context): void {
  const { method, path } = binding
  const verb = method.toLowerCase() as Lowercase<typeof method>
  const { verify, browser, apps, idempotency, asCaller = (_, work) => work(), deadlineMs = 30_000, bodyIdleMs = 60_000 } = options
  app[verb](path, async (request: Request) => {
    const context = contextOf(request)
    context.route = path
    context.binding = binding
    await serveBinding(binding, context, { verify, browser, apps, idempotency, asCaller, deadlineMs, bodyIdleMs })
  })
}

function security({ contentSecurityPolicy }: ServiceOptions): ReturnType<typeof helmet> {
  const nothing = {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] },
  }
  return helmet({
    contentSecurityPolicy: contentSecurityPolicy ?? nothing,
    referrerPolicy: { policy: 'same-origin' },
    // Whether other names below this one speak TLS is not ours to say.
    strictTransportSecurity: { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
  })
}

function addOwnEndpoints(
  app: Express,
  { checks, version, name, bindings, logger, browser }: ServiceOptions,
  metrics: ReturnType<typeof createMetrics>,
  contextOf: (request: Request) => Context,
): void {
  const serve = (path: string, answer: (response: Response) => Promise<void> | void) =>
    app.get(path, async (request, response) => {
      contextOf(request).route = path
      response.set('cache-control', 'no-store')
      await answer(response)
    })
  serve('/livez', (response) => void response.json({ status: 'alive' }))
  serve('/version', (response) => void response.json({ service: name, version }))
  serve('/readyz', async (response) => {
    const readiness = await readReadiness(checks, logger)
    response.status(readiness.status === 'ready' ? 200 : 503).json(readiness)
  })
  let document: string | undefined
  serve('/openapi.json', (response) => {
    document ??= JSON.stringify(createOpenApi(name, version, bindings))
    response.type('json').send(document)
  })
  serve('/metrics', async (response) => {
    // A service for browsers faces the public; its figures are for the machine's own operator.
    if (browser && !isLocal(response.req)) throw new AshevilleError('not-found', 'There is nothing here')
    response.set('content-type', metrics.contentType).send(await metrics.read())
  })
}

function isLocal(request: Request): boolean {
  const isForwarded = 'x-forwarded-for' in request.headers || 'forwarded' in request.headers || 'via' in request.headers
  return !isForwarded && /^(::ffff:)?127\.|^::1$/.test(request.socket.remoteAddress ?? '')
}

async function answerFailure(error: unknown, context: Context, options: ServiceOptions): Promise<void> {
  const { request, response, requestId, signal } = context
  // Whatever broke because the caller went away, or we stop, is no failure.
  const problem = problemOf(signal.aborted && kindOf(signal.reason) === 'cancelled' ? signal.reason : error, requestId)
  // What is told at a field (a server that a person wrote does not answer) is theirs to mend, not the operator's.
  if (problem.status >= 500)
    context.log[problem.faults ? 'info' : 'error']({ error, route: context.route, method: request.method }, 'request failed')
  else if (problem.kind !== 'cancelled') context.log.debug({ error, route: context.route }, 'request refused')
  if (response.headersSent) return void response.destroy()
  for (const name of response.getHeaderNames())
    if (/^(content-|etag|last-modified|cache-control)/.test(name) && name !== 'content-security-policy') response.removeHeader(name)
  response.status(problem.status).set('cache-control', 'no-store')
  if (problem.retryAfterMs !== undefined) response.set('retry-after', String(Math.ceil(problem.retryAfterMs / 1000)))
  const { kind = 'page', policy } = context.binding ?? {}
  if (problem.status === 401 && policy?.who === 'service') response.set('www-authenticate', 'Bearer')
  if (policy?.who === 'app') addChallenge(request, response, problem.status)
  if (kind === 'page' && options.browser) {
    try {
      await options.browser.fail(problem, context)
      if (response.headersSent) return
    } catch (failure) {
      context.log.error({ error: failure }, 'the page for a failure failed')
      if (response.headersSent) return void response.destroy()
    }
  }
  response.type('application/problem+json').send(JSON.stringify(problem))
}

/** RFC 6750 §3: a program without a token is told nothing but that it needs one. */
function addChallenge({ headers }: Request, response: Response, status: number): void {
  const error = { 401: headers.authorization === undefined ? '' : ', error="invalid_token"', 403: ', error="insufficient_scope"' }[status]
  if (error !== undefined) response.set('www-authenticate', `Bearer realm="Asheville"${error}`)
}

const quietRoutes = new Set(['/livez', '/readyz', '/metrics', '/version'])

function logAccess({ request, response, route, log, startedAt }: Context, observe: ReturnType<typeof createMetrics>['observe']): void {
  const ms = performance.now() - startedAt
  const status = response.headersSent && response.writableFinished ? response.statusCode : 499
  const { method } = request
  if (!isEventStream(response)) observe({ method, route, status }, ms / 1000)
  log[quietRoutes.has(route) ? 'debug' : 'info']({ method, route, status, ms: Math.round(ms * 10) / 10 }, 'request')
}

function listen(server: Server, { host, port, sharePort = false }: ServiceOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`Cannot listen on ${host}:${port}: ${error.message}`, { cause: error })))
    server.listen({ port, host, reusePort: sharePort }, resolve)
  })
}
