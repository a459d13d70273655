import { get, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { makeAppToken, type StoredItem } from '@asheville/clients'
import type { Scope } from '@asheville/core'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { createSupervisor, type Supervisor } from './harness/index.ts'
import { connectOAuth, signUp, startInstance, syncNow, type Instance } from './instance.ts'

// What goes on in the background of a busy machine (a lease that ends, a late answer) is told, and tried once more; a fault comes again.
jest.retryTimes(1, { logErrorsBeforeRetry: true })

/** Two processes of platform behind one port: what one of them has believed must not outlive a revocation. */
let instance: Instance
let supervisor: Supervisor
let mastodon: MastodonSimulator
let person: { userId: string; sessionId: string }
const statuses = 60
const favourites = 7

beforeAll(async () => {
  mastodon = await startMastodon({ accounts: ['ann'], rateLimit: null, pictureSize: { width: 16, height: 16 } })
  mastodon.generate({ seed: 'apps', account: 'ann', statuses, favourites, pictures: 3 })
  instance = await startInstance([mastodon.url], { PROCESSES: 'platform:2', SYNC_INTERVAL_MINUTES: '1000' })
  supervisor = createSupervisor(() => instance.constellation)
  person = await signUp(instance)
  await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address, { account: 'ann' }))
  expect((await syncNow(instance, person.userId)).state).toBe('done')
}, 180_000)
afterAll(async () => {
  await supervisor?.release()
  await instance?.close()
  await mastodon?.close()
}, 60_000)

let made = 0
async function makeToken(...scopes: Scope[]): Promise<{ secret: string; id: string }> {
  const body = { sessionId: person.sessionId, current: 'a calm blue ridge', name: `program ${(made += 1)}`, scopes, days: 30 as const }
  const { secret, token } = await instance.accounts('web').createAppToken({ userId: person.userId, body })
  return { secret, id: token.id }
}
const revoke = (appTokenId: string) => instance.accounts('web').revokeAppToken({ userId: person.userId, params: { appTokenId } })

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
  ms: number
}

/** One request at the website's address, on a connection of its own, so that each may meet another process. */
async function ask(path: string, secret: string | null, headers: Record<string, string> = {}): Promise<Answer> {
  const startedAt = performance.now()
  const { port } = instance.constellation
  const given = { ...headers, ...(secret !== null && { authorization: `Bearer ${secret}` }) }
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false, headers: given })
      .on('error', reject)
      .on('response', (response) => {
        const { statusCode: status = 0, headers } = response
        text(response).then((body) => resolve({ status, headers, body, ms: performance.now() - startedAt }), reject)
      })
  })
}
const json = <T>({ body }: Answer): T => JSON.parse(body) as T
type List = { items: StoredItem[]; next: string | null }

