import { afterEach, describe, expect, test } from '@jest/globals'
import type { FacebookOptions, FacebookSimulator } from './index.ts'
import { startRaw } from './tests/raw-client.ts'

const open: FacebookSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: FacebookOptions = {}) {
  const raw = await startRaw(options)
  open.push(raw.server)
  return raw
}

describe('tokens', () => {
  test('each way in which one ends has its subcode', async () => {
    const { server, get } = await start()
    const told = async (end: () => void) => {
      const token = server.issueToken()
      end()
      const { status, body, headers } = await get('/me', {}, token)
      expect([status, headers.get('www-authenticate')]).toEqual([400, expect.stringContaining('OAuth "Facebook Platform" "invalid_token"')])
      return [body.error!.code, body.error!.error_subcode]
    }
    expect(await told(() => server.expireTokens())).toEqual([190, 463])
    expect(await told(() => server.changePassword('another'))).toEqual([190, 460])
    expect(await told(() => server.invalidateTokens())).toEqual([190, 467])
    expect(await told(() => server.removeApp())).toEqual([190, 458])
    expect(await told(() => server.setStanding('checkpoint'))).toEqual([190, 459])
    expect(await told(() => server.setStanding('unconfirmed'))).toEqual([190, 464])
    server.setStanding(null)
    expect(await told(() => server.setAppKnown(false))).toEqual([190, undefined])
  })

  test('an error in full; none, unknown and malformed tokens; a person who is blocked', async () => {
    const { server, token, get } = await start()
    const error = async (path: string, as: string | null) => (await get(path, {}, as)).body.error
    expect(await error('/me', null)).toMatchObject({ code: 2500, message: expect.stringContaining('An active access token') })
    expect(await error('/123', null)).toMatchObject({ code: 104 })
    expect(await error('/me', 'EAAx')).toEqual({
      message: 'Invalid OAuth access token - Cannot parse access token',
      type: 'OAuthException',
      code: 190,
      fbtrace_id: expect.stringMatching(/^A[\w-]{22}$/),
    })
    server.setStanding('blocked')
    expect(await error('/me', token)).toMatchObject({ code: 368, error_user_title: expect.any(String), error_user_msg: expect.any(String) })
    server.setStanding(null)
    expect(await error('/me', token)).toBeUndefined()
  })
})

