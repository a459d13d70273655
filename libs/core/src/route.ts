import type { z } from 'zod'
import type { Act } from './scope.ts'

export const serviceNames = ['web', 'accounts', 'conductor', 'workers', 'platform'] as const
export type ServiceName = (typeof serviceNames)[number]

/**
 * Who may call a route. There is no default: a route without a policy does not type-check and does not register.
 * - `anyone`: public.
 * - `service`: one of our services with a service token; with `user: true` the token names the person that the call is for.
 * - `person`: a signed-in person's browser (web only); unsafe methods are checked against forgery.
 * - `visitor`: a browser that need not be signed in (web only); unsafe methods are checked against forgery.
 * - `app`: somebody's program with a token that a person made for it, as far as its scopes go: one of them allows that act on
 *   something, and the handler goes by which. The services in `from` may call it too, for the person and for everything.
 */
export type Policy =
  | { readonly who: 'anyone' }
  | { readonly who: 'service'; readonly from: readonly ServiceName[]; readonly user: boolean }
  | { readonly who: 'person' }
  | { readonly who: 'visitor' }
  | { readonly who: 'app'; readonly may: Act; readonly from: readonly ServiceName[] }

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Path and query values arrive as text: their schemas coerce. Objects refuse unknown keys (`z.strictObject`). */
export type Shape = z.ZodObject

/**
 * One operation of one of our HTTP APIs, declared once: the service validates and answers by it, the OpenAPI document and
 * the typed client are made from it. `body: 'stream'` and `reply: 'stream'` are bytes, `reply: 'events'` Server-Sent Events,
 * `reply: 'none'` an empty 204.
 */
export interface RouteContract {
  readonly method: Method
  /** Express's form: `/v1/users/:userId`; a last `*path` takes the rest. */
  readonly path: string
  readonly summary: string
  readonly policy: Policy
  readonly params?: Shape
  readonly query?: Shape
  readonly body?: z.ZodType | 'stream'
  readonly reply: z.ZodType | 'stream' | 'events' | 'none'
  /** Largest body in bytes; 1 MiB for JSON unless said otherwise; streams must say. */
  readonly maxBytes?: number
  /** A POST that may be sent again: with the same `Idempotency-Key` it has one effect, and the first answer is given again for a day. */
  readonly idempotent?: true
  /** A GET of JSON: the answer has an `ETag`, and `If-None-Match` is heeded. */
  readonly etag?: true
  /** A change of what a GET with `etag` shows: `If-Match` is heeded (412 when it is not as it was). The handler calls `checkMatch`. */
  readonly ifMatch?: true
  /** A POST that answers 201 where it made something, and 200 where that was there already: the handler sets it. */
  readonly creates?: true
  /** A GET of a list in pages: the reply's `next` is the query's `cursor` of the page after it, and the answer says so in a `Link`. */
  readonly paged?: true
}

/** Declares a route, keeping the types of its schemas. */
export function route<const Contract extends RouteContract>(contract: Contract): Contract {
  return contract
}