/** Every page of a list, by its `Link`. */
async function walk(first: string, secret: string): Promise<StoredItem[]> {
  const items: StoredItem[] = []
  for (let path: string | undefined = first; path !== undefined;) {
    const answer = await ask(path, secret)
    expect(answer.status).toBe(200)
    items.push(...json<List>(answer).items)
    path = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  return items
}

describe('what a token opens', () => {
  test('items in pages, filtered, newest or oldest first; with a Link, an ETag and what is left of the limit', async () => {
    const { secret } = await makeToken('posts:read')
    const posts = await walk('/v1/items?limit=25', secret)
    expect(posts.length).toBeGreaterThanOrEqual(statuses)
    expect(new Set(posts.map(({ contentType }) => contentType))).toEqual(new Set(['posts']))
    expect(posts.map(({ at }) => at)).toEqual(
      posts
        .map(({ at }) => at)
        .sort()
        .reverse(),
    )
    expect((await walk('/v1/items?order=oldest&limit=40', secret)).map(({ key }) => key)).toEqual(posts.map(({ key }) => key).reverse())

    const [from, to] = [posts[20]!.at!, posts[10]!.at!]
    const within = await walk(`/v1/items?network=mastodon&contentType=posts&from=${from}&to=${to}`, secret)
    expect(within.map(({ key }) => key)).toEqual(posts.slice(11, 21).map(({ key }) => key))
    expect(await walk('/v1/items?network=bluesky', secret)).toEqual([])

    const answer = await ask('/v1/items?limit=1', secret)
    expect(answer.headers).toMatchObject({
      'ratelimit-policy': '"token";q=600;w=60',
      'content-type': expect.stringContaining('application/json'),
    })
    expect(answer.headers['ratelimit']).toMatch(/^"token";r=5\d\d;t=\d+$/)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect((await ask('/v1/items?limit=1', secret, { 'if-none-match': answer.headers.etag! })).status).toBe(304)
    const bad = await ask('/v1/items?limit=1000', secret)
    expect([bad.status, bad.headers['content-type'], json<{ requestId: string }>(bad).requestId]).toEqual([
      400,
      expect.stringContaining('application/problem+json'),
      bad.headers['x-request-id'],
    ])
  })

  test('one item with what its network sent, and its files by Range', async () => {
    const { secret } = await makeToken('posts:read')
    const [shown] = (await walk('/v1/items?limit=100', secret)).filter(({ object }) => JSON.stringify(object).includes('"asheville:path"'))
    const one = await ask(`/v1/items/${shown!.key}`, secret)
    expect(json<StoredItem>(one).object).toHaveProperty('asheville:raw')
    expect((await ask(`/v1/items/${shown!.key}`, secret, { 'if-none-match': one.headers.etag! })).status).toBe(304)

    const path = /"asheville:path":"([^"]+)"/.exec(one.body)![1]!
    const file = await ask(`/v1/files/${path}?item=${shown!.key}`, secret, { range: 'bytes=0-7' })
    expect([file.status, file.headers['content-range'], file.headers['content-length']]).toEqual([
      206,
      expect.stringMatching(/^bytes 0-7\/\d+$/),
      '8',
    ])
    expect((await ask(`/v1/files/${encodeURIComponent(path)}?item=${shown!.key}`, secret)).status).toBe(200)
    const other = (await walk('/v1/items?limit=100', secret)).find(({ object }) => !JSON.stringify(object).includes(path))!
    expect((await ask(`/v1/files/${path}?item=${other.key}`, secret)).status).toBe(404)
    expect((await ask(`/v1/files/${path}`, secret)).status).toBe(400)
  })

  test('nothing of another content type is there: not in lists, not by its key, its files or counts', async () => {
    const [all, likes, posts] = [await makeToken('posts:read', 'likes:read'), await makeToken('likes:read'), await makeToken('posts:read')]
    const everything = await walk('/v1/items?limit=100', all.secret)
    const liked = everything.filter(({ contentType }) => contentType === 'likes')
    expect(liked).toHaveLength(favourites)
    expect(await walk('/v1/items?limit=100', likes.secret)).toEqual(liked)
    expect(await walk('/v1/items?limit=100', posts.secret)).toEqual(everything.filter(({ contentType }) => contentType === 'posts'))

    const hidden = liked[0]!.key
    const [foreign, absent] = [await ask(`/v1/items/${hidden}`, posts.secret), await ask('/v1/items/nothing', posts.secret)]
    expect([foreign.status, json<{ detail: string }>(foreign).detail]).toEqual([404, json<{ detail: string }>(absent).detail])
    const counts = json<{ counts: { contentType: string }[]; media: unknown[] }>(await ask('/v1/counts', posts.secret))
    expect([counts.counts.map(({ contentType }) => contentType), counts.media]).toEqual([['posts'], []])
    const refused = await ask('/v1/items?contentType=likes', posts.secret)
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([403, 'Bearer realm="Asheville", error="insufficient_scope"'])

    const path = everything
      .filter(({ contentType }) => contentType === 'posts')
      .flatMap(({ object }) => /"asheville:path":"([^"]+)"/.exec(JSON.stringify(object))?.[1] ?? [])[0]!
    const post = everything.find(({ object }) => JSON.stringify(object).includes(path))!
    expect((await ask(`/v1/files/${path}?item=${post.key}`, likes.secret)).status).toBe(404)
    const writer = await makeToken('posts:write')
    expect((await ask('/v1/items', writer.secret)).status).toBe(403)
  })

  test('nothing else: neither what services ask each other, nor what is not in the list, nor by a cookie', async () => {
    const { secret } = await makeToken('posts:read', 'posts:write')
    for (const path of [
      '/v1/media/pending',
      '/v1/person',
      '/v1/user',
      '/v1/connections',
      '/v1/files/../../metrics',
      '/v1/files/%2e%2e/%2e%2e/metrics',
      '/v1/files/x/..%2f..%2f..%2fmetrics',
    ])
      expect([path, (await ask(path, secret)).status]).toEqual([path, 404])
    const { body } = await ask('/v1/openapi.json', null)
    const known = Object.keys((JSON.parse(body) as { paths: object }).paths)
    expect(known).toEqual(expect.arrayContaining(['/v1/items', '/v1/items/{key}', '/v1/files/{path}', '/v1/counts']))
    expect(known).not.toContain('/v1/media')
  })
})

