import { expect, test } from '@jest/globals'
import { refusalOf } from './errors.ts'

const answer = (status: number, error: object, headers: Record<string, string> = {}) =>
  refusalOf({
    status,
    headers: new Headers(headers),
    body: { error: { message: 'secret words', type: 'OAuthException', fbtrace_id: 'A', ...error } },
  })

test.each([
  [{ code: 190, error_subcode: 463 }, 400, 'reconnect-required'],
  [{ code: 190 }, 401, 'reconnect-required'],
  [{ code: 102 }, 400, 'reconnect-required'],
  [{ code: 10 }, 403, 'reconnect-required'],
  [{ code: 200 }, 403, 'reconnect-required'],
  [{ code: 299 }, 400, 'reconnect-required'],
  [{ code: 3 }, 400, 'forbidden'],
  [{ code: 1 }, 500, 'unavailable'],
  [{ code: 2 }, 400, 'unavailable'],
  [{ code: 999, is_transient: true }, 400, 'unavailable'],
  [{ code: 100, error_subcode: 33 }, 400, 'not-found'],
  [{ code: 803 }, 404, 'not-found'],
  [{ code: 100 }, 400, 'invalid'],
  [{ code: 101 }, 400, 'invalid'],
] as const)('%j with status %i is %s', (error, status, kind) => {
  expect(answer(status, error)).toMatchObject({ kind })
})

test.each([
  [4, 'app'],
  [341, 'app'],
  [17, 'connection'],
  [32, 'connection'],
  [613, 'connection'],
  [80001, 'connection'],
  [368, 'connection'],
] as const)('code %i holds back the %s, for a time that is known', (code, scope) => {
  const error = answer(400, { code })!
  expect(error).toMatchObject({ kind: 'rate-limited', scope })
  expect(error.retryAfterMs).toBeGreaterThan(60_000)
})

test('Facebook’s estimate is how long is waited', () => {
  const usage = {
    '7001': [
      { type: 'pages', call_count: 100, estimated_time_to_regain_access: 3 },
      { type: 'other', estimated_time_to_regain_access: 19 },
    ],
  }
  expect(answer(400, { code: 4 }, { 'x-business-use-case-usage': JSON.stringify(usage) })!.retryAfterMs).toBe(19 * 60_000)
})

test('what Facebook does not say in its own words, and what passes, is left to the status', () => {
  expect(refusalOf({ status: 502, headers: new Headers(), body: null })).toBeNull()
  expect(answer(503, { code: 2 })).toBeNull()
  expect(refusalOf({ status: 429, headers: new Headers(), body: null })).toMatchObject({ kind: 'rate-limited', scope: 'connection' })
})

test('the person reads what to do, and none of Facebook’s words', () => {
  const error = answer(400, { code: 190, error_subcode: 459 })!
  expect(error.message).toMatch(/sign in there/)
  expect(JSON.stringify([error.message, String(error.cause)])).not.toContain('secret words')
})
