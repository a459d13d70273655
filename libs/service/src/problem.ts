import { AshevilleError, type ErrorKind, type InputFault, kindOf, type LimitScope } from '@asheville/core'

/** RFC 9457 problem details, with our members: the kind, the request id, and what callers need to act. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  kind: ErrorKind
  requestId: string
  faults?: InputFault[]
  retryAfterMs?: number
  scope?: LimitScope
}

/** The one place where a kind of error becomes an HTTP answer. */
const answers: Record<ErrorKind, { status: number; title: string }> = {
  invalid: { status: 400, title: 'Not valid' },
  unauthenticated: { status: 401, title: 'Not signed in' },
  forbidden: { status: 403, title: 'Not allowed' },
  'not-found': { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'Conflict' },
  'reconnect-required': { status: 409, title: 'Reconnect needed' },
  'storage-full': { status: 507, title: 'Storage full' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'cursor-expired': { status: 410, title: 'Cursor expired' },
  cancelled: { status: 499, title: 'Cancelled' },
  unavailable: { status: 503, title: 'Not available' },
  unexpected: { status: 500, title: 'Unexpected' },
}

/** What is said of an error. Of an unexpected one nothing but the request id, by which operators find it in the log. */
export function problemOf(error: unknown, requestId: string): Problem {
  const known = error instanceof AshevilleError ? error : translate(error)
  const { status, title } = answers[known.kind]
  const problem: Problem = {
    type: `urn:asheville:problem:${known.kind}`,
    title,
    status: statuses.get(known) ?? status,
    detail: known.kind === 'unexpected' ? 'Something went wrong' : known.message,
    kind: known.kind,
    requestId,
  }
  if (known.faults) problem.faults = known.faults
  const retryAfterMs = known.retryAfterMs ?? (known.kind === 'unavailable' ? awayMs : undefined)
  if (retryAfterMs !== undefined) problem.retryAfterMs = retryAfterMs
  if (known.scope) problem.scope = known.scope
  return problem
}

/** What is away for a moment is asked again after this, unless it was said how long it takes. */
const awayMs = 1000

const statuses = new WeakMap<AshevilleError, number>()

/** An `invalid` whose HTTP status says more than 400 (413, 415). */
export function invalidWithStatus(status: number, message: string): AshevilleError {
  const error = new AshevilleError('invalid', message)
  statuses.set(error, status)
  return error
}

/** A `conflict` whose HTTP status says more than 409 (412, 422). */
export function conflictWithStatus(status: number, message: string): AshevilleError {
  const error = new AshevilleError('conflict', message)
  statuses.set(error, status)
  return error
}

/** Express and what it uses mark a request's own faults with a 4xx status (http-errors). */
function translate(error: unknown): AshevilleError {
  const kind = kindOf(error)
  if (kind === 'cancelled') return new AshevilleError('cancelled', 'Cancelled', { cause: error })
  if (kind === 'unavailable') return new AshevilleError('unavailable', 'This took too long', { cause: error })
  const status: unknown = Error.isError(error) && 'status' in error ? error.status : undefined
  if (status === 404) return new AshevilleError('not-found', 'There is nothing here', { cause: error })
  if (typeof status === 'number' && status >= 400 && status < 500) return invalidWithStatus(status, 'The request is malformed')
  return new AshevilleError('unexpected', 'Something went wrong', { cause: error })
}
