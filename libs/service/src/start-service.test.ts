import { setTimeout as pause } from 'node:timers/promises'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AshevilleError, errorKinds, route, serviceNames, type RouteContract } from '@asheville/core'
import { z } from 'zod'
import { bind, bindAll, routeTable, type Binding } from './binding.ts'
import { openEvents } from './open-events.ts'
import { openSocket, startTestService, type TestService } from './start-test-service.ts'

const forUser = { who: 'service', from: ['web', 'workers'], user: true } as const
const anyone = { who: 'anyone' } as const
const canary = 'the-secret-inside'

const routes = {
  getThing: route({
    method: 'GET',
    path: '/v1/things/:id',
    summary: 'A thing',
    policy: forUser,
    params: z.strictObject({ id: z.coerce.number().int() }),
    query: z.strictObject({ limit: z.coerce.number().max(10).default(3) }),
    reply: z.strictObject({ id: z.number(), limit: z.number(), userId: z.string(), caller: z.string() }),
  }),
  putThing: route({
    method: 'POST',
    path: '/v1/things',
    summary: 'Make one',
    policy: { who: 'service', from: ['web'], user: false },
    body: z.strictObject({ email: z.email('Write an e-mail address'), tags: z.array(z.strictObject({ name: z.string() })).optional() }),
    reply: 'none',
  }),
  fail: route({
    method: 'GET',
    path: '/v1/fail/:kind',
    summary: 'Fail',
    policy: anyone,
    params: z.strictObject({ kind: z.string() }),
    reply: 'none',
  }),
  wrongReply: route({ method: 'GET', path: '/v1/wrong-reply', summary: 'Wrong', policy: anyone, reply: z.strictObject({ a: z.number() }) }),
  slow: route({ method: 'GET', path: '/v1/slow', summary: 'Slow', policy: anyone, reply: 'none' }),
  upload: route({
    method: 'PUT',
    path: '/v1/upload',
    summary: 'Bytes in',
    policy: anyone,
    body: 'stream',
    maxBytes: 1000,
    reply: z.strictObject({ bytes: z.number() }),
  }),
  refuse: route({
    method: 'PUT',
    path: '/v1/refuse',
    summary: 'Bytes that nobody wants',
    policy: anyone,
    body: 'stream',
    maxBytes: 4_000_000,
    reply: 'none',
  }),
  download: route({
    method: 'GET',
    path: '/v1/download/*path',
    summary: 'Bytes out',
    policy: anyone,
    params: z.strictObject({ path: z.array(z.string()) }),
    reply: 'stream',
  }),
  events: route({ method: 'GET', path: '/v1/events', summary: 'Events', policy: anyone, reply: 'events' }),
} as const

const aborted: string[] = []
let service: TestService

const bindings: Binding[] = bindAll(routes, {
  getThing: async ({ params, query, userId, caller }) => ({ id: params.id, limit: query.limit, userId, caller }),
  putThing: async () => undefined,
  fail: async ({ params }) => {
    const kind = errorKinds.find((name) => name === params.kind)
    if (params.kind === 'away') throw new AshevilleError('unavailable', 'The database does not answer')
    if (!kind) throw new Error(canary)
    throw new AshevilleError(kind, kind === 'unexpected' ? canary : `It is ${kind}`, {
      retryAfterMs: 1500,
      faults: [{ pointer: '/a', message: 'b' }],
    })
  },
  wrongReply: async () => ({ a: canary as unknown as number }),
  slow: ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted.push(String((signal.reason as Error).message))
        reject(signal.reason)
      })
    }),
  upload: async ({ body }) => {
    let bytes = 0
    for await (const chunk of body) bytes += (chunk as Buffer).length
    return { bytes }
  },
  refuse: () => Promise.reject(new AshevilleError('conflict', 'There is nowhere to put it')),
  download: async ({ params }) => {
    if (params.path[0] === 'cached') return { status: 304, headers: { etag: '"1"' }, body: null }
    if (params.path[0] === 'broken')
      return {
        body: new Readable({
          read() {
            this.destroy(new AshevilleError('unavailable', 'Gone'))
          },
        }),
      }
    return { headers: { 'content-type': 'text/plain' }, body: Readable.from([params.path.join('|'), ' end']) }
  },
  events: async (call) => {
    const events = openEvents(call)
    for (let id = Number(events.lastEventId ?? 0) + 1; ; id++) {
      await events.send({ id: String(id), event: 'tick', data: { id } })
      await pause(20, undefined, { signal: call.signal })
    }
  },
})

beforeAll(async () => {
  const checks = {
    postgres: async () => undefined,
    redis: () => Promise.reject(new Error('refused at redis://u:secret@host')),
    stuck: () => new Promise<void>(() => undefined),
  }
  service = await startTestService({ bindings, checks, deadlineMs: 300, bodyIdleMs: 200 })
})
afterAll(() => service.close())

