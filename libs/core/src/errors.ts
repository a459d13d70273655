/**
 * Every failure that crosses a boundary of ours has one of these kinds. Each edge (HTTP answer, job outcome, what a
 * person reads) maps the kind once; nobody else looks at messages or status codes.
 */
export const errorKinds = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict',
  'reconnect-required',
  'storage-full',
  'rate-limited',
  'cursor-expired',
  'cancelled',
  'unavailable',
  'unexpected',
] as const

export type ErrorKind = (typeof errorKinds)[number]

/** Whom a rate limit holds back: one connection, everyone on one server, or everyone who uses our app. */
export type LimitScope = 'connection' | 'server' | 'app'

/** A fault in input: `pointer` is a JSON pointer (RFC 6901) to the field, `''` for the whole. */
export interface InputFault {
  pointer: string
  message: string
}

export interface ErrorDetails {
  cause?: unknown
  /** For `rate-limited` and `unavailable`: milliseconds to wait, as the other side told. */
  retryAfterMs?: number
  /** For `rate-limited`; `connection` unless said otherwise. */
  scope?: LimitScope
  /** For `invalid`: what is wrong, field by field. */
  faults?: InputFault[]
}

/**
 * The one error class. `message` says in plain words what is wrong and, for `invalid`, what to do; people read it, so it
 * never holds a token, content of theirs, or an address with a query. Only `unexpected` messages stay with operators.
 */
export class AshevilleError extends Error {
  override readonly name = 'AshevilleError'
  readonly kind: ErrorKind
  readonly retryAfterMs: number | undefined
  readonly scope: LimitScope | undefined
  readonly faults: InputFault[] | undefined

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = kind
    this.retryAfterMs = details.retryAfterMs
    this.scope = kind === 'rate-limited' ? (details.scope ?? 'connection') : undefined
    this.faults = details.faults
  }
}

/** The kind of anything thrown: ours as it is, an abort is `cancelled`, a timeout `unavailable`, the rest `unexpected`. */
export function kindOf(error: unknown): ErrorKind {
  if (error instanceof AshevilleError) return error.kind
  // Not `instanceof Error`: what Node itself throws may come from another realm.
  const { name } = Object(error) as { name?: unknown }
  if (name === 'AbortError') return 'cancelled'
  if (name === 'TimeoutError') return 'unavailable'
  return 'unexpected'
}

/** Throws `cancelled` if the signal has aborted; called before every write. */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return
  const reason: unknown = signal.reason
  throw reason instanceof AshevilleError ? reason : new AshevilleError('cancelled', 'Cancelled', { cause: reason })
}
