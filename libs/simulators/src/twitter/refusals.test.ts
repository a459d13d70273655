import { afterEach, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { startTwitter } from './index.ts'
import type { TwitterOptions, TwitterSimulator } from './index.ts'

const open: TwitterSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: TwitterOptions = {}) {
  const server = await startTwitter({ seed: 3, ...options })
  open.push(server)
  const { accessToken } = server.issueTokens()
  const get = async (path: string, token = accessToken) => {
    const response = await fetch(server.url + path, { headers: { authorization: `Bearer ${token}` } })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> }
  }
  return { server, get, id: server.account('alice').id, bob: server.account('bob').id }
}
const verifier = 'a-verifier-of-at-least-forty-three-characters-0'
const scope = 'tweet.read users.read offline.access'
function address(server: TwitterSimulator, more: Record<string, string> = {}) {
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const query = {
    response_type: 'code',
    client_id: server.app.clientId,
    redirect_uri: server.app.redirectUris[0]!,
    scope,
    state: 'a&b',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  }
  return `${server.url}/i/oauth2/authorize?${new URLSearchParams(query)}`
}
async function post(server: TwitterSimulator, path: string, form: Record<string, string>, withSecret = true) {
  const { clientId, clientSecret } = server.app
  const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
  const headers: Record<string, string> = withSecret ? { authorization: basic } : {}
  const response = await fetch(server.url + path, { method: 'POST', headers, body: new URLSearchParams(form) })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}
const exchange = (server: TwitterSimulator, location: string, more: Record<string, string> = {}, withSecret = true) => {
  const code = new URL(location).searchParams.get('code')!
  const form = { grant_type: 'authorization_code', code, redirect_uri: server.app.redirectUris[0]!, code_verifier: verifier, ...more }
  return post(server, '/2/oauth2/token', form, withSecret)
}
const refresh = (server: TwitterSimulator, token: string) =>
  post(server, '/2/oauth2/token', { grant_type: 'refresh_token', refresh_token: token })
