import { describe, expect, test } from '@jest/globals'
import { AshevilleError, errorKinds } from '@asheville/core'
import { outcomeOfError, outcomeOfStop } from './job-outcome.ts'

const now = new Date('2026-01-01T00:00:00.000Z')
const circumstances = { title: 'Mastodon', attempts: 0, hasStored: false, now, random: 1 }

describe('job outcome', () => {
  test('every kind has an outcome', () => {
    for (const kind of errorKinds) expect(outcomeOfError(new AshevilleError(kind, 'told'), circumstances)).toBeDefined()
  })

  test('a rate limit waits for as long as the network said, and holds no worker', () => {
    const error = new AshevilleError('rate-limited', 'slow down', { retryAfterMs: 90_000 })
    expect(outcomeOfError(error, { ...circumstances, attempts: 1000 })).toEqual({
      outcome: { kind: 'waiting', until: '2026-01-01T00:01:30.000Z', reason: 'slow down' },
      end: { kind: 'later', delayMs: 90_000 },
    })
  })

  test('a limit that lasts longer than an hour is nothing that a sync waits for', () => {
    const error = new AshevilleError('rate-limited', 'the month is used up', { retryAfterMs: 31 * 86_400_000, scope: 'app' })
    expect(outcomeOfError(error, circumstances)).toEqual({
      outcome: { kind: 'held', until: '2026-02-01T00:00:00.000Z', reason: 'the month is used up' },
      end: { kind: 'done' },
    })
  })

  test('unavailable is retried with growing pauses, never before what the other side said, and not for ever', () => {
    const delays = [0, 1, 2, 3, 15].map((attempts) => {
      const { end } = outcomeOfError(new AshevilleError('unavailable', 'gone fishing'), { ...circumstances, attempts })
      return end.kind === 'later' ? end.delayMs : null
    })
    expect(delays).toEqual([2000, 4000, 8000, 16_000, 600_000])
    const told = new AshevilleError('unavailable', 'in an hour', { retryAfterMs: 3_600_000 })
    expect(outcomeOfError(told, circumstances).end).toEqual({ kind: 'later', delayMs: 3_600_000 })
    expect(outcomeOfError(told, { ...circumstances, attempts: 20 }).outcome).toEqual({
      kind: 'failed',
      error: 'unavailable',
      reason: 'in an hour',
    })
  })

  test('a try that stored files of a batch, if not the batch, is none in vain', () => {
    const error = new AshevilleError('unavailable', 'the storage broke off')
    expect(outcomeOfError(error, { ...circumstances, attempts: 20, hasStored: true })).toEqual({
      outcome: { kind: 'waiting', until: '2026-01-01T00:00:02.000Z', reason: 'the storage broke off' },
      end: { kind: 'later', delayMs: 2000 },
    })
  })

  test('what only the person can mend fails at once and says why', () => {
    for (const kind of ['reconnect-required', 'storage-full', 'invalid'] as const)
      expect(outcomeOfError(new AshevilleError(kind, 'why'), circumstances)).toEqual({
        outcome: { kind: 'failed', error: kind, reason: 'why' },
        end: { kind: 'done' },
      })
  })

  test('the unexpected is tried a few times, and its message stays with operators', () => {
    const first = outcomeOfError(new TypeError('undefined is not a function'), circumstances)
    expect(first.outcome).toMatchObject({ kind: 'retrying', reason: 'Something went wrong' })
    const last = outcomeOfError(new TypeError('undefined is not a function'), { ...circumstances, attempts: 4 })
    expect(last.outcome).toEqual({ kind: 'failed', error: 'unexpected', reason: 'Something went wrong' })
  })

  test('an older fence means that the lease is another’s: nothing is returned', () => {
    expect(outcomeOfError(new AshevilleError('conflict', 'fence'), circumstances).outcome).toBeNull()
    expect(outcomeOfStop('lease-lost', now).outcome).toBeNull()
  })

  test('stops from outside keep the checkpoint, and hand over; whether there is anything left to do is not ours to say', () => {
    for (const stop of ['shutdown', 'cancelled'] as const)
      expect(outcomeOfStop(stop, now)).toEqual({ outcome: { kind: 'yielded' }, end: { kind: 'later', delayMs: 1 } })
  })

  test('a job that Redis forgot is due at once, for nobody may have it in the queue', () => {
    expect(outcomeOfStop('lock-lost', now).outcome).toMatchObject({ kind: 'retrying', until: now.toISOString() })
  })
})
