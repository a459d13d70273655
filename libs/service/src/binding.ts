import type { Readable } from 'node:stream'
import type { Method, Policy, RouteContract, ServiceName } from '@asheville/core'
import type { Request, Response } from 'express'
import type { z } from 'zod'
import type { App } from './apps.ts'
import type { Form, Person } from './browser.ts'
import type { Claim } from './idempotency.ts'
import type { Logger } from './logger.ts'

/** What every handler gets, whatever it answers. */
export interface Exchange {
  /** Travels on: pass it to clients and put it into job data. */
  readonly requestId: string
  /** Knows the request id, and the person and the calling service once they are known. */
  readonly log: Logger
  /** Aborts when the other side goes away, the deadline passes or the service stops; pass it to everything that waits. */
  readonly signal: AbortSignal
  readonly request: Request
  readonly response: Response
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<string, never>

/** One call of a route, validated: its parts are what the contract's schemas made of them. */
export interface Call<R extends RouteContract> extends Exchange {
  readonly params: Output<R['params']>
  readonly query: Output<R['query']>
  readonly body: R['body'] extends 'stream' ? Readable : R['body'] extends z.ZodType ? z.output<R['body']> : undefined
  /** For whom: always there when the policy names a person. */
  readonly userId: R['policy'] extends { user: true } | { who: 'person' | 'app' } ? string : string | null
  /** Which of our services calls; null for browsers, programs and the public. */
  readonly caller: R['policy'] extends { who: 'service' } ? ServiceName : null
  /** Who `browser.guard` found; null for services and visitors that are not signed in. */
  readonly person: R['policy'] extends { who: 'person' } ? Person : Person | null
  /** Which program calls, and for what; null for everybody else, who is not bound by scopes. */
  readonly app: App | null
  /**
   * Throws `conflict` (412) when the caller's `If-Match` names another state than this one, which is what the GET would answer now. Of
   * use where nobody can change it any more, so inside the transaction. Routes with `ifMatch` must call it.
   */
  checkMatch(current: unknown): void
  /** The right to do this once, where the caller sent an `Idempotency-Key`: the reply is kept with it in the transaction of the effect. */
  readonly claim: Claim | null
}

/** Bytes to answer. `body: null` for answers without any (304). */
export interface StreamReply {
  /** 200 unless said otherwise. */
  status?: number
  headers?: Record<string, string | undefined>
  body: Readable | null
}

/**
 * What a handler returns: the reply's value (sent as JSON with 200, or the status that the handler set on
 * `call.response`); nothing for `none` (204); for `stream` and `events` bytes, or nothing after it wrote `call.response`
 * itself and the answer has begun.
 */
/* eslint-disable @typescript-eslint/no-invalid-void-type -- a handler with nothing to say ends without a return */
export type Reply<R extends RouteContract> = R['reply'] extends z.ZodType
  ? z.input<R['reply']>
  : R['reply'] extends 'none'
    ? void | null
    : StreamReply | void
/* eslint-enable @typescript-eslint/no-invalid-void-type */

export type Handler<R extends RouteContract> = (call: Call<R>) => Promise<Reply<R>>

/** One visit of a page: what `page` handlers and `browser.guard` get. */
export interface Visit extends Exchange {
  readonly policy: Policy
  /** Path parameters, decoded; a last `*path` is joined with `/`. */
  readonly params: Readonly<Record<string, string>>
  /** The query, with the last value of a repeated name. */
  readonly query: Readonly<Record<string, string>>
  /** A urlencoded form that was sent; null where none was. */
  readonly form: Form | null
}

export type PageHandler<P extends PagePolicy> = (
  visit: Visit & { readonly person: P extends { who: 'person' } ? Person : Person | null },
) => Promise<void>

export type PagePolicy = Exclude<Policy, { who: 'service' | 'app' }>

interface Common {
  readonly method: Method
  readonly path: string
  readonly policy: Policy
}

/** A route with its handler, ready to be registered by `startService`. */
export type Binding =
  | (Common & { readonly kind: 'api'; readonly contract: RouteContract; readonly handle: Handler<RouteContract> })
  | (Common & { readonly kind: 'page'; readonly contract: null; readonly handle: PageHandler<PagePolicy> })
  | (Common & { readonly kind: 'forward'; readonly contract: null; readonly handle: Forward })

/** Answers in another's name: with the reply that it got there. */
export type Forward = (exchange: Exchange) => Promise<StreamReply>

/**
 * A route of another service, to be reached through this one. Nobody is asked who they are and nothing is read here: the service
 * behind does both, by that policy.
 */
export function forward({ method, path, policy }: Pick<RouteContract, 'method' | 'path' | 'policy'>, handler: Forward): Binding {
  checkPolicy(method, path, policy)
  if (policy.who !== 'app' && policy.who !== 'anyone') throw new Error(`${method} ${path} is not for everybody`)
  return { kind: 'forward', method, path, policy, contract: null, handle: handler }
}

/** Joins a contract and what answers it. Throws when the contract has no policy: nothing is open by omission. */
export function bind<const R extends RouteContract>(contract: R, handler: Handler<R>): Binding {
  const { method, path, policy } = contract
  checkPolicy(method, path, policy)
  if (contract.body === 'stream' && contract.maxBytes === undefined) throw new Error(`${method} ${path} takes a stream and has no maxBytes`)
  checkManners(contract)
  // The contract's types hold because `serve` validates by the same contract before it calls.
  return { kind: 'api', method, path, policy, contract, handle: handler as unknown as Handler<RouteContract> }
}

/** One handler for each contract of a routes object, in the table's order; a missing one is a type error. */
export function bindAll<const Routes extends Record<string, RouteContract>>(
  routes: Routes,
  handlers: { readonly [Name in keyof Routes]: Handler<Routes[Name]> },
): Binding[] {
  return Object.entries(routes).map(([name, contract]) => {
    const handler = handlers[name]
    if (!handler) throw new Error(`${contract.method} ${contract.path} has no handler`)
    return bind(contract, handler as unknown as Handler<RouteContract>)
  })
}

/**
 * A page for browsers (web). The handler answers by `visit.response` (render, redirect); what it throws goes to
 * `browser.fail`. Before it runs, a urlencoded form of up to 64 KiB is parsed into `visit.form`, and `browser.guard` has let
 * the visit pass: for `person` the handler has `visit.person`, for `visitor` it may be null, for `anyone` nobody is asked.
 */
export function page<const P extends PagePolicy>(method: Method, path: string, policy: P, handler: PageHandler<P>): Binding {
  checkPolicy(method, path, policy)
  return { kind: 'page', method, path, policy, contract: null, handle: handler as unknown as PageHandler<PagePolicy> }
}

function checkManners({ method, path, body, reply, query, idempotent, etag, ifMatch, creates, paged }: RouteContract): void {
  const isJson = typeof reply !== 'string'
  if (idempotent && (method !== 'POST' || body === 'stream' || !isJson)) throw new Error(`${method} ${path} cannot be idempotent by a key`)
  if (creates && (method !== 'POST' || !isJson)) throw new Error(`${method} ${path} creates nothing`)
  if (etag && (method !== 'GET' || !isJson)) throw new Error(`${method} ${path} cannot have an ETag`)
  if (ifMatch && method === 'GET') throw new Error(`${method} ${path} changes nothing: it has no If-Match`)
  if (paged && (method !== 'GET' || !isJson || !query || !('cursor' in query.shape)))
    throw new Error(`${method} ${path} has pages and takes no cursor`)
}

const kinds = ['anyone', 'service', 'person', 'visitor', 'app']

function checkPolicy(method: string, path: string, policy: Policy | undefined): void {
  if (!policy || !kinds.includes(policy.who)) throw new Error(`${method} ${path} has no policy`)
  if (policy.who === 'service' && policy.from.length === 0) throw new Error(`${method} ${path} admits no service`)
}

/** One row per route, for tests that walk over all of them. */
export interface RouteRow {
  method: Method
  path: string
  policy: Policy
  kind: Binding['kind']
  contract: RouteContract | null
}

/** Every route with its policy, in the order they are matched. */
export function routeTable(bindings: readonly Binding[]): RouteRow[] {
  return bindings.map(({ method, path, policy, kind, contract }) => ({ method, path, policy, kind, contract }))
}
