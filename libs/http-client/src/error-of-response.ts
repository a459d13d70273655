import { AshevilleError, type LimitScope } from '@asheville/core'
import { retryAfterHeaderMs, retryAfterMs } from './retry-after.ts'

export interface ResponseErrorOptions {
  /** The network's or storage's name, for the message: `Mastodon`. */
  service: string
  /** Whom a 429 of this request holds back; `connection` unless said otherwise. */
  scope?: LimitScope
  now?: Date
}

/** There is nothing at that address. Where a person has just named the server, it is likely another kind of server. */
export class NotThere extends AshevilleError {
  readonly service: string
  constructor(service: string) {
    super('not-found', `${service} does not have it`)
    this.service = service
  }
}

/** An answer that is no success, as one of our errors; its body is let go unread. */
export function errorOfResponse(response: Pick<Response, 'status' | 'headers' | 'body'>, options: ResponseErrorOptions): AshevilleError {
  const { status, headers, body } = response
  // A body that somebody reads already cannot be let go, and need not.
  if (body && !body.locked) body.cancel().catch(() => undefined)
  return errorOfStatus(status, headers, options)
}

export function errorOfStatus(
  status: number,
  headers: Headers,
  { service, scope, now = new Date() }: ResponseErrorOptions,
): AshevilleError {
  if (status === 401) return new AshevilleError('reconnect-required', `${service} no longer accepts our access. Reconnect it to go on`)
  if (status === 429)
    return new AshevilleError('rate-limited', `${service} allows no more requests for now`, {
      retryAfterMs: retryAfterMs(headers, now),
      scope: scope ?? 'connection',
    })
  if (status === 404 || status === 410) return new NotThere(service)
  if (status === 507) return new AshevilleError('storage-full', `${service} is full`)
  if (status >= 500 || status === 408 || status === 425)
    return new AshevilleError('unavailable', `${service} has trouble (${status})`, { retryAfterMs: retryAfterHeaderMs(headers, now) })
  if (status >= 400) return new AshevilleError('invalid', `${service} refused the request (${status})`)
  return new AshevilleError('unexpected', `${service} answered ${status}`)
}
