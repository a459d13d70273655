import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { AshevilleError, errorKinds, route, type ErrorKind } from '@asheville/core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { z } from 'zod'
import { bindAll } from './binding.ts'
import type { Answer, Idempotency } from './idempotency.ts'
import { startTestService, type TestService } from './start-test-service.ts'

const policy = { who: 'anyone' } as const
const thing = z.strictObject({ id: z.string(), name: z.string() })

const routes = {
  addThing: route({
    method: 'POST',
    path: '/v1/things',
    summary: 'Add',
    policy,
    body: z.strictObject({ name: z.string(), fails: z.enum(errorKinds).optional(), ms: z.number().default(0) }),
    reply: thing,
    idempotent: true,
  }),
  getThing: route({
    method: 'GET',
    path: '/v1/things/:id',
    summary: 'One',
    policy,
    params: z.strictObject({ id: z.string() }),
    reply: thing,
    etag: true,
  }),
  renameThing: route({
    method: 'PATCH',
    path: '/v1/things/:id',
    summary: 'Rename',
    policy,
    params: z.strictObject({ id: z.string() }),
    body: z.strictObject({ name: z.string() }),
    reply: thing,
    ifMatch: true,
  }),
  forgetful: route({
    method: 'DELETE',
    path: '/v1/things/:id',
    summary: 'Remove',
    policy,
    params: z.strictObject({ id: z.string() }),
    reply: 'none',
    ifMatch: true,
  }),
  listThings: route({
    method: 'GET',
    path: '/v1/things',
    summary: 'All',
    policy,
    query: z.strictObject({ cursor: z.string().optional(), limit: z.coerce.number().default(2), word: z.string().optional() }),
    reply: z.strictObject({ things: z.array(thing), next: z.string().nullable() }),
    paged: true,
    etag: true,
  }),
}

/** The port in memory; what it promises across crashes is tested where a database keeps it. */
function inMemory(): Idempotency {
  const kept = new Map<string, { fingerprint: string; answer: Answer | null }>()
  return {
    begin: async ({ key, route: name, caller, userId, fingerprint }) => {
      const id = JSON.stringify([key, name, caller, userId])
      const known = kept.get(id)
      if (!known) {
        kept.set(id, { fingerprint, answer: null })
        return { state: 'mine', claim: { id, attempt: 1, fingerprint } }
      }
      if (known.fingerprint !== fingerprint) return { state: 'other-request' }
      return known.answer ? { state: 'answered', answer: known.answer } : { state: 'running' }
    },
    finish: async ({ id, fingerprint }, answer) => void kept.set(id, { fingerprint, answer }),
    abandon: async ({ id }) => void kept.delete(id),
  }
}

let service: TestService
const things = new Map<string, z.infer<typeof thing>>()
let effects = 0

beforeAll(async () => {
  service = await startTestService({
    idempotency: inMemory(),
    bindings: bindAll(routes, {
      addThing: async ({ body, claim }) => {
        effects += 1
        if (body.ms > 0) await new Promise((resolve) => setTimeout(resolve, body.ms))
        if (body.fails) throw new AshevilleError(body.fails, 'No')
        return { id: `${effects}`, name: `${body.name} ${claim === null ? 'without' : 'with'} a key` }
      },
      getThing: async ({ params }) => things.get(params.id)!,
      renameThing: async ({ params, body, checkMatch }) => {
        checkMatch(things.get(params.id))
        const renamed = { id: params.id, name: body.name }
        things.set(params.id, renamed)
        return renamed
      },
      forgetful: async () => undefined,
      listThings: async ({ query }) => {
        const at = Number(query.cursor ?? 0)
        const all = [...things.values()]
        const next = at + query.limit
        return { things: all.slice(at, next), next: next < all.length ? String(next) : null }
      },
    }),
  })
})
afterAll(() => service.close())
beforeEach(() => {
  effects = 0
  things.clear()
  for (const id of ['a', 'b', 'c']) things.set(id, { id, name: 'One' })
})

