import { expect, test } from '@jest/globals'
import { unlockedMs, unlockedUntil, unlockFor } from './unlocking.ts'

const secret = 'a secret of at least thirty-two characters'
const now = Date.parse('2026-03-01T12:00:00.000Z')
const { value, until } = unlockFor(secret, 'a session', now)

test('it is unlocked for a quarter of an hour, and not a moment longer', () => {
  expect(until).toEqual(new Date('2026-03-01T12:15:00.000Z'))
  expect(unlockedUntil(value, secret, 'a session', now)).toEqual(until)
  expect(unlockedUntil(value, secret, 'a session', now + unlockedMs - 1)).toEqual(until)
  expect(unlockedUntil(value, secret, 'a session', now + unlockedMs)).toBeNull()
})

test('in another session it is not, nor by another server, nor for longer than was said', () => {
  expect(unlockedUntil(value, secret, 'another session', now)).toBeNull()
  expect(unlockedUntil(value, 'another secret', 'a session', now)).toBeNull()
  const [, signature] = value.split('.')
  expect(unlockedUntil(`${until.getTime() + 1}.${signature}`, secret, 'a session', now)).toBeNull()
  expect(unlockedUntil(unlockFor(secret, 'a session', now + 1).value, secret, 'a session', now)).toBeNull()
  for (const none of [null, '', '.', `${until.getTime()}.`, `NaN.${signature}`])
    expect(unlockedUntil(none, secret, 'a session', now)).toBeNull()
})