const get = (path: string, init: RequestInit = {}) => fetch(service.url + path, init)
const authorized = async (from: (typeof serviceNames)[number], userId: string | null) => ({
  authorization: `Bearer ${await service.sign[from]('accounts', userId)}`,
})
const post = async (body: string | Buffer, headers: Record<string, string> = {}) =>
  get('/v1/things', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await authorized('web', null)), ...headers },
    body: new Uint8Array(Buffer.from(body)),
  })

describe('policies', () => {
  test.each(serviceNames.flatMap((from) => [null, 'u1'].map((userId) => ({ from, userId }))))(
    '$from for $userId',
    async ({ from, userId }) => {
      const response = await get('/v1/things/7', { headers: await authorized(from, userId) })
      const isWelcome = (from === 'web' || from === 'workers') && userId !== null
      expect(response.status).toBe(isWelcome ? 200 : 403)
      if (isWelcome) expect(await response.json()).toEqual({ id: 7, limit: 3, userId: 'u1', caller: from })
    },
  )

  test.each(['', 'Bearer', 'Bearer a.b.c', 'Basic dTpw', 'bearer ..', 'Bearer undefined'])(
    'without a good token: %p',
    async (authorization) => {
      const response = await get('/v1/things/7', { headers: { authorization } })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await response.json()).toMatchObject({ kind: 'unauthenticated' })
    },
  )

  test('a token for another service is refused; the body is not looked at before', async () => {
    const headers = { authorization: `Bearer ${await service.sign.web('platform', 'u1')}`, 'content-type': 'application/json' }
    expect((await get('/v1/things', { method: 'POST', headers, body: '{' })).status).toBe(401)
  })

  test('a route without a policy does not register', async () => {
    const open = { method: 'GET', path: '/x', summary: '', reply: 'none' } as unknown as RouteContract
    expect(() => bind(open, async () => undefined)).toThrow('GET /x has no policy')
    const smuggled = [{ ...bindings[2]!, policy: undefined }] as unknown as Binding[]
    await expect(startTestService({ bindings: smuggled })).rejects.toThrow(/has no policy/)
    const forPerson = [bind(route({ ...routes.slow, policy: { who: 'person' } }), async () => undefined)]
    await expect(startTestService({ bindings: forPerson })).rejects.toThrow(/browser is needed/)
    await expect(startTestService({ bindings: [...bindings, bindings[0]!] })).rejects.toThrow(/bound twice/)
    expect(routeTable(bindings).map(({ method, path }) => `${method} ${path}`)).toContain('POST /v1/things')
  })
})