const invalidToken = { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' }

describe('signing in', () => {
  test('a confidential app: the page, the code, tokens that rotate, and what happens when an old one comes again', async () => {
    const { server, get } = await start()
    const page = await (await fetch(address(server))).text()
    expect(page).toContain('<form method="post" action="/i/oauth2/authorize">')
    const location = await server.authorize(address(server), { account: 'bob' })
    expect(new URL(location).searchParams.get('state')).toBe('a&b')
    expect(await exchange(server, location, {}, false)).toMatchObject({ status: 401, body: { error: 'unauthorized_client' } })
    const wrong = await exchange(server, location, { code_verifier: 'another' })
    expect(wrong).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const first = await exchange(server, location)
    expect(first.body).toEqual({
      token_type: 'bearer',
      expires_in: 7200,
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      scope,
    })
    expect((await get('/2/users/me', first.body.access_token)).body).toMatchObject({ data: { username: 'bob' } })
    const second = await refresh(server, first.body.refresh_token!)
    expect(second.status).toBe(200)
    expect(await refresh(server, first.body.refresh_token!)).toEqual({ status: 400, body: invalidToken })
    expect(await refresh(server, second.body.refresh_token!)).toEqual({ status: 400, body: invalidToken })
    expect((await get('/2/users/me', second.body.access_token)).status).toBe(401)
    const counts = server.counters.snapshot()
    expect([counts.refreshTokenReuse, counts.other.refreshes]).toEqual([1, 3])
  })

  test('codes are used once and for half a minute; access tokens live two hours', async () => {
    let time = Date.parse('2024-05-05T05:05:05Z')
    const { server, get } = await start({ now: () => time })
    const location = await server.authorize(address(server))
    const tokens = (await exchange(server, location)).body
    time += 7_199_000
    expect((await get('/2/users/me', tokens.access_token)).status).toBe(200)
    time += 1000
    expect((await get('/2/users/me', tokens.access_token)).status).toBe(401)
    const refused = {
      status: 400,
      body: { error: 'invalid_request', error_description: 'Value passed for the authorization code was invalid.' },
    }
    expect(await exchange(server, location)).toEqual(refused)
    expect((await refresh(server, tokens.refresh_token!)).status).toBe(400)
    const late = await server.authorize(address(server))
    time += 30_000
    expect(await exchange(server, late)).toEqual(refused)
  })

  test('a public app, a plain challenge, no offline access, scopes declined, denial', async () => {
    const { server, get, bob } = await start({ app: { type: 'public' } })
    const plain = address(server, { code_challenge: verifier, code_challenge_method: 'plain', scope: 'tweet.read users.read like.read' })
    const location = await server.authorize(plain, { account: 'bob', decline: ['like.read'] })
    expect((await exchange(server, location, {}, false)).body.error_description).toBe('Missing required parameter [client_id].')
    const { body } = await exchange(server, location, { client_id: server.app.clientId }, false)
    expect([body.scope, body.refresh_token]).toEqual(['tweet.read users.read', undefined])
    expect(await get(`/2/users/${bob}/liked_tweets`, body.access_token)).toMatchObject({
      status: 403,
      body: { title: 'Forbidden', type: 'about:blank', status: 403, detail: 'Forbidden' },
    })
    expect(await server.authorize(address(server), { deny: true })).toBe('http://localhost:3000/cb/twitter?error=access_denied&state=a%26b')
  })

  test('what X takes though it does not say so: s256 in small letters, and JSON instead of a form', async () => {
    const { server } = await start()
    const code = new URL(await server.authorize(address(server, { code_challenge_method: 's256' }))).searchParams.get('code')!
    const body = JSON.stringify({
      grant_type: 'authorization_code',
      code,
      redirect_uri: server.app.redirectUris[0]!,
      code_verifier: verifier,
    })
    const ask = async (type: string) => {
      const { clientId, clientSecret } = server.app
      const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
      return (await fetch(`${server.url}/2/oauth2/token`, { method: 'POST', headers: { authorization, 'content-type': type }, body }))
        .status
    }
    expect(await ask('text/plain')).toBe(400)
    expect(await ask('application/json')).toBe(200)
  })

  test.each([
    ['redirect_uri', 'http://localhost:3000/cb/twitter/'],
    ['client_id', 'somebody'],
    ['scope', 'tweet.read tweet.dream'],
    ['state', ''],
    ['code_challenge', 'short'],
    ['code_challenge_method', 'S512'],
    ['response_type', 'token'],
  ])('an address with a wrong %s goes nowhere', async (name, value) => {
    const { server } = await start()
    await expect(server.authorize(address(server, { [name]: value }))).rejects.toThrow(/400 .*Something went wrong/)
  })

  test('revoking an access token leaves the rest; revoking the refresh token ends all', async () => {
    const { server, get } = await start()
    const tokens = (await exchange(server, await server.authorize(address(server)))).body
    expect(await post(server, '/2/oauth2/revoke', { token: tokens.access_token! })).toEqual({ status: 200, body: { revoked: true } })
    expect((await get('/2/users/me', tokens.access_token)).status).toBe(401)
    const next = (await refresh(server, tokens.refresh_token!)).body
    await post(server, '/2/oauth2/revoke', { token: next.refresh_token! })
    expect((await get('/2/users/me', next.access_token)).status).toBe(401)
    expect(await post(server, '/2/oauth2/revoke', { token: 'unknown' })).toEqual({ status: 400, body: invalidToken })
  })
})

describe('refusals', () => {
  test('parameters: unknown ones, values that are not allowed, ids, times, tokens of other lists', async () => {
    const { server, get, id, bob } = await start({ maxResults: 5 })
    server.generate({ tweets: 12, likes: 12 })
    const next = ((await get(`/2/users/${id}/liked_tweets`)).body.meta as Record<string, string>).next_token!
    const refused = async (path: string, message: RegExp) => {
      const { status, body } = await get(path)
      expect([status, body.title, body.type]).toEqual([400, 'Invalid Request', 'https://api.twitter.com/2/problems/invalid-request'])
      expect((body.errors as { message: string }[]).map((one) => one.message).join('\n')).toMatch(message)
    }
    await refused('/2/users/me?tweet.fields=created_at,likes', /`tweet\.fields` query parameter value \[likes\] is not one of \[article,/)
    await refused('/2/users/me?max_results=5', /query parameter \[max_results\] is not one of/)
    await refused(`/2/users/${id}/tweets?expansions=author`, /`expansions` query parameter value \[author\] is not one of/)
    await refused(`/2/users/${id}/tweets?max_results=4`, /\[4\] is not between 5 and 100/)
    await refused(`/2/users/${id}/tweets?start_time=2024-01-01`, /`start_time`/)
    await refused(`/2/users/${id}/tweets?exclude=quotes`, /is not one of \[replies,retweets\]/)
    await refused(`/2/users/${id}/tweets?pagination_token=${next}`, /`pagination_token`/)
    await refused(`/2/users/${id}/liked_tweets?pagination_token=${next.slice(0, -1)}x`, /`pagination_token`/)
    await refused(`/2/users/${bob}/bookmarks`, /must be the same as the authenticating user/)
    await refused('/2/tweets?ids=', /can not be empty/)
    await refused(`/2/tweets?ids=${Array.from({ length: 101 }, (_, i) => i + 1).join()}`, /\[101\] is not between 1 and 100/)
    await refused('/2/tweets/x1', /`id` query parameter value \[x1\] is not valid/)
  })

  test('what is missing or not for one’s eyes is told beside what there is', async () => {
    const { server, get } = await start()
    server.createAccount({ username: 'carol' })
    const [gone, closed, banned] = ['bob', 'bob', 'carol'].map((account) => server.post({ account }))
    const answers = [gone!, closed!, banned!].map((to) => server.reply(to))
    server.deletePost(gone!)
    server.protect('bob')
    server.suspend('carol')
    const { status, body } = await get(`/2/tweets?ids=1,${answers.join()}&expansions=referenced_tweets.id,in_reply_to_user_id`)
    expect([status, (body.data as unknown[]).length]).toEqual([200, 3])
    const errors = body.errors as Record<string, string>[]
    expect(errors.map(({ parameter, value, title, type }) => [parameter, value, title, type!.split('/').pop()])).toEqual([
      ['ids', '1', 'Not Found Error', 'resource-not-found'],
      ['referenced_tweets.id', gone, 'Not Found Error', 'resource-not-found'],
      ['referenced_tweets.id', closed, 'Authorization Error', 'not-authorized-for-resource'],
      ['in_reply_to_user_id', server.account('carol').id, 'Forbidden', 'resource-not-found'],
      ['referenced_tweets.id', banned, 'Authorization Error', 'not-authorized-for-resource'],
    ])
    expect((await get(`/2/users/${server.account('bob').id}/tweets`)).body).toEqual({
      errors: [expect.objectContaining({ section: 'data' })],
    })
  })

  test('windows of each endpoint and person, and of the app', async () => {
    let time = Date.parse('2024-05-05T05:00:00Z')
    const { server, get, id } = await start({
      now: () => time,
      rateLimits: { 'GET /2/users/me': { perUser: 2, perApp: null }, 'GET /2/users/:id/tweets': { perUser: 5, perApp: 3 } },
    })
    const first = await get('/2/users/me')
    expect(['limit', 'remaining', 'reset'].map((name) => first.headers.get(`x-rate-limit-${name}`))).toEqual([
      '2',
      '1',
      String(time / 1000 + 900),
    ])
    await get('/2/users/me')
    const third = await get('/2/users/me')
    expect(third).toMatchObject({ status: 429, body: { title: 'Too Many Requests', type: 'about:blank' } })
    expect([third.headers.get('retry-after'), third.headers.get('x-rate-limit-remaining')]).toEqual([null, '0'])
    expect(server.counters.snapshot().other.callsBeforeReset).toBeUndefined()
    await new Promise((resolve) => setTimeout(resolve, 60))
    await get('/2/users/me')
    expect(server.counters.snapshot().other.callsBeforeReset).toBe(1)
    const bob = server.issueTokens({ account: 'bob' }).accessToken
    expect((await get('/2/users/me', bob)).status).toBe(200)
    for (const token of [undefined, bob, bob]) expect((await get(`/2/users/${id}/tweets`, token)).status).toBe(200)
    expect((await get(`/2/users/${id}/tweets`)).status).toBe(429)
    time += 900_000
    expect((await get('/2/users/me')).status).toBe(200)
  })

  test('usage: a post is paid for once a day, and the month’s cap is another 429', async () => {
    let time = Date.parse('2024-05-30T23:00:00Z')
    const { server, get, id } = await start({ now: () => time, monthlyCap: 9 })
    const posts = Array.from({ length: 5 }, () => server.post())
    await get(`/2/users/${id}/tweets`)
    await get(`/2/tweets/${posts[0]}`)
    expect([server.postsRead(), server.counters.snapshot().other.postsReturned]).toEqual([5, 6])
    time += 3_600_000
    await get(`/2/users/${id}/tweets`)
    expect(server.postsRead()).toBe(10)
    const capped = await get(`/2/users/${id}/tweets`)
    expect(capped).toMatchObject({
      status: 429,
      body: { title: 'UsageCapExceeded', period: 'Monthly', type: 'https://api.twitter.com/2/problems/usage-capped' },
    })
    expect(Number(capped.headers.get('x-rate-limit-remaining'))).toBeGreaterThan(0)
    expect((await get('/2/users/me')).status).toBe(200)
    time += 86_400_000
    expect((await get(`/2/users/${id}/tweets`, server.issueTokens().accessToken)).status).toBe(200)
  })

  test('401, 403 in their kinds, 503, and the kit’s limits in X’s words', async () => {
    const { server, get } = await start()
    const types = async () => {
      const { status, body } = await get('/2/users/me')
      return [status, body.type]
    }
    expect((await get('/2/users/me', 'nobody')).body).toEqual({
      title: 'Unauthorized',
      type: 'about:blank',
      status: 401,
      detail: 'Unauthorized',
    })
    server.suspend('alice')
    expect(await types()).toEqual([403, 'https://api.twitter.com/2/problems/user-suspended'])
    server.suspend('alice', false)
    server.setAppEnrolled(false)
    expect((await get('/2/users/me')).body).toMatchObject({ reason: 'client-not-enrolled', title: 'Client Forbidden' })
    server.setAppEnrolled(true)
    server.faults.add({ kind: 'server-error', next: 1 })
    expect(await types()).toEqual([503, 'about:blank'])
    server.faults.add({ kind: 'rate-limited', retryAfterSeconds: 7, next: 1 })
    const { status, headers } = await get('/2/users/me')
    expect([status, headers.get('retry-after')]).toEqual([429, '7'])
    expect(Number(headers.get('x-rate-limit-reset')) * 1000).toBeGreaterThan(Date.now())
    expect(await types()).toEqual([200, undefined])
  })
})
