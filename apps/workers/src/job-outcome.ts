import { AshevilleError, backoffMs, kindOf, retryLadder } from '@asheville/core'
import type { Outcome } from '@asheville/clients'
import { done, later, type JobEnd, type StopReason } from '@asheville/jobs'

/** Why a slice was stopped from outside. */
export type Stop = StopReason | 'lease-lost'

export interface SliceEnd {
  /** What accounts is told when the lease is returned; null: the lease is not ours any more. */
  outcome: Outcome | null
  /** What becomes of the job in the queue. */
  end: JobEnd
}

interface Circumstances {
  /** For the person to read: `Mastodon`. */
  title: string
  /** Retries in a row since something was last stored. */
  attempts: number
  /** Files of a batch were stored that itself was not: the next try has fewer to store. */
  hasStored: boolean
  now: Date
  /** From 0 to 1. */
  random: number
}

const unknownLimitMs = 60_000
/** A limit that lasts longer is not waited for by this sync: its job ends, and the stream is due then. */
const longestWaitMs = 60 * 60_000

/** The stream is pulled to its end. */
export const finished: SliceEnd = { outcome: { kind: 'done' }, end: done }

/** There is more to do, and others have their turn first. */
export const yielded: SliceEnd = { outcome: { kind: 'yielded' }, end: later(1) }

/** What a stop from outside means: checkpoints are kept in every case. */
export function outcomeOfStop(stop: Stop, now: Date): SliceEnd {
  switch (stop) {
    case 'cancelled':
    // Whether it still is, accounts knows alone: the word of it may have come late, to work that was begun since.
    case 'shutdown':
      return yielded
    case 'lock-lost':
      // Redis may have lost the job with the lock: whoever yields trusts that the queue brings it again, and would wait long.
      return { ...yielded, outcome: { kind: 'retrying', until: now.toISOString(), reason: 'The queue was lost for a moment' } }
    case 'lease-lost':
      return { outcome: null, end: later(2000) }
  }
}

/** What an error means for the stream and for its job (docs: EXEMPLARS §4.1). Only the kind decides. */
export function outcomeOfError(error: unknown, circumstances: Circumstances): SliceEnd {
  const { title, now } = circumstances
  const kind = kindOf(error)
  const message = error instanceof AshevilleError ? error.message : ''
  switch (kind) {
    case 'rate-limited': {
      const delayMs = Math.max(1000, retryAfterOf(error) ?? unknownLimitMs)
      const until = new Date(now.getTime() + delayMs).toISOString()
      const reason = message || `${title} allows no more requests for now`
      if (delayMs > longestWaitMs) return { outcome: { kind: 'held', until, reason }, end: done }
      return { outcome: { kind: 'waiting', until, reason }, end: later(delayMs) }
    }
    case 'unavailable':
      return retry(kind, message || `${title} does not answer`, error, circumstances)
    case 'reconnect-required':
    case 'storage-full':
      return fail(kind, message)
    case 'invalid':
    case 'forbidden':
    case 'not-found':
      return fail('invalid', message)
    case 'conflict':
      return outcomeOfStop('lease-lost', now)
    case 'cancelled':
      return { outcome: { kind: 'yielded' }, end: later(1000) }
    case 'cursor-expired':
    case 'unauthenticated':
    case 'unexpected':
      return retry('unexpected', 'Something went wrong', error, circumstances)
  }
}

function fail(error: 'reconnect-required' | 'storage-full' | 'invalid' | 'unexpected' | 'unavailable', reason: string): SliceEnd {
  return { outcome: { kind: 'failed', error, reason }, end: done }
}

function retry(kind: 'unavailable' | 'unexpected', reason: string, error: unknown, circumstances: Circumstances): SliceEnd {
  const { hasStored, now, random } = circumstances
  const attempts = hasStored ? 0 : circumstances.attempts
  const { retries, firstRetryMs, longestRetryMs } = retryLadder[kind]
  if (attempts >= retries) return fail(kind, reason)
  const delayMs = Math.max(backoffMs(attempts, { firstMs: firstRetryMs, longestMs: longestRetryMs }, random), retryAfterOf(error) ?? 0)
  const until = new Date(now.getTime() + delayMs).toISOString()
  // A try that got somewhere is none in vain: it is not counted.
  return { outcome: { kind: hasStored ? 'waiting' : 'retrying', until, reason }, end: later(delayMs) }
}

function retryAfterOf(error: unknown): number | undefined {
  return error instanceof AshevilleError ? error.retryAfterMs : undefined
}
