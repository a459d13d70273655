import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { intervalMs, learn, type Bounds, type Pace } from './pace.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const bounds: Bounds = { shortestMs: 5 * minute, fixedMs: null }
const unknown: Pace = { gapMs: null, silentMs: null }
const silent = (pace: Pace, ms: number): Pace => ({ ...pace, silentMs: pace.silentMs === null ? null : pace.silentMs + ms })

/** What is known after these gaps, with one item at the end of each. */
const after = (...gaps: number[]): Pace => gaps.reduce((pace, gap) => learn(silent(pace, gap), 1), learn(unknown, 500))
const often = (gap: number) => Array.from({ length: 50 }, () => gap)
const minutes = (pace: Pace): number => Math.round(intervalMs(pace, bounds) / minute)

test('the interval goes with the square root of the time between two new items, from five minutes to a day', () => {
  const intervals = [minute, 20 * minute, 45 * minute, 12 * hour, 48 * hour, 400 * day].map((gap) => minutes(after(...often(gap))))
  expect(intervals).toEqual([5, 10, 15, 60, 120, 1440])
})

test('what a first sync brings is history; nothing is known yet', () => {
  expect(learn(unknown, 100_000)).toEqual({ gapMs: null, silentMs: 0 })
  expect(minutes(learn(unknown, 9))).toBe(17)
})

test('who falls silent is looked at ever more seldom, and who speaks again is so soon', () => {
  const pace = after(...often(20 * minute))
  expect([hour, day, 30 * day].map((ms) => minutes(silent(pace, ms)))).toEqual([17, 85, 465])
  expect(minutes(after(...often(20 * minute), 30 * day, ...often(20 * minute).slice(0, 5)))).toBeLessThan(20)
})

test('a hundred pictures at once do not make it busy for long', () => {
  const pace = after(...often(day))
  const burst = learn(silent(pace, hour), 100)
  expect(minutes(burst)).toBeGreaterThan(30)
  expect(minutes(silent(burst, day))).toBe(minutes(pace))
})

test('what the person wants holds, and what the operator allows holds for everybody', () => {
  const pace = after(...often(minute))
  expect(intervalMs(pace, { shortestMs: 5 * minute, fixedMs: 6 * hour })).toBe(6 * hour)
  expect(intervalMs(pace, { shortestMs: 2 * hour, fixedMs: 15 * minute })).toBe(2 * hour)
  expect(intervalMs(pace, { shortestMs: 1000 * hour, fixedMs: null })).toBe(1000 * hour)
})

const syncs = fc.array(fc.record({ news: fc.integer({ min: 0, max: 1e5 }), ms: fc.integer({ min: 0, max: 60 * day }) }), { maxLength: 60 })

test('whatever comes, the interval is within its bounds, and more news never makes it longer', () => {
  fc.assert(
    fc.property(syncs, fc.integer({ min: 1, max: 1e5 }), fc.integer({ min: 0, max: 60 * day }), (before, news, ms) => {
      const pace = silent(
        before.reduce((known, sync) => learn(silent(known, sync.ms), sync.news), unknown),
        ms,
      )
      const [quiet, few, many] = [0, news, 2 * news].map((count) => intervalMs(learn(pace, count), bounds)) as [number, number, number]
      for (const interval of [quiet, few, many]) {
        expect(interval).toBeGreaterThanOrEqual(bounds.shortestMs)
        expect(interval).toBeLessThanOrEqual(day)
      }
      expect(many).toBeLessThanOrEqual(few)
      // A gap longer than ever, with an item at its end, is no reason to look more seldom than the silence was.
      expect(few).toBeLessThanOrEqual(quiet * 1.000001)
    }),
  )
})
