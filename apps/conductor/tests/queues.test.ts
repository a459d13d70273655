import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRedis, disconnect, type Redis } from '@asheville/redis'
import { startConstellation, type Constellation } from '../../workers/tests/constellation.ts'
import { startScroll, type Scroll } from '../../workers/tests/scroll.ts'

jest.setTimeout(120_000)

let scroll: Scroll
let all: Constellation
let redis: Redis
let owner: string
let closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  scroll = await startScroll({ count: 40 })
  all = await startConstellation(scroll.network)
  redis = connectRedis(all.urls.redisUrl)
  // Whoever is the first owns the server.
  owner = (await all.connect()).userId
})

afterEach(async () => {
  for (const close of closing.reverse()) await close()
  closing = []
  await control(false)
})

afterAll(async () => {
  disconnect(redis)
  await all.close()
  await scroll.close()
})

async function startWorker(holder: string) {
  const worker = await all.startWorkers({ holder })
  closing.push(() => worker.close())
}

async function until(holds: () => Promise<boolean>, ms = 30_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(50)
  }
}

/** Everybody's first sync is over. */
async function settle(): Promise<void> {
  await all.db.query('UPDATE streams SET next_due_at = now() WHERE last_synced_at IS NULL')
  // What the queue lost in the test before would be handed over again after half a minute.
  await all.db.query('UPDATE sync_jobs SET enqueue_after = now() WHERE finished_at IS NULL')
  await startWorker('settling')
  await until(async () => (await all.db.query('SELECT FROM streams WHERE last_synced_at IS NULL')).length === 0)
  await until(async () => (await figures()).active === 0)
  await closing.pop()?.()
}

const queues = () => all.web.conductor.getQueues({ userId: owner })
const figures = async () => (await queues()).networks[0]!
const control = (isPaused: boolean, jobsPerMinute: number | null = null) =>
  all.web.accounts.putControl({ userId: owner, params: { network: scroll.network.id }, body: { isPaused, jobsPerMinute } })
const begin = (userId: string) => all.web.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })
const isPaused = async () => (await redis.hget(`{sync-${scroll.network.id}}:sync-${scroll.network.id}:meta`, 'paused')) === '1'

test('everybody but the owner is refused', async () => {
  const { userId } = await all.connect()
  const board = { method: 'GET' as const, path: '/queues', query: {}, isUnlocked: true }
  for (const call of [
    () => all.web.conductor.getQueues({ userId }),
    () => all.web.conductor.drainWorker({ userId, params: { holder: 'one' }, body: { isDrained: true } }),
    () => all.web.conductor.askBoard({ userId, body: board }),
  ])
    await expect(call()).rejects.toMatchObject({ kind: 'forbidden' })
})

test('a paused network waits, even when Redis has lost everything, and says so; resumed, it goes on', async () => {
  await settle()
  await control(true)
  await until(isPaused)
  const { userId } = await all.connect()
  await startWorker('one')
  const { sync } = await begin(userId)
  await until(async () => (await figures()).waiting === 1)
  const before = scroll.tally.requests
  expect(await figures()).toMatchObject({ network: scroll.network.id, isPaused: true, jobsPerMinute: null, active: 0, failed: 0 })
  expect(Date.now() - Date.parse((await figures()).oldestWaitingAt!)).toBeLessThan(15_000)
  expect((await all.web.conductor.getStatus({ userId })).networks).toMatchObject([
    { word: 'waiting', reason: 'The owner of this server has paused it for now' },
  ])
  await redis.flushdb()
  await until(isPaused)
  await all.db.query('UPDATE sync_jobs SET enqueue_after = now()')
  await delay(3000)
  expect(await figures()).toMatchObject({ waiting: 0, active: 0 })
  expect(scroll.tally.requests).toBe(before)
  await control(false)
  expect(await all.ended(userId, sync.id)).toMatchObject({ state: 'done', tally: { new: 40 } })
  expect((await all.web.conductor.getStatus({ userId })).networks).toMatchObject([{ word: 'on-time' }])
})

test('a throttled one begins so many jobs in a minute, and the others wait', async () => {
  await control(false)
  await settle()
  await control(false, 2)
  await until(async () => (await redis.hget(`{sync-${scroll.network.id}}:sync-${scroll.network.id}:meta`, 'max')) === '2')
  const people = await Promise.all(Array.from({ length: 4 }, () => all.connect()))
  for (const { userId } of people) await begin(userId)
  await startWorker('one')
  await startWorker('two')
  const ids = people.map(({ userId }) => userId)
  const unsynced = () => all.db.query('SELECT FROM streams WHERE user_id = ANY ($1) AND last_synced_at IS NULL', [ids])
  await until(async () => (await unsynced()).length === 2)
  await delay(1000)
  expect(await figures()).toMatchObject({ waiting: 2, active: 0, failed: 0, jobsPerMinute: 2 })
  await control(false)
  await until(async () => (await figures()).waiting === 0)
})

test('a drained worker hands back what it has and takes no more, and says so; others go on, and it may begin again', async () => {
  await settle()
  scroll.state.latencyMs = 600
  scroll.state.count = 2000
  const { userId } = await all.connect()
  const { sync } = await begin(userId)
  await startWorker('one')
  const workers = async () => (await queues()).workers
  await until(async () => (await workers()).some(({ running }) => running[scroll.network.id] === 1))
  expect(await workers()).toMatchObject([{ holder: 'one', isDraining: false, isAsked: false }])
  await all.web.conductor.drainWorker({ userId: owner, params: { holder: 'one' }, body: { isDrained: true } })
  await until(async () => (await workers()).some(({ isDraining }) => isDraining))
  // At the end of its slice.
  await until(async () => (await workers()).every(({ running }) => Object.keys(running).length === 0), 30_000)
  expect((await all.web.accounts.getSync({ userId, params: { syncId: sync.id } })).state).toBe('running')
  scroll.state.latencyMs = 0
  await delay(1000)
  const before = scroll.tally.requests
  await delay(1000)
  expect(scroll.tally.requests).toBe(before)
  await startWorker('two')
  expect(await all.ended(userId, sync.id)).toMatchObject({ state: 'done', tally: { new: 2000 } })
  expect(await workers()).toMatchObject([
    { holder: 'one', isDraining: true, isAsked: true },
    { holder: 'two', isDraining: false },
  ])
  await all.web.conductor.drainWorker({ userId: owner, params: { holder: 'one' }, body: { isDrained: false } })
  await until(async () => (await workers()).every(({ isDraining }) => !isDraining))
  await expect(
    all.web.conductor.drainWorker({ userId: owner, params: { holder: 'nobody' }, body: { isDrained: true } }),
  ).rejects.toMatchObject({ kind: 'not-found' })
})

test('the board answers the owner, and changes nothing unless it is unlocked', async () => {
  const ask = (method: 'GET' | 'PUT', path: string, isUnlocked: boolean) =>
    all.web.conductor.askBoard({ userId: owner, body: { method, path, query: {}, isUnlocked } })
  const { status, body } = await ask('GET', '/queues', false)
  expect(status).toBe(200)
  expect(body).toMatchObject({ queues: [{ name: `sync-${scroll.network.id}`, displayName: scroll.network.title, readOnlyMode: true }] })
  const clean = `/queues/sync-${scroll.network.id}/clean/completed`
  await expect(ask('PUT', clean, false)).rejects.toMatchObject({ kind: 'forbidden' })
  expect((await ask('PUT', clean, true)).status).toBe(200)
})