describe('what opens nothing', () => {
  test('no token, none of ours, one that never was, and a service’s own at this door', async () => {
    const { createSigner } = await import('@asheville/service')
    const sign = createSigner({ issuer: 'web', privateKey: instance.constellation.env.web['SERVICE_PRIVATE_KEY']! })
    for (const secret of ['x', 'ash_pat_', makeAppToken(), await sign('platform', person.userId)]) {
      const answer = await ask('/v1/items', secret)
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="Asheville", error="invalid_token"'])
    }
    const none = await ask('/v1/items', null)
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer realm="Asheville"'])
  })

  test('one that was taken back, within a second, at every process', async () => {
    const { secret, id } = await makeToken('posts:read')
    for (let request = 0; request < 12; request += 1) expect((await ask('/v1/items?limit=1', secret)).status).toBe(200)
    await revoke(id)
    const revokedAt = performance.now()
    let lastGood = 0
    while (performance.now() - revokedAt < 2500) {
      const startedAt = performance.now()
      const { status } = await ask('/v1/items?limit=1', secret)
      if (status === 200) lastGood = startedAt - revokedAt
      await delay(20)
    }
    process.stderr.write(`A revoked token was last good ${Math.round(lastGood)} ms after its revocation was answered\n`)
    expect(lastGood).toBeLessThan(1000)
  })

  test('one that has ended, although it was believed a moment ago', async () => {
    const { secret, id } = await makeToken('posts:read')
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: instance.constellation.databaseUrl })
    await client.connect()
    await client.query(`UPDATE accounts.app_tokens SET expires_at = now() + interval '1500 ms' WHERE id = $1`, [id])
    await client.end()
    expect((await ask('/v1/items?limit=1', secret)).status).toBe(200)
    await delay(1600)
    expect((await ask('/v1/items?limit=1', secret)).status).toBe(401)
  })
})

describe('when something is away', () => {
  afterEach(() => supervisor.release())

  test.each(['stopped', 'frozen'])(
    'Redis is %s: requests are answered without being counted, and what is taken back is dead',
    async (how) => {
      const [kept, taken] = [await makeToken('posts:read'), await makeToken('posts:read')]
      for (const { secret } of [kept, taken]) expect((await ask('/v1/items?limit=1', secret)).status).toBe(200)
      if (how === 'stopped') await supervisor.stop('redis')
      else supervisor.freeze('redis')
      await revoke(taken.id)
      expect((await ask('/v1/items?limit=1', taken.secret)).status).toBe(401)
      const answer = await ask('/v1/items?limit=1', kept.secret)
      expect([answer.status, answer.headers['ratelimit']]).toEqual([200, undefined])
      await supervisor.release()
      await supervisor.untilReady()
      for (let request = 0; request < 6; request += 1) expect((await ask('/v1/items?limit=1', taken.secret)).status).toBe(401)
      expect((await ask('/v1/items?limit=1', kept.secret)).status).toBe(200)
    },
    60_000,
  )

  test('accounts is away: nobody is let in whom it did not know a moment ago', async () => {
    const [fresh, known] = [await makeToken('posts:read'), await makeToken('posts:read')]
    expect((await ask('/v1/items?limit=1', known.secret)).status).toBe(200)
    await supervisor.stop('accounts')
    const answer = await ask('/v1/items?limit=1', fresh.secret)
    expect([answer.status, Number(answer.headers['retry-after'])]).toEqual([503, expect.any(Number)])
    expect((await ask('/v1/items?limit=1', makeAppToken())).status).toBe(503)
    expect((await ask('/v1/counts', known.secret)).status).toBe(200)
  }, 60_000)
})

test('more than the limit is told to wait, and as long as it is told', async () => {
  const { secret } = await makeToken('posts:read')
  let answer = await ask('/v1/items/none', secret)
  for (let sent = 1; sent < 620 && answer.status !== 429; sent += 20)
    answer = (await Promise.all(Array.from({ length: 20 }, () => ask('/v1/items/none', secret)))).at(-1)!
  expect(answer.status).toBe(429)
  expect(answer.headers['ratelimit']).toMatch(/^"token";r=0;t=\d+$/)
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60)
  const other = await makeToken('posts:read')
  expect((await ask('/v1/items?limit=1', other.secret)).status).toBe(200)
}, 60_000)
