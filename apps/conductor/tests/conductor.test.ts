import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { conductorRoutes, createClient } from '@asheville/clients'
import type { ServiceName } from '@asheville/core'
import { addRunning, listRunning, publishCancel, publishEvent, streamKey } from '@asheville/jobs'
import { connectRedis, disconnect, type Redis } from '@asheville/redis'
import { createLogger, createSigner, type PublicKeys } from '@asheville/service'
import { startBreakableTcp } from '@asheville/testkit'
import { startConstellation, type Constellation } from '../../workers/tests/constellation.ts'
import { startScroll, type Scroll } from '../../workers/tests/scroll.ts'
import { createConductor, type ConductorOptions } from '../src/app.ts'

const nowhere = 'http://127.0.0.1:9'

let scroll: Scroll
let all: Constellation
let redis: Redis
let closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  scroll = await startScroll({ count: 40 })
  all = await startConstellation(scroll.network, { hasConductor: false })
  redis = connectRedis(all.urls.redisUrl)
  await until(async () => redis.status === 'ready')
})

afterEach(async () => {
  for (const close of closing.reverse()) await close()
  closing = []
  Object.assign(scroll.state, { count: 40, perPage: 20, latencyMs: 0 })
  scroll.faults.length = 0
  await all.db.query('TRUNCATE network_controls')
})

afterAll(async () => {
  disconnect(redis)
  await all.close()
  await scroll.close()
})

const signOf = (issuer: ServiceName) => createSigner({ issuer, privateKey: all.keys.privateKey(issuer) })

async function startConductor(changed: Partial<ConductorOptions> = {}) {
  const service = await createConductor({
    host: '127.0.0.1',
    port: 0,
    logger: createLogger('conductor', 'silent'),
    publicKeys: all.keys.publicKeys as PublicKeys,
    sign: signOf('conductor'),
    networks: [scroll.network],
    ...all.urls,
    version: '0.0.0',
    ...changed,
  })
  closing.push(() => service.close())
  const clientOf = (issuer: ServiceName) =>
    createClient(conductorRoutes, { service: 'conductor', baseUrl: service.url, sign: signOf(issuer) })
  return { url: service.url, web: clientOf('web'), clientOf }
}

async function startWorkers() {
  const workers = await all.startWorkers()
  closing.push(() => workers.close())
}

async function until(holds: () => Promise<boolean>, ms = 8000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(20)
  }
}

const everything = { trigger: 'person', connectionIds: null } as const
const kindOf = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error: { kind?: string }) => error.kind,
  )

