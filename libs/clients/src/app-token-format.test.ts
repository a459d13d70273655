import { expect, test } from '@jest/globals'
import { beginOf, isAppToken, makeAppToken } from './app-token-format.ts'

test('tokens differ, and have the prefix and a checksum that any other sign breaks', () => {
  const tokens = Array.from({ length: 200 }, makeAppToken)
  expect(new Set(tokens).size).toBe(200)
  for (const token of tokens) {
    expect(token).toMatch(/^ash_pat_[0-9A-Za-z]{36}$/)
    expect(isAppToken(token)).toBe(true)
    const place = 8 + Math.floor(Math.random() * 36)
    const other = token[place] === 'a' ? 'b' : 'a'
    expect(isAppToken(token.slice(0, place) + other + token.slice(place + 1))).toBe(false)
  }
  expect(beginOf(tokens[0]!)).toHaveLength(12)
})

test('what only looks like one is none', () => {
  const token = makeAppToken()
  for (const other of ['', 'ash_pat_', token.slice(1), `${token} `, `${token}a`, token.toUpperCase(), token.replace('pat', 'tap')])
    expect([other, isAppToken(other)]).toEqual([other, false])
})
