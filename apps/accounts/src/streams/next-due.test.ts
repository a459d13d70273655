import { expect, test } from '@jest/globals'
import { nextDueMs } from './next-due.ts'

const minute = 60_000
const daily = { gapMs: 1440 * minute, silentMs: 0 }
const bounds = { shortestMs: 10 * minute, fixedMs: null }

test('the next sync comes after the interval, give or take a tenth', () => {
  expect([0, 0.5, 1].map((random) => nextDueMs(daily, bounds, false, random) / minute)).toEqual([108, 120, 132])
})

test('what the network has told of is looked at as soon as anything is', () => {
  expect([0, 1].map((random) => nextDueMs(daily, bounds, true, random) / minute)).toEqual([9, 11])
})