describe('syncs', () => {
  test('asked for again while it runs, it is the same sync', async () => {
    // Before there is a conductor, which would begin a sync itself at that moment.
    const { userId } = await all.connect()
    const { web } = await startConductor()
    const first = await web.createSync({ userId, body: everything })
    const second = await web.createSync({ userId, body: everything })
    expect([first.created, second.created]).toEqual([true, false])
    expect(second.sync.id).toBe(first.sync.id)
    await startWorkers()
    expect(await all.ended(userId, first.sync.id)).toMatchObject({ state: 'done', tally: { new: 40 } })
  })

  test('with Redis away it is accepted at once, and done when Redis is back', async () => {
    const line = await startBreakableTcp(new URL(all.urls.redisUrl))
    closing.push(() => line.close())
    const { web, url } = await startConductor({ redisUrl: line.url, queueUrl: line.url })
    const { userId } = await all.connect()
    line.cut()
    await delay(50)
    const started = performance.now()
    const { sync } = await web.createSync({ userId, body: everything })
    expect(performance.now() - started).toBeLessThan(1000)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    expect(await kindOf(web.events({ userId }))).toBe('unavailable')

    line.mend()
    await until(async () => (await fetch(`${url}/readyz`)).status === 200)
    // Accounts hands a job over again half a minute after the first time.
    await all.db.query('UPDATE sync_jobs SET enqueue_after = now()')
    await startWorkers()
    expect(await all.ended(userId, sync.id)).toMatchObject({ state: 'done' })
  })

  test('a scheduled one starts by itself', async () => {
    await startConductor()
    await startWorkers()
    const { userId, connection } = await all.connect()
    await all.db.query('UPDATE streams SET next_due_at = now() WHERE connection_id = $1', [connection.id])
    await until(async () => (await all.web.accounts.listSyncs({ userId, query: {} })).syncs[0]?.state === 'done')
    expect((await all.web.accounts.listSyncs({ userId, query: {} })).syncs[0]).toMatchObject({ trigger: 'schedule', tally: { new: 40 } })
  })

  test('somebody else’s cannot be cancelled, and nobody but web may ask', async () => {
    const { web, clientOf } = await startConductor()
    const [alice, bob] = [await all.connect(), await all.connect()]
    const { sync } = await web.createSync({ userId: alice.userId, body: everything })
    expect(await kindOf(web.cancelSync({ userId: bob.userId, params: { syncId: sync.id } }))).toBe('not-found')
    expect(await kindOf(web.cancelSync({ userId: alice.userId, params: { syncId: randomUUID() } }))).toBe('not-found')
    for (const other of ['accounts', 'workers', 'platform'] as const)
      expect(await kindOf(clientOf(other).cancelSync({ userId: alice.userId, params: { syncId: sync.id } }))).toBe('forbidden')
    expect(await web.cancelSync({ userId: alice.userId, params: { syncId: sync.id } })).toMatchObject({ state: 'cancelled' })
  })
})

