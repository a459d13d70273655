import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { route } from '@asheville/core'
import fc from 'fast-check'
import { Agent, request as httpRequest } from 'node:http'
import { z } from 'zod'
import { bind } from './binding.ts'
import { startTestService, type TestService } from './start-test-service.ts'

const contract = route({
  method: 'POST',
  path: '/v1/people/:id',
  summary: 'Takes all kinds of things',
  policy: { who: 'service', from: ['web'], user: true },
  params: z.strictObject({ id: z.string().max(50) }),
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(10).default(1), tag: z.string().max(20).optional() }),
  body: z.strictObject({
    name: z.string().max(100),
    nested: z.record(z.string(), z.unknown()).optional(),
    list: z.array(z.union([z.number(), z.strictObject({ a: z.boolean() })])).optional(),
  }),
  reply: z.strictObject({ name: z.string(), id: z.string(), nested: z.string() }),
})

let service: TestService
let authorization: string
const agent = new Agent({ keepAlive: true, maxSockets: 8 })

beforeAll(async () => {
  service = await startTestService({
    bindings: [
      bind(contract, async ({ params, body }) => ({ id: params.id, name: body.name, nested: JSON.stringify(body.nested ?? null) })),
    ],
  })
  authorization = `Bearer ${await service.sign.web('accounts', 'u1')}`
})
afterAll(async () => {
  agent.destroy()
  await service.close()
})

const odd = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    '\0',
    '\ud800',
    '1e2',
    '01',
    '-1',
    'NaN',
    'true',
    '[]',
    '%',
    '../..',
    '😀'.repeat(30),
    'x'.repeat(5000),
  ),
)
const body = fc.oneof(
  fc.json(),
  fc
    .record({ name: odd, nested: fc.jsonValue(), list: fc.array(fc.jsonValue()), [`__proto__`]: fc.jsonValue() }, { requiredKeys: [] })
    .map((value) => JSON.stringify(value)),
  fc.record({ name: fc.string(), nested: fc.dictionary(odd, fc.jsonValue()) }).map((value) => JSON.stringify(value)),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => `{"name":"a","nested":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`),
  odd,
)
const bytes = fc.oneof(
  { weight: 4, arbitrary: body.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)) },
)
const encoded = odd.map((text) => encodeURIComponent(text.toWellFormed()))
const raw = fc.oneof(encoded, fc.constantFrom('%', '%ff', '%00', '%C0%80', 'a%2Fb', '.', '%2e%2e', ';', '?'))
const query = fc.array(fc.tuple(fc.oneof(fc.constantFrom('limit', 'tag', '__proto__', 'a[b]'), encoded), raw), { maxLength: 4 })
const type = fc.constantFrom(
  'application/json',
  'application/json',
  'application/json; charset=utf-16',
  'application/problem+json',
  'text/plain',
  '',
)

function send(path: string, headers: Record<string, string>, content: Buffer): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(service.url + path, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, type: String(response.headers['content-type']), text }))
    })
    sent.once('error', reject)
    sent.end(content)
  })
}

test('2,000 hostile requests: no 5xx, every answer in its shape', async () => {
  const statuses = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(raw, query, bytes, type, async (id, pairs, content, contentType) => {
      const path = `/v1/people/${id || 'x'}?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`
      const {
        status,
        type: answered,
        text,
      } = await send(path, { authorization, ...(contentType && { 'content-type': contentType }) }, content)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 200) return void contract.reply.parse(JSON.parse(text))
      expect(status).toBeLessThan(500)
      expect(answered).toContain('application/problem+json')
      expect(JSON.parse(text)).toMatchObject({ status, kind: expect.any(String), requestId: expect.any(String) })
      expect(text.length).toBeLessThan(20_000)
    }),
    { numRuns: 2000 },
  )
  expect([...statuses.keys()].sort()).toEqual(expect.arrayContaining([200, 400, 415]))
  expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  expect((await fetch(`${service.url}/livez`)).status).toBe(200)
}, 60_000)