describe('what was sent', () => {
  test('is checked, with a pointer to each fault', async () => {
    const response = await post('{"email":"x","tags":[{"name":1}],"a/b":1}')
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    const problem = (await response.json()) as { faults: { pointer: string; message: string }[] }
    expect(problem).toMatchObject({ type: 'urn:asheville:problem:invalid', title: 'Not valid', status: 400, kind: 'invalid' })
    expect(problem.faults.map(({ pointer }) => pointer).sort()).toEqual(['/a~1b', '/email', '/tags/0/name'])
    expect(problem.faults).toContainEqual({ pointer: '/email', message: 'Write an e-mail address' })

    const headers = await authorized('web', 'u1')
    const pointers = async (path: string) =>
      ((await (await get(path, { headers })).json()) as typeof problem).faults.map(({ pointer }) => pointer)
    expect(await pointers('/v1/things/x')).toEqual(['/params/id'])
    expect(await pointers('/v1/things/1?limit=11')).toEqual(['/query/limit'])
    expect(await pointers('/v1/things/1?other=1')).toEqual(['/query/other'])
    expect(await pointers('/v1/things/1?__proto__=1')).toEqual(['/query/__proto__'])
    expect(await pointers('/v1/things/1?limit=1%00')).toEqual(['/query/limit'])
  })

  test.each([
    ['not JSON', '{"email"', 400],
    ['nothing', '', 400],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 400],
    ['nested deep', '['.repeat(100_000), 400],
    ['a NUL', '{"email":"a\\u0000@b.cd"}', 400],
    ['too large', Buffer.alloc(1024 ** 2 + 1, 0x20), 413],
  ])('%s is refused', async (_name, body, status) => {
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ kind: 'invalid' })
  })

  test('__proto__ is harmless', async () => {
    expect((await post('{"email":"a@b.cd","__proto__":{"isAdmin":true}}')).status).toBe(204)
    expect((await post('{"email":"a@b.cd","tags":[{"name":"x","\\u005f_proto__":{"isAdmin":true}}]}')).status).toBe(204)
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test('another type, or compression, is 415', async () => {
    expect((await post('a=b', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post('{}', { 'content-encoding': 'gzip' })).status).toBe(415)
  })

  test('a body that comes too slowly ends at the deadline', async () => {
    const socket = await openSocket(service.url)
    const { authorization } = await authorized('web', null)
    socket.write(
      `POST /v1/things HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    )
    await pause(600)
    expect(socket.received()).toMatch(/^HTTP\/1.1 503/)
    socket.destroy()
  })
})

describe('answers', () => {
  test.each([
    ['invalid', 400],
    ['unauthenticated', 401],
    ['forbidden', 403],
    ['not-found', 404],
    ['conflict', 409],
    ['reconnect-required', 409],
    ['storage-full', 507],
    ['rate-limited', 429],
    ['cursor-expired', 410],
    ['cancelled', 499],
    ['unavailable', 503],
    ['unexpected', 500],
  ])('%s is %i', async (kind, status) => {
    const response = await get(`/v1/fail/${kind}`)
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe('2')
    const requestId = response.headers.get('x-request-id')
    expect(await response.json()).toMatchObject({ kind, requestId, faults: [{ pointer: '/a', message: 'b' }], retryAfterMs: 1500 })
  })

  test('what is away for a moment says when to come back, also where nobody told how long it takes', async () => {
    const response = await get('/v1/fail/away')
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ kind: 'unavailable', retryAfterMs: 1000 })
  })

  test('an unexpected failure tells nothing but the request id, by which the log has it', async () => {
    for (const path of ['/v1/fail/other', '/v1/fail/unexpected', '/v1/wrong-reply']) {
      const response = await get(path, { headers: { 'x-request-id': 'request-0815' } })
      expect(response.status).toBe(500)
      const text = await response.text()
      expect(text).not.toContain(canary)
      expect(JSON.parse(text)).toMatchObject({ kind: 'unexpected', detail: 'Something went wrong', requestId: 'request-0815' })
    }
    expect(service.log).toContainEqual(expect.objectContaining({ level: 'error', requestId: 'request-0815', msg: 'request failed' }))
  })

  test('request ids that look odd are replaced', async () => {
    for (const id of ['x', 'a b c d e f g h', 'x'.repeat(200)]) {
      expect((await get('/livez', { headers: { 'x-request-id': id } })).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  test('unknown addresses and broken ones', async () => {
    expect((await get('/v1/nothing')).status).toBe(404)
    expect((await get('/v1/things/%ff')).status).toBe(400)
    expect((await get('/v1/things/1', { method: 'DELETE' })).status).toBe(404)
  })

  test('a handler that takes too long is answered, and told', async () => {
    aborted.length = 0
    expect((await get('/v1/slow')).status).toBe(503)
    expect(aborted).toEqual(['This took too long'])
  })

  test('a handler is told when the caller goes away', async () => {
    aborted.length = 0
    await get('/v1/slow', { signal: AbortSignal.timeout(50) }).catch(() => undefined)
    await pause(50)
    expect(aborted).toEqual(['The caller went away'])
    expect(service.log.filter(({ route, status }) => route === '/v1/slow' && status === 499)).toHaveLength(1)
  })

  test('one access line per request, without the query', async () => {
    service.log.length = 0
    await get(`/v1/things/5?limit=2`, { headers: await authorized('web', 'u1') })
    await pause(10)
    const lines = service.log.filter(({ msg }) => msg === 'request')
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'info',
        method: 'GET',
        route: '/v1/things/:id',
        status: 200,
        from: 'web',
        userId: 'u1',
        requestId: expect.any(String),
      }),
    ])
    expect(JSON.stringify(service.log)).not.toContain('limit')
  })
})

describe('streams', () => {
  test('bytes in, up to the bound', async () => {
    expect(await (await get('/v1/upload', { method: 'PUT', body: 'x'.repeat(1000) })).json()).toEqual({ bytes: 1000 })
    expect((await get('/v1/upload', { method: 'PUT', body: 'x'.repeat(1001) })).status).toBe(413)
    const undeclared = new ReadableStream({
      start: (controller) => {
        for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(100))
        controller.close()
      },
    })
    expect((await get('/v1/upload', { method: 'PUT', body: undeclared, duplex: 'half' } as RequestInit)).status).toBe(413)
  })

  test('bytes that stop coming', async () => {
    const socket = await openSocket(service.url)
    socket.write('PUT /v1/upload HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc')
    await pause(450)
    expect(socket.received()).toMatch(/^HTTP\/1.1 503/)
    socket.destroy()
  })

  test('bytes that nobody reads do not stand in the way of what is asked next on the same connection', async () => {
    const socket = await openSocket(service.url)
    socket.write(`PUT /v1/refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 3000000\r\n\r\n${'x'.repeat(3_000_000)}`)
    socket.write('GET /v1/download/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await once(socket, 'close')
    expect(socket.received().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 409', 'HTTP/1.1 200'])
  })

  test('bytes out', async () => {
    const response = await get('/v1/download/a/b%2Fc')
    expect(response.headers.get('content-type')).toContain('text/plain')
    expect(await response.text()).toBe('a|b/c end')
    expect((await get('/v1/download/cached')).status).toBe(304)
    expect((await get('/v1/download/a', { method: 'HEAD' })).status).toBe(200)
    const broken = await get('/v1/download/broken')
    expect(broken.status).toBe(503)
    expect(await broken.json()).toMatchObject({ detail: 'Gone' })
  })

  test('events, resumed after the last one, beyond the deadline', async () => {
    const response = await get('/v1/events', { headers: { 'last-event-id': '41' } })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk as Uint8Array)
      if (text.includes('id: 62')) break
    }
    expect(text).toContain('id: 42\nevent: tick\ndata: {"id":42}\n\n')
  })
})

describe('our own endpoints', () => {
  test('say how it is', async () => {
    expect(await (await get('/livez')).json()).toEqual({ status: 'alive' })
    expect(await (await get('/version')).json()).toEqual({ service: 'accounts', version: '1.2.3' })
    const ready = await get('/readyz')
    expect(ready.status).toBe(503)
    const { status, checks } = (await ready.json()) as {
      status: string
      checks: Record<string, { ok: boolean; ms: number; error?: string }>
    }
    expect(status).toBe('not ready')
    expect(checks['postgres']).toEqual({ ok: true, ms: expect.any(Number) })
    expect(checks['redis']).toMatchObject({ ok: false, error: 'refused at redis://[masked]@host' })
    expect(checks['stuck']).toMatchObject({ ok: false, error: 'No answer within 1000 ms' })
  })

  test('metrics by route', async () => {
    await get('/v1/fail/invalid')
    const text = await (await get('/metrics')).text()
    expect(text).toMatch(
      /http_request_duration_seconds_count\{service="accounts",method="GET",route="\/v1\/fail\/:kind",status="400"\} \d+/,
    )
    expect(text).toContain('process_cpu_seconds_total')
  })

  test('the OpenAPI document', async () => {
    const document = (await (await get('/openapi.json')).json()) as {
      openapi: string
      paths: Record<string, Record<string, Record<string, unknown>>>
      components: { schemas: object }
    }
    expect(document.openapi).toBe('3.1.0')
    const thing = document.paths['/v1/things/{id}']!['get']!
    expect(thing).toMatchObject({ security: [{ service: [] }], responses: { '200': { content: { 'application/json': {} } }, default: {} } })
    expect(thing['parameters']).toEqual([
      expect.objectContaining({ in: 'path', name: 'id' }),
      expect.objectContaining({ in: 'query', name: 'limit' }),
    ])
    expect(Object.keys(document.components.schemas)).toContain('Problem')
    expect(Object.keys(document.paths)).toHaveLength(9)
  })

  test('are not shadowed by what is mounted, and headers are safe', async () => {
    const mounted = await startTestService({
      bindings: [],
      mount: (app) => void app.use((_request, response) => void response.send('mine')),
    })
    expect(await (await fetch(`${mounted.url}/livez`)).json()).toEqual({ status: 'alive' })
    const other = await fetch(`${mounted.url}/other`)
    expect(await other.text()).toBe('mine')
    expect(other.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(other.headers.get('x-content-type-options')).toBe('nosniff')
    expect(other.headers.has('x-powered-by')).toBe(false)
    await mounted.close()
  })

  test('a taken port is said', async () => {
    const port = Number(new URL(service.url).port)
    await expect(startTestService({ bindings: [], port })).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}`)
  })
})

test('services that share a port each get connections; without it the second is refused', async () => {
  const first = await startTestService({ bindings: [], sharePort: true })
  const port = Number(new URL(first.url).port)
  const second = await startTestService({ bindings: [], sharePort: true, port, version: '4.5.6' })
  await expect(startTestService({ bindings: [], port })).rejects.toThrow('Cannot listen')
  const versions = new Set<string>()
  for (let asked = 0; asked < 60 && versions.size < 2; asked += 1) {
    const response = await fetch(new URL('/version', first.url), { headers: { connection: 'close' } })
    versions.add(((await response.json()) as { version: string }).version)
  }
  await Promise.all([first.close(), second.close()])
  expect([...versions].sort()).toEqual(['1.2.3', '4.5.6'])
})
