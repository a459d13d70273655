import { expect, test } from '@jest/globals'
import { paceOf, ratesOf } from './paces-of.ts'

const now = new Date('2026-03-01T12:00:00.000Z')
const [one, other] = ['5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a01', '5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a02']
const event = (secondsAgo: number, event: object) => ({ id: `${now.getTime() - secondsAgo * 1000}-0`, json: JSON.stringify(event) })
const progress = (secondsAgo: number, items: number, connectionId = one) =>
  event(secondsAgo, { type: 'progress', connectionId, stream: 'posts', new: items, changed: 1, pages: 1 })

test('the rate is what came in since the first batch', () => {
  const events = [
    progress(120, 1000),
    progress(60, 39),
    event(50, { type: 'stream', connectionId: one, stream: 'posts', state: 'running' }),
    event(40, { type: 'of another version', connectionId: one }),
    progress(30, 7, other),
    progress(10, 19),
  ]
  const rates = ratesOf(events, now)
  // Of the other there is one batch, which says nothing.
  expect([...rates]).toEqual([[`${one}-posts`, 30]])
  expect(ratesOf([], now).size).toBe(0)
})

test('what came in just now is no rate without end', () => {
  expect(ratesOf([progress(0.01, 5), progress(0.01, 9)], now).get(`${one}-posts`)).toBe(600)
})

const history = { backfilling: true }
test.each([
  ['what is left, at that rate', 30, [{ available: 100, stored: 40 }], history, { itemsPerMinute: 30, secondsLeft: 120 }],
  [
    'of all its types',
    60,
    [
      { available: 100, stored: 40 },
      { available: 9, stored: 20 },
    ],
    history,
    { itemsPerMinute: 60, secondsLeft: 60 },
  ],
  [
    'not known of one of them',
    60,
    [
      { available: 100, stored: 40 },
      { available: null, stored: 0 },
    ],
    history,
    { itemsPerMinute: 60, secondsLeft: null },
  ],
  ['nor while nobody knows what is stored', 60, [{ available: 100, stored: null }], history, { itemsPerMinute: 60, secondsLeft: null }],
  ['nor at no rate', 0, [{ available: 100, stored: 40 }], history, { itemsPerMinute: 0, secondsLeft: null }],
  ['nor at an unknown one', undefined, [{ available: 100, stored: 40 }], history, { itemsPerMinute: null, secondsLeft: null }],
  ['nor of what is new', 30, [{ available: 100, stored: 40 }], { backfilling: false }, { itemsPerMinute: 30, secondsLeft: null }],
])('time left: %s', (_, rate, types, stream, expected) => {
  expect(paceOf(rate, types, stream)).toEqual(expected)
})
