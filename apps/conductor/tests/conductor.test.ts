import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { conductorRoutes, createClient } from '@asheville/clients'
import type { ServiceName } from '@asheville/core'
import { addRunning, listRunning, publishEvent } from '@asheville/jobs'
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
    const { web } = await startConductor()
    const { userId } = await all.connect()
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

describe('status', () => {
  test('joins the state of the work with what is stored', async () => {
    const { web } = await startConductor()
    await startWorkers()
    const { userId, connection } = await all.connect()
    const { sync } = await web.createSync({ userId, body: everything })
    await all.ended(userId, sync.id)
    const { networks, syncs, media } = await web.getStatus({ userId })
    expect(networks).toMatchObject([
      { connection: { id: connection.id }, streams: [{ state: 'idle' }], stored: [{ contentType: 'posts', items: 40, available: null }] },
    ])
    expect(syncs[0]).toMatchObject({ id: sync.id, state: 'done' })
    expect(media).toEqual([])
  })

  test('without platform the state is still told, and no number is made up', async () => {
    const { web } = await startConductor({ platformUrl: nowhere })
    const { userId } = await all.connect()
    const { networks, media } = await web.getStatus({ userId })
    expect(networks).toMatchObject([{ stored: null }])
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
