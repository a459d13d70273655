import { expect, test } from '@jest/globals'
import { retryAfterMs } from './retry-after.ts'

const now = new Date('2026-05-01T12:00:00.000Z')
const epoch = now.getTime() / 1000

test.each([
  ['seconds', { 'retry-after': '30' }, 30_000],
  ['a date', { 'retry-after': 'Fri, 01 May 2026 12:02:00 GMT' }, 120_000],
  ['the past is now', { 'retry-after': 'Fri, 01 May 2026 11:00:00 GMT' }, 0],
  ['Mastodon', { 'x-ratelimit-reset': '2026-05-01T12:05:00.123456Z' }, 300_123],
  ['GitHub', { 'x-ratelimit-reset': String(epoch + 60) }, 60_000],
  ['milliseconds', { 'x-ratelimit-reset': String((epoch + 60) * 1000) }, 60_000],
  ['X', { 'x-rate-limit-reset': String(epoch + 900) }, 900_000],
  ['Bluesky', { 'ratelimit-reset': String(epoch + 10), 'ratelimit-remaining': '0' }, 10_000],
  ['seconds to wait', { 'ratelimit-reset': '42' }, 42_000],
  ['the draft', { ratelimit: '"default";r=0;t=7' }, 7000],
  ['the older draft', { ratelimit: 'limit=100, remaining=0, reset=9' }, 9000],
  ['Retry-After goes first', { 'retry-after': '1', 'x-ratelimit-reset': String(epoch + 60) }, 1000],
  ['nonsense is passed over', { 'retry-after': 'soon', 'ratelimit-reset': '5' }, 5000],
  ['never more than a day', { 'retry-after': '99999999' }, 86_400_000],
  ['nothing', {}, undefined],
])('%s', (_name, headers, ms) => expect(retryAfterMs(new Headers(headers), now)).toBe(ms))
