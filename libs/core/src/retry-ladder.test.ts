import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { backoffMs, climb, retryLadder, type FailureKind } from './retry-ladder.ts'

const hour = 3_600_000
const day = 24 * hour
const kinds = fc.constantFrom(...(Object.keys(retryLadder) as FailureKind[]))
const steps = ['retry', 'tell', 'warn', 'pause']

test('nobody is told of a server that is back soon; of what a network refuses at once; it ends with a pause, announced before', () => {
  const stepsOf = (kind: FailureKind) =>
    [
      [1, 0],
      [3, hour],
      [9, 8 * day],
      [20, 14 * day],
      [99, 28 * day],
    ].map(([failures, failingMs]) => climb(kind, { failures: failures!, failingMs: failingMs! }, 0).step)
  expect(stepsOf('unavailable')).toEqual(['retry', 'tell', 'tell', 'warn', 'pause'])
  expect(stepsOf('unexpected')).toEqual(['tell', 'tell', 'warn', 'pause', 'pause'])
  expect(stepsOf('invalid')).toEqual(['tell', 'tell', 'warn', 'pause', 'pause'])
})

test('waits double from the first to the longest', () => {
  const waits = [1, 2, 3, 5, 6, 500].map((failures) => climb('unavailable', { failures, failingMs: 0 }, 1).waitMs / hour)
  expect(waits).toEqual([0.25, 0.5, 1, 4, 6, 6])
})

test('who fails for longer is never on a lower rung, and never waits less but by chance', () => {
  const failed = fc.record({ failures: fc.integer({ min: 1, max: 1e6 }), failingMs: fc.integer({ min: 0, max: 400 * day }) })
  const chance = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(kinds, failed, failed, chance, chance, (kind, one, more, random, other) => {
      const before = climb(kind, one, random)
      const then = { failures: one.failures + more.failures, failingMs: one.failingMs + more.failingMs }
      const after = climb(kind, then, random)
      expect(steps.indexOf(after.step)).toBeGreaterThanOrEqual(steps.indexOf(before.step))
      expect(after.waitMs).toBeGreaterThanOrEqual(before.waitMs)
      const { firstWaitMs, longestWaitMs } = retryLadder[kind]
      const { waitMs } = climb(kind, then, other)
      expect(waitMs).toBeGreaterThanOrEqual(firstWaitMs / 2)
      expect(waitMs).toBeLessThanOrEqual(longestWaitMs)
    }),
  )
})

test('a backoff lies between half of its wait and all of it', () => {
  const range = { firstMs: 2000, longestMs: 600_000 }
  expect([backoffMs(0, range, 0), backoffMs(0, range, 1), backoffMs(3, range, 0.5), backoffMs(1e9, range, 1)]).toEqual([
    1000, 2000, 12_000, 600_000,
  ])
})

test('every kind is tried longer before a warning than its waits are long, and is warned of well before it is paused', () => {
  for (const { firstWaitMs, longestWaitMs, warnAfterMs, pauseAfterMs } of Object.values(retryLadder)) {
    expect(firstWaitMs).toBeLessThanOrEqual(longestWaitMs)
    expect(warnAfterMs).toBeGreaterThan(3 * longestWaitMs)
    expect(pauseAfterMs - warnAfterMs).toBeGreaterThan(3 * longestWaitMs)
  }
})
