import { expect, test } from '@jest/globals'
import { nextDueMs } from './next-due.ts'

const minute = 60_000

test('the next sync comes after the interval, give or take a tenth', () => {
  expect(nextDueMs({ intervalMs: 15 * minute, failures: 0 }, 0)).toBe(13.5 * minute)
  expect(nextDueMs({ intervalMs: 15 * minute, failures: 0 }, 1)).toBe(16.5 * minute)
})

test('failures in a row make the pause grow up to a day', () => {
  expect(nextDueMs({ intervalMs: 15 * minute, failures: 2 }, 0.5)).toBe(60 * minute)
  expect(nextDueMs({ intervalMs: 15 * minute, failures: 500 }, 0.5)).toBe(24 * 60 * minute)
  expect(nextDueMs({ intervalMs: 48 * 60 * minute, failures: 3 }, 0.5)).toBe(48 * 60 * minute)
})

test('a full storage is tried again after an hour at the earliest', () => {
  expect(nextDueMs({ intervalMs: minute, failures: 1, isFull: true }, 0.5)).toBe(60 * minute)
})
