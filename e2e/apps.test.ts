import { get, type IncomingHttpHeaders } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { makeAppToken, type StoredItem } from '@asheville/clients'
import type { Scope } from '@asheville/core'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { createSupervisor, startHttpProxy, type Supervisor } from './harness/index.ts'
import { connectOAuth, signUp, startInstance, syncNow, type Instance } from './instance.ts'

/** Two processes of platform behind one port: what one of them has believed must not outlive a revocation. */
let instance: Instance
let supervisor: Supervisor
let mastodon: MastodonSimulator
let person: { userId: string; sessionId: string }
const statuses = 60
/** `APP_WRITES=1000 npm test -- e2e/apps` for as many. */
const writes = Number(process.env['APP_WRITES'] ?? 40)
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

/** One request with a body. */
async function send(
  secret: string,
  body: object,
  headers: Record<string, string> = {},
  url = `http://127.0.0.1:${instance.constellation.port}`,
): Promise<{ status: number; headers: Headers; body: string }> {
  const response = await fetch(`${url}/v1/items`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: await response.text() }
}
const note = (content: string, more: object = {}) => ({
  contentType: 'posts',
  at: '2023-05-06T07:08:09.000Z',
  object: { type: 'Note', content, ...more },
})

interface Told {
  id: string
  event: string
  data: { key: string; id: string; contentType: string }
}

/** A stream of events at the website's address. */
async function follow(path: string, secret: string, lastEventId?: string) {
  const events: Told[] = []
  const stopping = new AbortController()
  const headers = { authorization: `Bearer ${secret}`, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) }
  const response = await fetch(`http://127.0.0.1:${instance.constellation.port}${path}`, { headers, signal: stopping.signal })
  const ended = (async () => {
    let rest = ''
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = `${rest}${piece}`.split('\n\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? ''
        if (field('data') !== '') events.push({ id: field('id'), event: field('event'), data: JSON.parse(field('data')) as Told['data'] })
      }
    }
  })().catch(() => undefined)
  const until = async (isThere: () => boolean): Promise<void> => {
    for (const deadline = Date.now() + 20_000; !isThere(); await delay(50))
      if (Date.now() > deadline) throw new Error(`Not told: ${JSON.stringify(events)}`)
  }
  return { status: response.status, type: response.headers.get('content-type'), events, until, ended, stop: () => stopping.abort() }
}

describe('what a program adds', () => {
  test('lies in the storage by the name of its token, and says who wrote it and when', async () => {
    const { secret } = await makeToken('posts:read', 'posts:write')
    const answer = await send(secret, {
      items: [note('Written by a program'), note('With an id of its own', { id: 'https://example.org/1' })],
    })
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      201,
      expect.objectContaining({ new: 2, changed: 0, unchanged: 0, skipped: [] }),
    ])
    const { items } = JSON.parse(answer.body) as { items: { key: string; id: string }[] }
    expect(items[1]!.id).toBe('https://example.org/1')
    const stored = json<StoredItem>(await ask(`/v1/items/${items[0]!.key}`, secret))
    const name = `program ${made}`
    expect(stored).toMatchObject({ network: 'apps', account: name, contentType: 'posts', at: '2023-05-06T07:08:09.000Z' })
    expect(stored.object).toMatchObject({
      content: 'Written by a program',
      'asheville:writtenBy': { type: 'Application', name },
      'asheville:writtenAt': expect.stringMatching(/^20\d\d-/),
    })
    const text = await readFile(join(instance.files, person.userId, 'Asheville', stored.path), 'utf8')
    expect(text).toContain('Written by a program')

    const again = await send(secret, { items: [note('With an id of its own', { id: 'https://example.org/1' })] })
    expect([again.status, JSON.parse(again.body)]).toEqual([200, expect.objectContaining({ new: 0, unchanged: 1 })])
    const edited = await send(secret, { items: [note('Edited', { id: 'https://example.org/1' })] })
    expect(JSON.parse(edited.body)).toMatchObject({ new: 0, changed: 1 })
  })

  test('is written once by one key, however often it is sent', async () => {
    const { secret } = await makeToken('posts:read', 'posts:write')
    const [items, key] = [[note('Once')], { 'idempotency-key': `key-${made}` }]
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(secret, { items }, key)))
    expect(answers.map(({ status }) => status).filter((status) => ![201, 409].includes(status))).toEqual([])
    const [first, second] = [await send(secret, { items }, key), await send(secret, { items }, key)]
    expect([first.status, first.body, first.headers.get('idempotent-replayed')]).toEqual([201, second.body, 'true'])
    expect((await send(secret, { items: [note('Twice')] }, key)).status).toBe(422)
    const mine = (await walk('/v1/items?network=apps&limit=100', secret)).filter(({ account }) => account === `program ${made}`)
    expect(mine.map(({ object }) => object['content'])).toEqual(['Once'])
  })

  test(`is written once, though of three answers one is lost: ${writes} items, each sent until one arrives`, async () => {
    const proxy = await startHttpProxy({ target: `http://127.0.0.1:${instance.constellation.port}`, seed: 'replies' })
    proxy.faults.add({ kind: 'execute-and-time-out', rate: 0.3, ms: 0 })
    try {
      const left = Array.from({ length: writes }, (_, index) => index).values()
      const sendInTurn = async (): Promise<void> => {
        let { secret } = await makeToken('posts:write')
        let sent = 0
        for (const index of left) {
          // Each token may send 600 in a minute; a key is known by the token that it came with.
          if (sent > 500) [{ secret }, sent] = [await makeToken('posts:write'), 0]
          const key = { 'idempotency-key': `lost-${index}` }
          for (let status = 0; status !== 201; sent += 1) {
            status = (await send(secret, { items: [note(`Lost ${index}`)] }, key, proxy.url).catch(() => ({ status: 0 }))).status
            expect([0, 201, 409]).toContain(status)
          }
        }
      }
      await Promise.all(Array.from({ length: 4 }, sendInTurn))
    } finally {
      await proxy.close()
    }
    const { secret } = await makeToken('posts:read')
    const contents = (await walk('/v1/items?network=apps&limit=100', secret)).map(({ object }) => String(object['content']))
    const counted = Array.from({ length: writes }, (_, index) => contents.filter((content) => content === `Lost ${index}`).length)
    expect(counted).toEqual(counted.map(() => 1))
    expect(proxy.counts().executed).toBeGreaterThan(writes * 1.2)
    process.stderr.write(`Replies lost: ${writes} items sent ${proxy.counts().requests} times, each there once\n`)
  }, 600_000)

  test('is refused beyond its scopes, and where it says what only the server says', async () => {
    const { secret } = await makeToken('posts:read', 'events:write')
    expect((await send(secret, { items: [note('No')] })).status).toBe(403)
    const writer = await makeToken('posts:write')
    const path = 'media/2024/03/of-another-item.png'
    for (const object of [{ 'asheville:writtenBy': 'me' }, { attachment: [{ type: 'Image', 'asheville:path': path }] }]) {
      const answer = await send(writer.secret, { items: [note('No', object)] })
      expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('/items/0/object/')])
    }
  })
})

