import { createHash } from 'node:crypto'
import { AshevilleError, kindOf, type ErrorKind, type RouteContract } from '@asheville/core'
import type { Request } from 'express'
import { conflictWithStatus, problemOf } from './problem.ts'

/** What an `Idempotency-Key` came with: keys of different callers, people and routes are different keys. */
export interface KeyedRequest {
  key: string
  /** The calling service; null where it is not one. */
  caller: string | null
  userId: string | null
  /** `POST /v1/users`. */
  route: string
  /** A hash of what was asked for. Bodies hold passwords: it is not to be stored in clear. */
  fingerprint: string
}

/** The right to do what a key was sent for. `attempt` grows whenever somebody else takes over. */
export interface Claim {
  readonly id: string
  readonly attempt: number
  readonly fingerprint: string
}

/** What was answered. The body may hold secrets: it is not to be stored in clear. */
export interface Answer {
  status: number
  body: string
}

export type Begun =
  { state: 'mine'; claim: Claim } | { state: 'running' } | { state: 'other-request' } | { state: 'answered'; answer: Answer }

/** Where keys and answers are kept for a day; the service with a database supplies it. */
export interface Idempotency {
  /** Of any number that ask at once, one gets the claim; also when whoever had it has died. */
  begin(request: KeyedRequest): Promise<Begun>
  /** Keeps the answer, unless one is kept already or another has taken over. */
  finish(claim: Claim, answer: Answer): Promise<void>
  /** Nothing was done: the same may be tried again at once. */
  abandon(claim: Claim): Promise<void>
}

/** Refusals that the same request would get again. After any other failure it may be sent again. */
const finalKinds: ReadonlySet<ErrorKind> = new Set(['invalid', 'forbidden', 'not-found', 'conflict', 'reconnect-required'])

const runningMs = 1000

/**
 * The key of a request (draft-ietf-httpapi-idempotency-key-header: a structured field's string; bare ones are usual and taken too);
 * null when there is none. Throws `invalid`.
 */
export function idempotencyKeyOf(request: Request): string | null {
  const header = request.headers['idempotency-key']
  if (header === undefined) return null
  const text = Array.isArray(header) ? header.join(',') : header
  const [, quoted] = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(text) ?? []
  const key = quoted === undefined ? text : quoted.replace(/\\(.)/g, '$1')
  if (/^[\x21-\x7e]{1,255}$/.test(key) && (quoted !== undefined || !key.startsWith('"'))) return key
  const message = 'An idempotency key has 1 to 255 visible ASCII characters'
  throw new AshevilleError('invalid', message, { faults: [{ pointer: '/headers/idempotency-key', message }] })
}

export function keyedRequest(
  { method, path }: RouteContract,
  key: string,
  { caller, userId }: Pick<KeyedRequest, 'caller' | 'userId'>,
  asked: readonly unknown[],
): KeyedRequest {
  const fingerprint = createHash('sha256').update(JSON.stringify(asked)).digest('base64')
  return { key, caller, userId, route: `${method} ${path}`, fingerprint }
}

/**
 * The answer to a request with a key: the kept one, or what `work` does now, which is kept. Throws `conflict` while the first one is
 * at work (409, with a time to wait), and when the key was used for another request (422). What `work` throws is thrown; of refusals
 * the problem is kept as the answer.
 */
export async function answerOnce(
  idempotency: Idempotency,
  request: KeyedRequest,
  requestId: string,
  work: (claim: Claim) => Promise<Answer>,
): Promise<Answer & { isReplay: boolean }> {
  const begun = await idempotency.begin(request)
  if (begun.state === 'other-request') throw conflictWithStatus(422, 'This idempotency key was used for another request')
  if (begun.state === 'running') throw new AshevilleError('conflict', 'The same request is being worked on', { retryAfterMs: runningMs })
  if (begun.state === 'answered') return { ...begun.answer, isReplay: true }
  const { claim } = begun
  try {
    const answer = await work(claim)
    await idempotency.finish(claim, answer)
    return { ...answer, isReplay: false }
  } catch (error) {
    if (finalKinds.has(kindOf(error))) {
      const problem = problemOf(error, requestId)
      await idempotency.finish(claim, { status: problem.status, body: JSON.stringify(problem) }).catch(() => undefined)
    } else await idempotency.abandon(claim).catch(() => undefined)
    throw error
  }
}