describe('what is under way', () => {
  /** Until so many entries of the person have been stored. */
  const stored = (userId: string, count: number) => until(async () => (await all.stored(userId)).length >= count)
  const slow = { count: 400, perPage: 5, latencyMs: 60 }
  const eventsOf = async (userId: string) =>
    (await redis.xrange(`events:${userId}`, '-', '+')).map(
      ([, fields]) => JSON.parse(fields[1] ?? '{}') as { type: string; state?: string },
    )

  /** A person whose history takes long, while it is pulled. */
  async function underWay() {
    const { web } = await startConductor()
    await startWorkers()
    Object.assign(scroll.state, slow)
    const person = await all.connect()
    const { userId, connection } = person
    const { sync } = await web.createSync({ userId, body: everything })
    await stored(userId, 5)
    return { web, userId, sync, params: { connectionId: connection.id } }
  }

  test('is told as such, with its pace, and told live', async () => {
    const { web, userId, params } = await underWay()
    await until(async () => ((await web.getStatus({ userId })).networks[0]?.itemsPerMinute ?? 0) > 0)
    const { networks } = await web.getStatus({ userId })
    expect(networks).toMatchObject([{ connection: { id: params.connectionId }, word: 'syncing', isComplete: false, secondsLeft: null }])
    expect(networks[0]!.types).toMatchObject([{ contentType: 'posts', word: 'syncing', available: null }])
    expect(networks[0]!.types[0]!.stored).toBeGreaterThanOrEqual(5)
    expect((await eventsOf(userId)).map(({ type }) => type)).toEqual(expect.arrayContaining(['sync', 'stream', 'progress']))
  })

  test('of one connection, and of the person, is cancelled at once; asked again, nothing is', async () => {
    for (const cancel of ['cancelConnection', 'cancelSyncs'] as const) {
      const { web, userId, sync, params } = await underWay()
      const started = performance.now()
      const ended = cancel === 'cancelSyncs' ? await web.cancelSyncs({ userId }) : await web.cancelConnection({ userId, params })
      expect(ended).toMatchObject({ sync: { id: sync.id, state: 'cancelled' } })
      await until(async () => (await listRunning(redis, userId)).length === 0)
      expect(performance.now() - started).toBeLessThan(3000)
      expect((await web.getStatus({ userId })).networks).toMatchObject([{ word: 'queued', until: expect.any(String), isComplete: false }])
      expect((await eventsOf(userId)).some(({ type, state }) => type === 'stream' && state === 'cancelled')).toBe(true)
      expect(await web.cancelSyncs({ userId })).toEqual({ sync: null })
      expect(await web.cancelConnection({ userId, params })).toEqual({ sync: null })
    }
  })

  test('is paused at once, and goes on where it was', async () => {
    const { web, userId, params } = await underWay()
    const started = performance.now()
    expect(await web.pauseConnection({ userId, params })).toMatchObject({ state: 'paused' })
    await until(async () => (await listRunning(redis, userId)).length === 0)
    expect(performance.now() - started).toBeLessThan(3000)
    expect((await web.getStatus({ userId })).networks).toMatchObject([{ word: 'paused', nextRunAt: null }])
    expect(await kindOf(web.createSync({ userId, body: { trigger: 'person', connectionIds: [params.connectionId] } }))).toBe('conflict')
    scroll.delivered.clear()
    scroll.state.latencyMs = 0
    expect(await web.resumeConnection({ userId, params })).toMatchObject({ state: 'active' })
    const { syncs } = await web.listSyncs({ userId, query: {} })
    expect(await all.ended(userId, syncs[0]!.id)).toMatchObject({ state: 'done', tally: { new: expect.any(Number) } })
    expect(await all.stored(userId)).toHaveLength(400)
    expect(scroll.delivered.has('401-0')).toBe(false)
  })

  test('ends at its checkpoint once the owner pauses its network, is said to wait for that, and goes on where it was', async () => {
    const { web, userId, sync } = await underWay()
    const owner = await all.owner()
    const put = (isPaused: boolean) =>
      all.web.accounts.putControl({ userId: owner, params: { network: 'scroll' }, body: { isPaused, jobsPerMinute: null } })
    await put(true)
    await until(async () => (await listRunning(redis, userId)).length === 0)
    await until(async () => (await web.getStatus({ userId })).networks[0]?.word === 'waiting')
    expect((await web.getStatus({ userId })).networks[0]).toMatchObject({ reason: expect.stringContaining('paused') })
    const { requests } = scroll.tally
    scroll.delivered.clear()
    const late = await all.connect()
    await web.createSync({ userId: late.userId, body: everything })
    const { networks } = await web.getQueues({ userId: owner })
    expect(networks).toMatchObject([{ network: 'scroll', isPaused: true, active: 0, inPostgres: { leased: 0 } }])
    expect(scroll.tally.requests).toBe(requests)
    scroll.state.latencyMs = 0
    await put(false)
    expect(await all.ended(userId, sync.id)).toMatchObject({ state: 'done' })
    expect(await all.stored(userId)).toHaveLength(400)
    expect(scroll.delivered.get('401-0')).toBe(1)
  })

  test('is restarted from the checkpoint, or from scratch, which doubles nothing', async () => {
    const { web, userId, params } = await underWay()
    scroll.delivered.clear()
    const again = await web.restartConnection({ userId, params, body: { stream: null, from: 'checkpoint' } })
    await stored(userId, 30)
    expect(scroll.delivered.has('401-0')).toBe(false)
    const anew = await web.restartConnection({ userId, params, body: { stream: 'entries', from: 'scratch' } })
    await until(async () => scroll.delivered.has('401-0'))
    scroll.state.latencyMs = 0
    expect([again.state, anew.state]).toEqual(['running', 'running'])
    expect(await all.ended(userId, anew.id)).toMatchObject({ state: 'done' })
    expect(await all.stored(userId)).toHaveLength(400)
    expect(await kindOf(web.restartConnection({ userId, params, body: { stream: 'nothing', from: 'scratch' } }))).toBe('not-found')
  })

  test('is not ended by the word that an earlier sync was cancelled, be it ever so late', async () => {
    const { userId, sync, params } = await underWay()
    const key = streamKey(params.connectionId, 'entries')
    for (let count = 10; count <= 40; count += 10) {
      await publishCancel(redis, [key])
      await stored(userId, count)
    }
    scroll.state.latencyMs = 0
    expect(await all.ended(userId, sync.id)).toMatchObject({ state: 'done' })
    expect(await all.stored(userId)).toHaveLength(400)
  })

  test('that waits for its network is restarted at once', async () => {
    const { web } = await startConductor()
    await startWorkers()
    scroll.faults.push({ status: 503 }, { status: 503 }, { status: 503 }, { status: 503 })
    const { userId, connection } = await all.connect()
    await web.createSync({ userId, body: everything })
    const standing = async () => (await web.getStatus({ userId })).networks[0]!
    await until(async () => (await standing()).word === 'retrying')
    scroll.faults.length = 0
    expect(await standing()).toMatchObject({ word: 'retrying', until: expect.any(String), reason: expect.stringContaining('Scroll') })
    await all.db.query(
      "UPDATE sync_jobs SET until = now() + interval '1 hour', enqueue_after = now() + interval '1 hour' WHERE user_id = $1",
      [userId],
    )
    const sync = await web.restartConnection({
      userId,
      params: { connectionId: connection.id },
      body: { stream: null, from: 'checkpoint' },
    })
    expect(await all.ended(userId, sync.id)).toMatchObject({ state: 'done', tally: { new: 40 } })
  })

  test('is cleared in the middle: what was copied is removed, nothing comes late, and resumed it all comes again', async () => {
    const { web, userId, sync, params } = await underWay()
    const cleared = await web.clearConnection({ userId, params, body: { contentTypes: ['posts'] } })
    expect(cleared).toMatchObject({ state: 'paused', clearing: ['posts'] })
    expect((await web.getStatus({ userId })).networks[0]!.types).toMatchObject([{ contentType: 'posts', word: 'clearing' }])
    await until(async () => (await all.web.accounts.getConnection({ userId, params })).clearing.length === 0, 15_000)
    expect(await all.ended(userId, sync.id)).toMatchObject({ state: 'cancelled' })
    expect(await all.stored(userId)).toEqual([])
    expect((await web.getStatus({ userId })).networks[0]!.types).toMatchObject([{ contentType: 'posts', word: 'paused', stored: 0 }])
    scroll.state.latencyMs = 0
    await web.resumeConnection({ userId, params })
    await until(async () => (await all.stored(userId)).length === 400, 30_000)
    await until(async () => (await all.web.accounts.listSyncs({ userId, query: {} })).syncs[0]?.state === 'done')
  }, 60_000)

  test('is nobody else’s to stop, pause, restart or clear', async () => {
    const { web, userId, sync, params } = await underWay()
    const stranger = await all.connect()
    const as = { userId: stranger.userId, params }
    const calls = [
      web.cancelConnection(as),
      web.pauseConnection(as),
      web.resumeConnection(as),
      web.restartConnection({ ...as, body: { stream: null, from: 'scratch' } }),
      web.clearConnection({ ...as, body: { contentTypes: ['posts'] } }),
      web.getSync({ userId: stranger.userId, params: { syncId: sync.id } }),
    ]
    expect(await Promise.all(calls.map(kindOf))).toEqual(calls.map(() => 'not-found'))
    expect((await web.cancelSyncs({ userId: stranger.userId })).sync?.id).not.toBe(sync.id)
    expect(await listRunning(redis, userId)).toHaveLength(1)
    expect((await web.getStatus({ userId })).networks).toMatchObject([{ word: 'syncing' }])
    await web.cancelSyncs({ userId })
  })
})