const ask = (method: string, path: string, { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {}) =>
  fetch(service.url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
const add = (body: unknown, key?: string) =>
  ask('POST', '/v1/things', { body, headers: key === undefined ? {} : { 'idempotency-key': key } })

describe('Idempotency-Key', () => {
  test('the same key and request have one effect and one answer, byte for byte', async () => {
    const first = await add({ name: 'Kite' }, 'k1')
    const again = await add({ name: 'Kite', ms: 0 }, '"k1"')
    expect([first.status, again.status, effects]).toEqual([200, 200, 1])
    expect(await again.text()).toBe(await first.text())
    expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true'])
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'))
  })

  test('without a key every request has its effect', async () => {
    await add({ name: 'Kite' })
    await add({ name: 'Kite' })
    expect(effects).toBe(2)
  })

  test('for another request it is refused', async () => {
    await add({ name: 'Kite' }, 'k2')
    const other = await add({ name: 'Boat' }, 'k2')
    expect([other.status, ((await other.json()) as { kind: string }).kind, effects]).toEqual([422, 'conflict', 1])
  })

  test('while the first is at work the others are told to wait', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => add({ name: 'Kite', ms: 2000 }, 'k3')))
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses).toEqual([200, ...Array<number>(19).fill(409)])
    for (const answer of answers) if (answer.status === 409) expect(answer.headers.get('retry-after')).toBe('1')
    expect(effects).toBe(1)
  })

  test.each<[ErrorKind, number]>([
    ['conflict', 1],
    ['forbidden', 1],
    ['unavailable', 2],
    ['unexpected', 2],
    ['rate-limited', 2],
  ])('after %s there are %d attempts', async (fails, attempts) => {
    const first = await add({ name: 'Kite', fails }, `fails-${fails}`)
    const again = await add({ name: 'Kite', fails }, `fails-${fails}`)
    expect([again.status, effects]).toEqual([first.status, attempts])
    if (attempts === 1) expect(await again.text()).toBe(await first.text())
    expect(again.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  })

  test.each(['', ' ', 'a b', 'x'.repeat(256), '"unclosed', 'é'])('%j is no key', async (key) => {
    const refused = await add({ name: 'Kite' }, key)
    expect([refused.status, effects]).toEqual([400, 0])
    expect(await refused.json()).toMatchObject({ faults: [{ pointer: '/headers/idempotency-key' }] })
  })

  test('a request that is not valid uses up no key', async () => {
    expect((await add({ nam: 'Kite' }, 'k4')).status).toBe(400)
    expect((await add({ name: 'Kite' }, 'k4')).status).toBe(200)
  })
})

describe('ETag', () => {
  test('what has not changed is not sent again', async () => {
    const first = await ask('GET', '/v1/things/a')
    const etag = first.headers.get('etag')!
    expect(etag).toMatch(/^"[\w-]{27}"$/)
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await ask('GET', '/v1/things/a', { headers: { 'if-none-match': known } })
      expect([known, again.status, await again.text(), again.headers.get('etag')]).toEqual([known, 304, '', etag])
    }
    things.set('a', { id: 'a', name: 'Two' })
    expect((await ask('GET', '/v1/things/a', { headers: { 'if-none-match': etag } })).status).toBe(200)
  })

  test('a change of what is not there any more is refused', async () => {
    const etag = (await ask('GET', '/v1/things/a')).headers.get('etag')!
    const rename = (name: string, match?: string) =>
      ask('PATCH', '/v1/things/a', { body: { name }, headers: match ? { 'if-match': match } : {} })
    expect((await rename('Two', etag)).status).toBe(200)
    const late = await rename('Three', etag)
    expect([late.status, ((await late.json()) as { kind: string }).kind, things.get('a')?.name]).toEqual([412, 'conflict', 'Two'])
    expect((await rename('Four', `W/${etag}`)).status).toBe(412)
    expect((await rename('Five', '*')).status).toBe(200)
    expect((await rename('Six')).status).toBe(200)
  })

  test('a handler that forgets to look is found out', async () => {
    expect((await ask('DELETE', '/v1/things/a')).status).toBe(204)
    expect((await ask('DELETE', '/v1/things/a', { headers: { 'if-match': '"x"' } })).status).toBe(500)
  })
})

test('a list leads from page to page', async () => {
  const seen: string[] = []
  let path: string | undefined = '/v1/things?limit=1&word=a%20b'
  while (path !== undefined) {
    const page = await ask('GET', path)
    seen.push(...((await page.json()) as { things: { id: string }[] }).things.map(({ id }) => id))
    path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    if (path !== undefined) expect(new URL(path, service.url).searchParams.get('word')).toBe('a b')
  }
  expect(seen).toEqual(['a', 'b', 'c'])
})

test('the OpenAPI document is one, and tells of all this', async () => {
  const document = (await (await ask('GET', '/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> }
  expect(await new Validator().validate(structuredClone(document))).toMatchObject({ valid: true })
  expect(document.paths['/v1/things']?.['post']).toMatchObject({
    parameters: [{ in: 'header', name: 'Idempotency-Key' }],
    responses: { '200': { headers: { 'Idempotent-Replayed': {} } }, '409': {}, '422': {} },
  })
  expect(document.paths['/v1/things/{id}']).toMatchObject({
    get: { responses: { '200': { headers: { ETag: {} } }, '304': {} } },
    patch: { responses: { '412': {} } },
  })
  expect(document.paths['/v1/things']?.['get']).toMatchObject({ responses: { '200': { headers: { Link: {} } } } })
})

test('contracts that cannot be kept are refused at once', async () => {
  const { addThing } = routes
  await expect(startTestService({ bindings: bindAll({ addThing }, { addThing: async () => ({ id: '', name: '' }) }) })).rejects.toThrow(
    'idempotency is needed',
  )
  for (const wrong of [
    { ...routes.getThing, idempotent: true as const },
    { ...addThing, etag: true as const },
    { ...routes.getThing, ifMatch: true as const },
    { ...routes.getThing, paged: true as const },
  ])
    expect(() => bindAll({ wrong }, { wrong: async () => ({ id: '', name: '' }) } as never)).toThrow()
})
