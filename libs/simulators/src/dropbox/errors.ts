import type { Answer } from '../kit/index.ts'
import type { Tagged } from './types.ts'

/** Ends a call with an answer that is no success. */
export class Refusal extends Error {
  readonly answer: Answer
  constructor(answer: Answer) {
    super(`refused with ${answer.status}`)
    this.answer = answer
  }
}

/** An error of the endpoint itself: 409 with its tags. */
export class EndpointError extends Error {
  readonly error: Tagged
  constructor(error: Tagged) {
    super(summaryOf(error))
    this.error = error
  }
}

/** `path/conflict/file/`: the tags from the outermost to the innermost. */
export function summaryOf(error: Tagged): string {
  const inner = error[error['.tag']] ?? error.reason
  return `${error['.tag']}/${isTagged(inner) ? summaryOf(inner) : ''}`
}

/** The body of a failed call. Dropbox ends its summaries with a varying number of dots, so that nobody compares them. */
export function errorBody(error: Tagged, dots = 0): { error_summary: string; error: Tagged } {
  return { error_summary: summaryOf(error) + '.'.repeat(dots), error }
}

/** 401 with the tag of an `AuthError`. */
export function authError(tag: string, more: Record<string, unknown> = {}): Answer {
  return { status: 401, json: errorBody({ '.tag': tag, ...more }, 2) }
}

/** 429: too many calls, or (`too_many_write_operations`) a held lock. */
export function rateLimitError(reason: 'too_many_requests' | 'too_many_write_operations', retryAfterSeconds: number): Answer {
  return {
    status: 429,
    headers: { 'retry-after': String(retryAfterSeconds) },
    json: { error_summary: `${reason}/..`, error: { reason: { '.tag': reason }, retry_after: retryAfterSeconds } },
  }
}

/** 400 with a text: the call itself is malformed. */
export function badCall(endpoint: string, what: string): Answer {
  return { status: 400, text: `Error in call to API function "${endpoint}": ${what}` }
}

function isTagged(value: unknown): value is Tagged {
  return typeof value === 'object' && value !== null && '.tag' in value
}