describe('before and after', () => {
  test('a plan tells what would be walked, and starts nothing', async () => {
    const { userId, connection } = await all.connect()
    const { web } = await startConductor()
    const plan = async (from: 'checkpoint' | 'scratch' = 'checkpoint') =>
      (await web.planSync({ userId, body: { connectionIds: null, contentTypes: ['posts'], from } })).connections
    expect(await plan()).toEqual([
      {
        connectionId: connection.id,
        provider: 'scroll',
        handle: 'scroller',
        streams: [{ stream: 'entries', contentTypes: ['posts'], walks: ['backfill'], isUnderWay: false, available: {}, cost: null }],
      },
    ])
    expect((await web.listSyncs({ userId, query: {} })).syncs).toEqual([])
    await startWorkers()
    const { sync } = await web.createSync({ userId, body: everything })
    await all.ended(userId, sync.id)
    expect((await plan())[0]!.streams).toMatchObject([{ walks: ['incremental'] }])
    expect((await plan('scratch'))[0]!.streams).toMatchObject([{ walks: ['backfill'] }])
  })

  test('the history is told page by page, with a link to the next, and each sync with its results', async () => {
    const { web, url } = await startConductor()
    await startWorkers()
    const { userId, connection } = await all.connect()
    const ids: string[] = []
    for (let index = 0; index < 3; index += 1) {
      const { sync } = await web.createSync({ userId, body: everything })
      await all.ended(userId, sync.id)
      ids.unshift(sync.id)
    }
    const authorization = `Bearer ${await signOf('web')('conductor', userId)}`
    const first = await fetch(`${url}/v1/syncs?limit=2`, { headers: { authorization } })
    const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? []
    const second = await fetch(url + next, { headers: { authorization } })
    const told = [first, second].map(async (response) => ((await response.json()) as { syncs: { id: string }[] }).syncs.map(({ id }) => id))
    expect((await Promise.all(told)).flat()).toEqual(ids)
    expect(second.headers.get('link')).toBeNull()
    const etag = first.headers.get('etag') ?? ''
    expect((await fetch(`${url}/v1/syncs?limit=2`, { headers: { authorization, 'if-none-match': etag } })).status).toBe(304)
    expect(await web.getSync({ userId, params: { syncId: ids[2]! } })).toMatchObject({
      state: 'done',
      results: [{ connectionId: connection.id, stream: 'entries', state: 'done', tally: { new: 40 } }],
    })
  })

  test('a sync is created once: 201, then 200', async () => {
    const { userId } = await all.connect()
    const { web, url } = await startConductor()
    const authorization = `Bearer ${await signOf('web')('conductor', userId)}`
    const post = (body: object) =>
      fetch(`${url}/v1/syncs`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ ...everything, ...body }),
      })
    const replies = [
      await post({}),
      await post({ networks: ['scroll'] }),
      await post({ from: 'scratch' }),
      await post({ contentTypes: ['likes'] }),
    ]
    expect(replies.map(({ status }) => status)).toEqual([201, 200, 200, 409])
    expect(replies[3]!.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    const ids = await Promise.all(replies.slice(0, 3).map(async (reply) => ((await reply.json()) as { sync: { id: string } }).sync.id))
    expect(new Set(ids).size).toBe(1)
    await web.cancelSyncs({ userId })
  })
})