describe('what is told live', () => {
  test('new, changed and gone items of what the token reads, from where one was; and none after a revocation', async () => {
    const [posts, likes] = [await makeToken('posts:read', 'posts:write'), await makeToken('likes:read')]
    const [told, other] = [await follow('/v1/events', posts.secret), await follow('/v1/events', likes.secret)]
    expect([told.status, told.type]).toEqual([200, expect.stringContaining('text/event-stream')])
    const id = 'https://example.org/live'
    await send(posts.secret, { items: [note('Live', { id })] })
    await told.until(() => told.events.length >= 1)
    await send(posts.secret, { items: [note('Changed', { id })] })
    await told.until(() => told.events.length >= 2)
    expect(told.events.map(({ event, data }) => [event, data.id])).toEqual([
      ['new', id],
      ['changed', id],
    ])
    expect(other.events).toEqual([])

    // Whoever comes back is told what they have not seen: the item once, as it is now.
    const resumed = await follow('/v1/events', posts.secret, told.events[0]!.id)
    await resumed.until(() => resumed.events.length >= 1)
    expect(resumed.events).toEqual([told.events[1]])
    const all = await follow('/v1/events?contentType=likes', likes.secret, '0')
    await all.until(() => all.events.length >= favourites)
    expect(new Set(all.events.map(({ event, data }) => `${event} ${data.contentType}`))).toEqual(new Set(['new likes']))
    expect((await follow('/v1/events?contentType=likes', posts.secret)).status).toBe(403)

    await revoke(posts.id)
    const revokedAt = performance.now()
    await Promise.all([told.ended, resumed.ended])
    expect(performance.now() - revokedAt).toBeLessThan(3000)
    other.stop()
    all.stop()
  }, 60_000)

  test('what its network says is gone', async () => {
    const { secret } = await makeToken('posts:read')
    const { connections } = await instance.accounts('web').listConnections({ userId: person.userId, query: {} })
    const [network, storage] = ['network', 'storage'].map((kind) => connections.find((one) => one.kind === kind)!)
    const [post] = await walk('/v1/items?network=mastodon&contentType=posts', secret)
    const told = await follow('/v1/events', secret)
    const account = { id: network!.accountId, handle: network!.handle, title: network!.title, url: network!.url }
    const body = {
      storageId: storage!.id,
      connectionId: network!.id,
      stream: 'statuses',
      fence: 1e6,
      network: 'mastodon',
      account,
      items: [],
      gone: [post!.id],
      covers: [],
    }
    await instance.platform('workers').putItems({ userId: person.userId, body })
    await told.until(() => told.events.length >= 1)
    expect(told.events.map(({ event, data }) => [event, data.key])).toEqual([['gone', post!.key]])
    told.stop()
  }, 60_000)
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
