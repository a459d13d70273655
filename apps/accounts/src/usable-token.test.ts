import { expect, test } from '@jest/globals'
import { isUsable } from './usable-token.ts'

const updatedAt = '2026-01-01T12:00:00.000Z'
const after = (seconds: number) => new Date(Date.parse(updatedAt) + seconds * 1000)
const token = (seconds: number) => ({ accessToken: 'a', updatedAt, expiresAt: after(seconds).toISOString() })

test('a token is handed out until shortly before its end, and never when it was refused', () => {
  expect(isUsable(token(3600), null, after(3500))).toBe(true)
  expect(isUsable(token(3600), null, after(3575))).toBe(false)
  expect(isUsable(token(3600), 'b', after(0))).toBe(true)
  expect(isUsable(token(3600), 'a', after(0))).toBe(false)
  expect(isUsable({ ...token(1), expiresAt: null }, null, after(1e9))).toBe(true)
})

test('a token of a short life is still handed out', () => {
  expect(isUsable(token(10), null, after(8))).toBe(true)
  expect(isUsable(token(10), null, after(9.5))).toBe(false)
  expect(isUsable(token(0), null, after(0))).toBe(false)
})