test('the whole of it by hand, as the OpenAPI document tells', async () => {
  const { userId, connection } = await all.connect()
  const { url } = await startConductor()
  await startWorkers()
  Object.assign(scroll.state, { count: 400, perPage: 5, latencyMs: 60 })
  const authorization = `Bearer ${await signOf('web')('conductor', userId)}`
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>
  }
  type Told = {
    sync?: { id: string; state: string }
    id?: string
    state?: string
    networks?: { word: string; types: { stored: number }[] }[]
  }
  /** Answers the status that the document promises, and the body. */
  async function call(method: 'GET' | 'POST', path: string, body?: object): Promise<[number, Told]> {
    const response = await fetch(url + path, {
      method,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const template = path.replace(/\/[0-9a-f-]{36}/, (id) => (id.slice(1) === connection.id ? '/{connectionId}' : '/{syncId}'))
    expect([path, Object.keys(paths[template]?.[method.toLowerCase()]?.responses ?? {})]).toEqual([
      path,
      expect.arrayContaining([response.ok ? String(response.status) : 'default']),
    ])
    return [response.status, (await response.json()) as Told]
  }
  const word = async () => (await call('GET', '/v1/status'))[1].networks![0]!.word
  const stored = async () => (await all.stored(userId)).length
  const of = (action: string) => `/v1/connections/${connection.id}/${action}`

  expect((await call('POST', '/v1/syncs/plan', { connectionIds: null }))[1]).toMatchObject({
    connections: [{ connectionId: connection.id, streams: [{ stream: 'entries', walks: ['backfill'], cost: null }] }],
  })
  const [created, { sync }] = await call('POST', '/v1/syncs', everything)
  const again = await call('POST', '/v1/syncs', everything)
  expect([created, again[0], again[1].sync?.id]).toEqual([201, 200, sync?.id])
  await until(async () => (await stored()) >= 5)
  expect(await word()).toBe('syncing')

  const asked = performance.now()
  expect(await call('POST', `/v1/syncs/${sync!.id}/cancel`)).toMatchObject([200, { id: sync!.id, state: 'cancelled' }])
  await until(async () => (await listRunning(redis, userId)).length === 0)
  const requests = scroll.tally.requests
  const took = performance.now() - asked
  process.stderr.write(`Cancelled while it was pulled: ${Math.round(took)} ms until the worker had ended\n`)
  expect(took).toBeLessThan(3000)
  expect(await word()).toBe('queued')
  expect(await call('GET', `/v1/syncs/${sync!.id}`)).toMatchObject([200, { state: 'cancelled', results: [{ state: 'cancelled' }] }])
  expect(scroll.tally.requests).toBe(requests)

  scroll.delivered.clear()
  const before = await stored()
  const [, { sync: next }] = await call('POST', '/v1/syncs', everything)
  expect(next!.id).not.toBe(sync!.id)
  await until(async () => (await stored()) > before)
  expect(scroll.delivered.has('401-0')).toBe(false)
  expect(await call('POST', of('pause'))).toMatchObject([200, { state: 'paused' }])
  expect(await word()).toBe('paused')
  expect((await call('POST', '/v1/syncs', everything))[0]).toBe(409)
  expect(await call('POST', of('resume'))).toMatchObject([200, { state: 'active' }])
  expect(await call('POST', of('cancel'))).toMatchObject([200, { sync: { state: 'cancelled' } }])
  scroll.state.latencyMs = 0
  const [, restarted] = await call('POST', of('restart'), { stream: null, from: 'scratch' })
  expect(await all.ended(userId, restarted.id!)).toMatchObject({ state: 'done' })
  expect(scroll.delivered.has('401-0')).toBe(true)
  expect(await stored()).toBe(400)
  expect(await call('POST', '/v1/syncs/cancel')).toEqual([200, { sync: null }])
  expect((await call('GET', '/v1/syncs'))[1]).toMatchObject({ syncs: [{}, {}, {}, {}] })
  expect(await word()).toBe('on-time')
})

describe('status', () => {
  test('joins the state of the work with what is stored', async () => {
    const { web } = await startConductor()
    await startWorkers()
    const { userId, connection } = await all.connect()
    const { sync } = await web.createSync({ userId, body: everything })
    await all.ended(userId, sync.id)
    const { networks, syncs, media } = await web.getStatus({ userId })
    expect(networks).toMatchObject([
      {
        connection: { id: connection.id },
        word: 'on-time',
        isComplete: true,
        types: [{ contentType: 'posts', word: 'on-time', stored: 40, available: null, itemsPerMinute: null }],
        streams: [{ state: 'idle' }],
      },
    ])
    expect(syncs[0]).toMatchObject({ id: sync.id, state: 'done' })
    expect(media).toEqual([])
  })

  test('without platform the state is still told, and no number is made up', async () => {
    const { web } = await startConductor({ platformUrl: nowhere })
    const { userId } = await all.connect()
    const { networks, media } = await web.getStatus({ userId })
    expect(networks).toMatchObject([{ types: [{ contentType: 'posts', stored: null }] }])
    expect(media).toBeNull()
  })

  test('without accounts it is unavailable', async () => {
    const { web } = await startConductor({ accountsUrl: nowhere })
    expect(await kindOf(web.getStatus({ userId: randomUUID() }))).toBe('unavailable')
  })
})

describe('events', () => {
  test('are those of the person alone, and go on after the last one that was seen', async () => {
    const { web } = await startConductor()
    const [userId, other] = [randomUUID(), randomUUID()]
    const first = await readEvents(web, userId, 2, undefined, async () => {
      await publishEvent(redis, other, { number: 0 })
      for (const number of [1, 2]) await publishEvent(redis, userId, { number })
    })
    expect(first.map(({ data }) => data)).toEqual([{ number: 1 }, { number: 2 }])
    await publishEvent(redis, userId, { number: 3 })
    const second = await readEvents(web, userId, 2, first[0]!.id)
    expect(second.map(({ data }) => data)).toEqual([{ number: 2 }, { number: 3 }])
  })

  test('go on after the line was cut: what was told meanwhile comes, once and in order', async () => {
    const { url } = await startConductor()
    const line = await startBreakableTcp(new URL(url))
    closing.push(() => line.close())
    const web = createClient(conductorRoutes, { service: 'conductor', baseUrl: line.url, sign: signOf('web') })
    const userId = randomUUID()
    const tell = async (...numbers: number[]) => {
      for (const number of numbers) await publishEvent(redis, userId, { number })
    }
    const before = await readEvents(web, userId, 1, undefined, () => tell(1))
    const open = await web.events({ userId, headers: { 'last-event-id': before[0]!.id } })
    const cut = open.text()
    line.cut()
    await expect(cut).rejects.toThrow()
    await tell(2, 3, 4)
    expect(await kindOf(web.events({ userId }))).toBe('unavailable')
    line.mend()
    const after = await readEvents(web, userId, 4, before[0]!.id, () => tell(5))
    expect(after.map(({ data }) => data)).toEqual([2, 3, 4, 5].map((number) => ({ number })))
  })

  test('end when the service stops', async () => {
    const { web } = await startConductor()
    const response = await web.events({ userId: randomUUID() })
    const reading = response.text()
    const started = performance.now()
    await closing.pop()!()
    await reading.catch(() => undefined)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

test('running sets are made true at the start', async () => {
  const userId = randomUUID()
  await addRunning(redis, userId, 'stale')
  await startConductor()
  await until(async () => (await listRunning(redis, userId)).length === 0)
})

test('what ended is announced again until it has been carried out', async () => {
  await startWorkers()
  const { userId } = await all.connect()
  const lame = await startConductor({ platformUrl: nowhere })
  const { sync } = await lame.web.createSync({ userId, body: everything })
  await all.ended(userId, sync.id)
  const waiting = () =>
    all.db.query<{ isNew: boolean }>('SELECT claimable_at <= created_at AS "isNew" FROM outbox WHERE user_id = $1', [userId])
  await until(async () => (await waiting())[0]?.isNew === false)
  await delay(300)
  expect(await waiting()).toHaveLength(1)

  await all.db.query('UPDATE outbox SET claimable_at = now()')
  await startConductor()
  await until(async () => (await waiting()).length === 0)
  expect(existsSync(join(all.directory, 'storage', userId, 'Asheville', 'README.txt'))).toBe(true)
})

type Web = Awaited<ReturnType<typeof startConductor>>['web']

/** Follows the events until so many are there; `meanwhile` runs once it is connected. */
async function readEvents(web: Web, userId: string, count: number, lastId?: string, meanwhile?: () => Promise<void>) {
  const controller = new AbortController()
  const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId }
  const response = await web.events({ userId, headers, signal: controller.signal })
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream\b/)
  const found: { id: string; data: unknown }[] = []
  await meanwhile?.()
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    found.length = 0
    for (const [, id, json] of text.matchAll(/id: (\S+)\ndata: (.+)\n\n/g)) found.push({ id: id!, data: JSON.parse(json!) as unknown })
    if (found.length >= count) break
  }
  controller.abort()
  return found
}
