import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { route } from '@asheville/core'
import { connectRedis, isReadyWithin, type Redis } from '@asheville/redis'
import { bind, createLogger, startService, type Service } from '@asheville/service'
import { testRedis } from '@asheville/testkit'
import { z } from 'zod'
import { createKeptReplies, type KeptReplies } from './kept-replies.ts'

const thing = route({
  method: 'GET',
  path: '/v1/people/:userId/:question',
  summary: 'One',
  policy: { who: 'anyone' },
  params: z.strictObject({ userId: z.string(), question: z.string() }),
  query: z.strictObject({ cursor: z.string().optional() }),
  reply: z.strictObject({ said: z.string(), next: z.string().nullable() }),
  etag: true,
  paged: true,
})

/** One process of the service. */
interface Process {
  redis: Redis
  replies: KeptReplies
  service: Service
}

let server: Awaited<ReturnType<typeof testRedis>>
let one: Process
let other: Process
let clock = 0
let said = 'first'
/** Called while something is read. */
let meanwhile: () => Promise<void> = async () => undefined

async function startProcess(): Promise<Process> {
  const redis = connectRedis(server.url)
  await isReadyWithin(redis, 10_000)
  const replies = createKeptReplies(redis, () => clock)
  const binding = bind(thing, ({ params: { userId, question }, request }) =>
    replies.answer(userId, [question], request.headers['cache-control'] === 'no-cache', async () => {
      const reply = { said, next: 'further' }
      await meanwhile()
      return reply
    }),
  )
  const logger = createLogger('platform', 'silent')
  const service = await startService({
    name: 'platform',
    host: '127.0.0.1',
    port: 0,
    logger,
    bindings: [binding],
    checks: {},
    version: '0',
  })
  return { redis, replies, service }
}

beforeAll(async () => {
  server = await testRedis()
  ;[one, other] = await Promise.all([startProcess(), startProcess()])
})
afterAll(async () => {
  for (const { redis, service } of [one, other]) {
    await service.close()
    redis.disconnect()
  }
  await server.close()
})

async function ask({ service }: Process, userId: string, question = 'what', headers: Record<string, string> = {}) {
  const response = await fetch(`${service.url}/v1/people/${userId}/${question}`, { headers })
  return { response, text: await response.text() }
}

/** Everything that was sent to be kept has arrived. */
const settled = () => Promise.all([one, other].map(({ redis }) => redis.ping()))

async function reads(process: Process, userId: string, question?: string, headers?: Record<string, string>): Promise<string> {
  const { text } = await ask(process, userId, question, headers)
  await settled()
  return (JSON.parse(text) as { said: string }).said
}

test('another process answers what one has read, byte for byte, to nobody but that person and to no other question', async () => {
  const [ada, ben] = [randomUUID(), randomUUID()]
  said = 'first'
  const read = await ask(one, ada)
  await settled()
  said = 'second'
  const again = await ask(other, ada)
  expect(again.text).toBe(read.text)
  for (const header of ['etag', 'link', 'content-type', 'cache-control'])
    expect([header, again.response.headers.get(header)]).toEqual([header, read.response.headers.get(header)])
  const { response } = await ask(other, ada, 'what', {
    'if-none-match': read.response.headers.get('etag')!,
    // fetch would ask for what there is now.
    'cache-control': 'max-age=60',
  })
  expect(response.status).toBe(304)
  expect(await reads(other, ada, 'when')).toBe('second')
  expect(await reads(other, ben)).toBe('second')
})

test('after something of theirs was written nobody answers what was read before, nor what was being read meanwhile', async () => {
  const ada = randomUUID()
  said = 'first'
  expect(await reads(one, ada)).toBe('first')
  said = 'second'
  await other.replies.drop(ada)
  expect(await reads(one, ada)).toBe('second')
  await other.replies.drop(ada)
  meanwhile = async () => {
    meanwhile = async () => undefined
    said = 'third'
    await other.replies.drop(ada)
  }
  expect(await reads(one, ada)).toBe('second')
  expect(await reads(one, ada)).toBe('third')
})

test('who asks for what there is now gets it, and so do those who ask afterwards', async () => {
  const ada = randomUUID()
  said = 'first'
  expect(await reads(one, ada)).toBe('first')
  said = 'second'
  expect(await reads(one, ada)).toBe('first')
  expect(await reads(other, ada, 'what', { 'cache-control': 'no-cache' })).toBe('second')
  said = 'third'
  expect(await reads(one, ada)).toBe('second')
})

test('it takes no more room however many people ask however much, and each reply only for a while', async () => {
  const people = Array.from({ length: 300 }, () => randomUUID())
  for (const userId of people) await ask(one, userId)
  for (let question = 0; question < 30; question++) await ask(one, people[0]!, `${question}`)
  await settled()
  const keys = await one.redis.keys('platform:replies:*')
  expect(keys.length).toBeLessThanOrEqual(128)
  for (const key of keys) {
    expect(await one.redis.hlen(key)).toBeLessThanOrEqual(9)
    expect(await one.redis.pttl(key)).toBeGreaterThan(0)
    expect(await one.redis.pttl(key)).toBeLessThanOrEqual(15_000)
  }
  said = 'long'.repeat(40_000)
  const ada = randomUUID()
  expect(await reads(one, ada)).toBe(said)
  said = 'short'
  expect(await reads(one, ada)).toBe('short')
})

test('whoever has lost Redis believes nothing of it until all has gone that may have been written over meanwhile', async () => {
  const ada = randomUUID()
  said = 'first'
  expect(await reads(one, ada)).toBe('first')
  const lost = once(one.redis, 'close')
  one.redis.disconnect(true)
  await lost
  said = 'second'
  expect((await ask(one, ada)).text).toContain('second')
  expect(await isReadyWithin(one.redis, 10_000)).toBe(true)
  expect(await reads(one, ada)).toBe('second')
  clock += 15_001
  await other.replies.drop(ada)
  said = 'third'
  expect(await reads(one, ada)).toBe('third')
  said = 'fourth'
  expect(await reads(one, ada)).toBe('third')
})