describe('limits', () => {
  test('the app’s: 200 calls an hour for each user, said in per cent, error 4 beyond, and no Retry-After', async () => {
    let time = Date.parse('2024-05-05T05:00:00Z')
    const { server, get } = await start({ now: () => time, dailyUsers: 1 })
    const usage = async () => JSON.parse((await get('/me')).headers.get('x-app-usage')!) as Record<string, number>
    expect(await usage()).toEqual({ call_count: 0, total_cputime: 0, total_time: 0 })
    for (let i = 0; i < 98; i++) await get('/me')
    expect(await usage()).toEqual({ call_count: 50, total_cputime: 20, total_time: 30 })
    for (let i = 0; i < 99; i++) await get('/me')
    const refused = await get('/me')
    expect([refused.status, refused.headers.get('retry-after'), refused.body.error]).toEqual([
      403,
      null,
      expect.objectContaining({ code: 4, is_transient: true, message: '(#4) Application request limit reached' }),
    ])
    expect((await get('/me', {}, server.issueToken({ account: 'bob' }))).body.error).toMatchObject({ code: 4 })
    time += 3_600_000
    expect((await get('/me')).status).toBe(200)
  })

  test('usage can be set, the person’s limit and the business header too; who goes on is counted', async () => {
    const { server, get } = await start({ userLimit: { requests: 1, windowMs: 3_600_000 } })
    server.setUsage({ callCount: 88, totalTime: 99 })
    server.setBusinessUsage({ callCount: 12, minutes: 0 })
    const first = await get('/me')
    expect(JSON.parse(first.headers.get('x-app-usage')!)).toEqual({ call_count: 88, total_cputime: 0, total_time: 99 })
    expect(JSON.parse(first.headers.get('x-business-use-case-usage')!)).toEqual({
      [server.account().id]: [{ type: 'pages', call_count: 12, total_cputime: 0, total_time: 0, estimated_time_to_regain_access: 0 }],
    })
    expect((await get('/me')).body.error).toMatchObject({ code: 17, error_subcode: 2446079 })
    expect((await get('/me', {}, server.issueToken({ account: 'bob' }))).status).toBe(200)
    server.setUserLimit(null)
    server.setUsage({ totalCpuTime: 100 })
    const counted = () => server.counters.snapshot().other.callsWhileLimited ?? 0
    expect(counted()).toBe(0)
    while (counted() === 0) expect((await get('/me')).body.error).toMatchObject({ code: 4 })
    server.setUsage(null)
    expect((await get('/me')).status).toBe(200)
  })

  test('any error can be planned, for a while and a path', async () => {
    const { server, get } = await start()
    server.refuse(80001, { next: 1, route: '/photos', minutes: 5 })
    server.refuse(2, { next: 1 })
    const first = await get('/me')
    expect([first.status, first.body.error]).toEqual([500, expect.objectContaining({ code: 2, is_transient: true })])
    const second = await get('/me/photos', { type: 'uploaded' })
    expect(second.body.error).toMatchObject({ code: 80001 })
    expect(second.headers.get('x-business-use-case-usage')).toContain('"estimated_time_to_regain_access":5')
    expect((await get('/me/photos', { type: 'uploaded' })).status).toBe(200)
    while (server.counters.snapshot().callsBeforeRetryAfter === 0) await get('/me')
    server.refuse(613, { subcode: 1487742, status: 400 })
    for (let i = 0; i < 2; i++)
      expect(await get('/me')).toMatchObject({ status: 400, body: { error: { code: 613, error_subcode: 1487742 } } })
    server.acceptAgain()
    expect((await get('/me')).status).toBe(200)
  })

  test('pages that are too heavy', async () => {
    const { server, get } = await start({ heaviestPage: 50 })
    server.post()
    expect(await get('/me/posts', { limit: 100 })).toMatchObject({
      status: 500,
      body: { error: { code: 1, message: expect.stringContaining('reduce the amount of data') } },
    })
    expect((await get('/me/posts', { limit: 50 })).status).toBe(200)
  })
})

test('versions: older ones are served by the oldest, newer ones and none are no path', async () => {
  const { server, get } = await start({ versions: ['v22.0', 'v25.0'] })
  const served = async (path: string) => {
    const { status, headers, body } = await get(path)
    return [status, headers.get('facebook-api-version'), body.error?.message ?? null]
  }
  expect(await served('/v25.0/me')).toEqual([200, 'v25.0', null])
  expect(await served('/v3.2/me')).toEqual([200, 'v22.0', null])
  expect(await served('/v99.0/me')).toEqual([400, null, 'Unknown path components: /me'])
  expect(await served('/vme/posts')).toEqual([400, null, 'Unknown path components: /posts'])
  expect(await served('/v25.0/me/wishes')).toEqual([400, 'v25.0', 'Unknown path components: /me/wishes'])
  server.setVersions(['v26.0'])
  expect(await served('/v25.0/me')).toEqual([200, 'v26.0', null])
  expect((await fetch(`${server.url}/v99.0/dialog/oauth`)).status).toBe(400)
  expect(server.counters.snapshot().other.oldVersions).toBe(2)
})

test('faults of the kit come in Graph’s words', async () => {
  const { server, token, get } = await start()
  server.faults.add({ kind: 'rate-limited', retryAfterSeconds: 7, next: 1 })
  const limited = await get('/me')
  expect([limited.status, limited.headers.get('retry-after'), limited.body.error!.code]).toEqual([403, '7', 4])
  server.faults.add({ kind: 'server-error', status: 503, next: 1 })
  expect(await get('/me')).toMatchObject({ status: 503, body: { error: { code: 2, is_transient: true } } })
  server.faults.add({ kind: 'unauthorized', next: 1 })
  expect(await get('/me')).toMatchObject({ status: 400, body: { error: { code: 190 } } })
  expect((await get('/me')).status).toBe(200)
  server.faults.add({ kind: 'token-revoked', next: 1 })
  expect((await get('/me')).body.error).toMatchObject({ code: 190, error_subcode: 460 })
  expect((await get('/me', {}, token)).body.error).toMatchObject({ code: 190, error_subcode: 460 })
  expect(server.counters.snapshot().callers.alice!.requests).toBeGreaterThan(4)
})
