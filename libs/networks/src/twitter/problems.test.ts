import { expect, test } from '@jest/globals'
import { errorOfProblem } from './problems.ts'

const now = new Date('2026-12-05T10:00:00Z')
const base = 'https://api.twitter.com/2/problems'
const of = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  errorOfProblem({ status, body, headers: new Headers(headers) }, now)

test('what is used up of a month or a day is the app’s until it begins anew', () => {
  const capped = { title: 'UsageCapExceeded', scope: 'Product', product_name: 'standard-basic', type: `${base}/usage-capped` }
  expect(of(429, { ...capped, period: 'Monthly' })).toMatchObject({
    ...{ kind: 'rate-limited', scope: 'app', retryAfterMs: Date.parse('2027-01-01T00:00:00Z') - now.getTime() },
    message: 'What X lets this server read in a month is used up. It goes on on 2027-01-01',
  })
  expect(of(429, { ...capped, period: 'Daily', type: 'https://api.x.com/2/problems/usage-capped' })).toMatchObject({
    ...{ kind: 'rate-limited', scope: 'app', retryAfterMs: 14 * 3600_000 },
    message: 'What X lets this server read in a day is used up. It goes on on 2026-12-06',
  })
})

test('limits of 24 hours say whose they are', () => {
  const reset = String(now.getTime() / 1000 + 7200)
  const headers = (app: string, user: string) => ({
    ...{ 'x-app-limit-24hour-remaining': app, 'x-app-limit-24hour-reset': reset },
    ...{ 'x-user-limit-24hour-remaining': user, 'x-user-limit-24hour-reset': reset },
  })
  expect(of(429, null, headers('0', '5'))).toMatchObject({ kind: 'rate-limited', scope: 'app', retryAfterMs: 7_200_000 })
  expect(of(429, null, headers('9', '0'))).toMatchObject({ kind: 'rate-limited', scope: 'connection', retryAfterMs: 7_200_000 })
  // What is left is the limit of the window, which the client reads by itself.
  expect(of(429, { title: 'Too Many Requests', type: 'about:blank' }, headers('9', '5'))).toBeNull()
})

test('an app without credit holds everybody back for a while', () => {
  const body = { account_id: 1, title: 'CreditsDepleted', type: `${base}/credits` }
  expect(of(402, body)).toMatchObject({
    kind: 'rate-limited',
    scope: 'app',
    retryAfterMs: 3_600_000,
    message: expect.stringContaining('no credit'),
  })
})

test('a mark that X does not take is an expired one; anything else that it does not take is ours', () => {
  const refused = (name: string) => ({
    errors: [{ parameters: { [name]: ['secret'] }, message: 'not valid' }],
    type: `${base}/invalid-request`,
  })
  expect(of(400, refused('pagination_token'))?.kind).toBe('cursor-expired')
  const error = of(400, refused('tweet.fields'))
  expect(error).toMatchObject({ kind: 'unexpected', message: 'X refused the request: tweet.fields' })
  expect(of(400, 'text')).toMatchObject({ kind: 'unexpected' })
})

test('refusals are told apart', () => {
  expect(of(403, { type: `${base}/user-suspended` })).toMatchObject({
    kind: 'reconnect-required',
    message: expect.stringContaining('suspended'),
  })
  expect(of(403, { type: `${base}/client-forbidden`, reason: 'client-not-enrolled' })).toMatchObject({
    ...{ kind: 'unavailable', retryAfterMs: 3_600_000, message: expect.stringContaining('client-not-enrolled') },
  })
  expect(of(403, { type: 'about:blank' })).toMatchObject({ kind: 'reconnect-required', message: expect.stringContaining('allow all') })
  expect(of(404, null)?.kind).toBe('unavailable')
  expect([of(401, null), of(503, null)]).toEqual([null, null])
})
