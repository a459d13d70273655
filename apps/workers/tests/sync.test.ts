import { afterAll, afterEach, beforeAll, describe, expect, test, jest } from '@jest/globals'
import { setTimeout as delay } from 'node:timers/promises'
import type { StoredItem } from '@asheville/clients'
import { connectPatiently, disconnect } from '@asheville/redis'
import { startConstellation, type Constellation } from './constellation.ts'
import { inParts, startScroll, type Scroll } from './scroll.ts'

// A job whose hand-over to the queue fails on a busy machine is handed over again after half a minute.
jest.setTimeout(60_000)

let scroll: Scroll
let all: Constellation
let closing: (() => Promise<void>)[] = []

/** Small batches, so that much can happen between two of them. */
const small = { batch: { items: 20, bytes: 8 * 1024 ** 2, media: 200, firstMs: 5000, ms: 5000 } }

beforeAll(async () => {
  scroll = await startScroll({ pictures: 50 })
  all = await startConstellation(scroll.network)
})

afterEach(async () => {
  for (const close of closing.reverse()) await close()
  closing = []
  scroll.faults.length = 0
  scroll.mediaFaults.clear()
  scroll.delivered.clear()
  Object.assign(scroll.state, { count: 100, perPage: 20, latencyMs: 0 })
})

afterAll(async () => {
  await all.close()
  await scroll.close()
})

async function startWorkers(options: Parameters<Constellation['startWorkers']>[0] = {}) {
  const workers = await all.startWorkers(options)
  let isClosed = false
  const close = async () => {
    if (!isClosed) await workers.close()
    isClosed = true
  }
  closing.push(close)
  return { close }
}

const statusOf = async (userId: string) => (await all.web.conductor.getStatus({ userId })).networks[0]!
const streamOf = async (userId: string) => (await statusOf(userId)).streams[0]!
const begin = async (userId: string) =>
  (await all.web.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })).sync.id

/** Accounts does not do again what a sync did less than half a minute ago, and neither do people. */
const later = () => all.db.query("UPDATE sync_jobs SET finished_at = finished_at - interval '1 hour' WHERE finished_at IS NOT NULL")

async function until(holds: () => Promise<boolean> | boolean, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(10)
  }
}

describe('a sync', () => {
  test('stores each item once, with its pictures; the next one asks once and stores nothing', async () => {
    await startWorkers()
    const { userId } = await all.connect()
    const media = scroll.tally.media
    expect(await all.sync(userId)).toMatchObject({ state: 'done', tally: { new: 100, changed: 0, skipped: 0 } })
    expect(await all.stored(userId)).toHaveLength(100)
    expect(scroll.tally.media - media).toBe(2)
    expect([...scroll.delivered.values()]).toEqual([1, 1, 1, 1, 1])

    await later()
    const requests = scroll.tally.requests
    expect(await all.sync(userId)).toMatchObject({ state: 'done', tally: { new: 0 } })
    expect(scroll.tally.requests - requests).toBe(1)

    scroll.state.count = 130
    await later()
    expect(await all.sync(userId)).toMatchObject({ state: 'done', tally: { new: 30 } })
    expect(await all.stored(userId)).toHaveLength(130)
  })

  test('leaves pictures to be looked at by jobs of their own, where the process that stored them did not', async () => {
    await startWorkers()
    const { userId } = await all.connect()
    await all.sync(userId)
    await until(async () => (await all.platform.picturesToLookAt(userId)) === 0, 30_000)
    await all.platform.forgetPictures(userId)
    expect(await all.platform.picturesToLookAt(userId)).toBe(2)
    await until(async () => (await all.platform.picturesToLookAt(userId)) === 0, 30_000)
  })

  test('pulls the parts of a history side by side; where one is held back, what the others have is stored, and no page comes twice', async () => {
    await startWorkers({ limits: small, networks: [inParts(scroll.network, [200, 100])] })
    Object.assign(scroll.state, { count: 300, latencyMs: 20 })
    const { userId } = await all.connect()
    const syncId = await begin(userId)
    await until(() => scroll.delivered.size >= 6)
    scroll.faults.push({ status: 429, headers: { 'retry-after': '1' } })
    expect(await all.ended(userId, syncId)).toMatchObject({ state: 'done', tally: { new: 300, changed: 0 } })
    expect(await all.stored(userId)).toHaveLength(300)
    const pages = [...scroll.delivered]
    expect(pages.filter(([, times]) => times > 1)).toEqual([])
    // The oldest part was begun before the newest was complete.
    expect(pages.findIndex(([page]) => page.endsWith('-0'))).toBeLessThan(pages.findLastIndex(([page]) => page.endsWith('-200')))

    await later()
    scroll.state.count = 330
    const requests = scroll.tally.requests
    expect(await all.sync(userId)).toMatchObject({ state: 'done', tally: { new: 30 } })
    expect(scroll.tally.requests - requests).toBe(2)
  })

  test('tells what it does while it does it', async () => {
    await startWorkers({ limits: small })
    const { userId } = await all.connect()
    const controller = new AbortController()
    const response = await all.web.conductor.events({ userId, signal: controller.signal })
    const told: { type: string; new?: number; state?: string }[] = []
    const reading = (async () => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream()))
        for (const [, json] of chunk.matchAll(/^data: (.+)$/gm)) told.push(JSON.parse(json!) as (typeof told)[number])
    })().catch(() => undefined)
    await all.sync(userId)
    await until(() => told.some(({ type, state }) => type === 'sync' && state === 'done'))
    controller.abort()
    await reading
    const progress = told.filter(({ type }) => type === 'progress')
    expect(progress.length).toBeGreaterThan(1)
    expect(progress.reduce((sum, event) => sum + (event.new ?? 0), 0)).toBe(100)
    expect(told.filter(({ type }) => type === 'stream').map(({ state }) => state)).toEqual(['running', 'idle'])
  })
})

test('a picture that cannot be had holds up nothing, and the reason is noted', async () => {
  const media = { atOnce: 4, bytes: 1_000_000, idleMs: 300, totalMs: 5000, failuresPerHost: 100 }
  await startWorkers({ limits: { ...small, media } })
  scroll.state.count = 300
  const faults = ['absent', 'broken', 'cut', 'page', 'slow'] as const
  faults.forEach((fault, index) => scroll.mediaFaults.set((index + 1) * 50, fault))
  const { userId } = await all.connect()
  expect(await all.sync(userId)).toMatchObject({ state: 'done', tally: { new: 300, skipped: 0 } })
  const states = (await attachmentsOf(userId)).map((one) => JSON.stringify(one))
  expect(states[0]).toMatch(/gone.*404/)
  expect(states[1]).toMatch(/pending.*500/)
  expect(states[2]).toMatch(/pending.*(broke off|cut off)/)
  expect(states[3]).toMatch(/pending.*a page instead/)
  expect(states[4]).toMatch(/pending.*too long/)
  expect(states[5]).toMatch(/media\/\d{4}\//)

  // Their items do not come by again; when the time has come, the files are tried for all the same.
  scroll.mediaFaults.clear()
  const asked = scroll.tally.media
  await later()
  await all.sync(userId)
  expect(scroll.tally.media).toBe(asked)
  await all.platform.passPendingTime()
  await all.db.query('UPDATE streams SET media_due_at = now()')
  await later()
  expect(await all.sync(userId)).toMatchObject({ state: 'done' })
  expect(scroll.tally.media - asked).toBe(4)
  const [first, ...others] = (await attachmentsOf(userId)).map((one) => JSON.stringify(one))
  expect(first).toMatch(/gone.*404/)
  for (const other of others) expect(other).toMatch(/"stored".*media\/\d{4}\//)
})

/** Of the entries that have a picture. */
async function attachmentsOf(userId: string): Promise<unknown[]> {
  const attachments = new Map<number, unknown>()
  for (let cursor: string | null = '', page = 0; cursor !== null && page < 10; page += 1) {
    const reply: { items: StoredItem[]; next: string | null } = await all.web.platform.listItems({
      userId,
      query: { limit: 100, ...(cursor && { cursor }) },
    })
    for (const { object } of reply.items) attachments.set(Number(/\d+$/.exec(object.id)), object['attachment'])
    cursor = reply.next
  }
  return [50, 100, 150, 200, 250, 300].map((number) => attachments.get(number))
}

describe('interrupted', () => {
  test('a worker that is stopped hands over at once; nothing that was stored is pulled again', async () => {
    Object.assign(scroll.state, { count: 600, latencyMs: 20 })
    const first = await startWorkers({ limits: small })
    const { userId } = await all.connect()
    const syncId = await begin(userId)
    await until(() => scroll.delivered.size >= 8)
    await first.close()
    const stored = (await all.stored(userId)).length
    expect(stored).toBeGreaterThan(0)
    expect((await streamOf(userId)).state).not.toBe('failed')
    const pulled = scroll.delivered.size
    await startWorkers({ limits: small })
    expect(await all.ended(userId, syncId, 8000)).toMatchObject({ state: 'done', tally: { new: 600 } })
    expect(await all.stored(userId)).toHaveLength(600)
    // The batch that was being stored was finished; what was pulled ahead of it is pulled again: a batch, the page after it, and one on its way.
    const again = [...scroll.delivered.values()].filter((times) => times > 1).length
    expect(again).toBeLessThanOrEqual(pulled - Math.floor(stored / 20))
    expect(again).toBeLessThanOrEqual(3)
  })

  test('an incremental walk that was cut off leaves no hole', async () => {
    const { userId } = await all.connect()
    const first = await startWorkers({ limits: small })
    await all.sync(userId)
    await first.close()
    await later()
    Object.assign(scroll.state, { count: 300, latencyMs: 30 })
    scroll.delivered.clear()
    const second = await startWorkers({ limits: small })
    const syncId = await begin(userId)
    await until(() => scroll.delivered.size >= 3)
    await second.close()
    // What is posted meanwhile is for the next walk.
    scroll.state.count = 320
    await startWorkers({ limits: small })
    await all.ended(userId, syncId)
    expect((await all.stored(userId)).length).toBeGreaterThanOrEqual(300)
    await later()
    await all.sync(userId)
    expect(await all.stored(userId)).toHaveLength(320)
  })

  test('cancel stops it within a second and keeps the checkpoint', async () => {
    Object.assign(scroll.state, { count: 2000, latencyMs: 20 })
    await startWorkers({ limits: small })
    const { userId } = await all.connect()
    const syncId = await begin(userId)
    await until(() => scroll.delivered.size >= 6)
    const cancelledAt = Date.now()
    expect(await all.web.conductor.cancelSync({ userId, params: { syncId } })).toMatchObject({ state: 'cancelled' })
    let requests = -1
    await until(async () => {
      const isQuiet = requests === scroll.tally.requests
      requests = scroll.tally.requests
      await delay(100)
      return isQuiet
    })
    expect(Date.now() - cancelledAt).toBeLessThan(1000)
    const stored = (await all.stored(userId)).length
    expect(stored).toBeGreaterThan(0)
    expect(await streamOf(userId)).toMatchObject({ state: 'cancelled', backfilling: true })

    scroll.state.count = 300
    scroll.delivered.clear()
    await later()
    expect(await all.sync(userId)).toMatchObject({ state: 'done' })
    // It went on below what was stored already.
    expect(scroll.delivered.has('301-0')).toBe(false)
  })

  test('a worker that lost its lease to another moves no checkpoint and begins no write', async () => {
    Object.assign(scroll.state, { count: 2000, latencyMs: 20 })
    const workers = await startWorkers({ limits: small })
    const { userId, connection } = await all.connect()
    const syncId = await begin(userId)
    await until(() => scroll.delivered.size >= 5)
    await all.db.query(
      "UPDATE leases SET fence = fence + 1, holder = 'another', expires_at = now() + interval '1 minute' WHERE connection_id = $1",
      [connection.id],
    )
    const [walk] = await all.db.query<{ cursor: string }>('SELECT cursor FROM walks WHERE connection_id = $1', [connection.id])
    const stored = (await all.stored(userId)).length
    await delay(800)
    // At most the batch that was on its way at that moment, which may be of twice its size; its checkpoint was refused.
    expect((await all.stored(userId)).length).toBeLessThanOrEqual(stored + 2 * small.batch.items)
    expect(await all.db.query('SELECT cursor FROM walks WHERE connection_id = $1', [connection.id])).toEqual([walk])
    await workers.close()
    // Or it would go on in a minute, when that lease is over, whatever is tested then.
    await all.web.conductor.cancelSync({ userId, params: { syncId } })
  })
})

describe('a network that is not well', () => {
  test('a rate limit is waited for as long as it said, and costs nothing', async () => {
    await startWorkers({ limits: small })
    const { userId } = await all.connect()
    const syncId = await begin(userId)
    scroll.faults.push({ status: 429, headers: { 'retry-after': '2' } })
    await until(async () => (await streamOf(userId)).state === 'waiting')
    const { reason, until: instant } = await streamOf(userId)
    expect(reason).toBe('Scroll allows no more requests for now')
    const requests = scroll.tally.requests
    const early = delay(Date.parse(instant!) - Date.now() - 100).then(() => scroll.tally.requests)
    expect(await all.ended(userId, syncId)).toMatchObject({ state: 'done', tally: { new: 100 } })
    expect(await early).toBe(requests)
    expect([...scroll.delivered.values()].every((times) => times === 1)).toBe(true)
  })

  test('a server that is away for a moment is asked again, from where it was', async () => {
    await startWorkers({ limits: small })
    const { userId } = await all.connect()
    scroll.state.latencyMs = 30
    const syncId = await begin(userId)
    await until(() => scroll.delivered.size >= 2)
    // More often than the client asks again by itself.
    scroll.faults.push(...Array.from({ length: 4 }, () => ({ status: 503 })))
    expect(await all.ended(userId, syncId)).toMatchObject({ state: 'done', tally: { new: 100 } })
    expect([...scroll.delivered.values()].every((times) => times === 1)).toBe(true)
  })

  test('a grant that is dead asks the person to reconnect', async () => {
    await startWorkers()
    const { userId } = await all.connect()
    scroll.faults.push({ status: 401 }, { status: 401 })
    expect(await all.sync(userId)).toMatchObject({ state: 'failed' })
    expect((await statusOf(userId)).connection).toMatchObject({ state: 'reconnect' })
  })
})

describe('a budget of requests', () => {
  const windowMs = 10 * 60_000
  /** Files count against no budget. */
  const pages = () => scroll.tally.requests - scroll.tally.media
  const bounded = (per: 'connection' | 'server') => [{ ...scroll.network, budgets: [{ per, requests: 3, windowMs }] }]

  /** As if the window had passed. */
  async function passWindow() {
    const redis = connectPatiently(all.urls.redisUrl)
    await redis.del(...(await redis.keys('budget:*')), ...(await redis.keys('limit:*')))
    disconnect(redis)
    await all.db.query("UPDATE sync_jobs SET until = now(), enqueue_after = now() WHERE state = 'waiting'")
  }

  test('of a connection is shared by all processes, waited for without an attempt, and holds nobody else back', async () => {
    for (let process = 0; process < 2; process += 1) await startWorkers({ limits: small, networks: bounded('connection'), concurrency: 1 })
    const before = pages()
    const bound = await all.connect()
    const syncId = await begin(bound.userId)
    await until(async () => (await streamOf(bound.userId)).state === 'waiting')
    const { reason, until: instant } = await streamOf(bound.userId)
    expect(reason).toBe('Scroll allows no more requests for now')
    expect(Date.parse(instant!) - Date.now()).toBeGreaterThan(windowMs * 0.9)
    expect(pages() - before).toBe(3)
    scroll.countOf.set('other', 20)
    const other = await all.connect('other')
    expect(await all.sync(other.userId)).toMatchObject({ state: 'done', tally: { new: 20 } })
    await passWindow()
    expect(await all.ended(bound.userId, syncId)).toMatchObject({ state: 'done', tally: { new: 100 } })
    // Five pages of its own and one of the other's: nothing was pulled twice.
    expect(pages() - before).toBe(6)
  })

  test('of a server holds all back who are there', async () => {
    await startWorkers({ limits: small, networks: bounded('server') })
    const before = pages()
    const first = await all.connect()
    const syncId = await begin(first.userId)
    await until(async () => (await streamOf(first.userId)).state === 'waiting')
    scroll.countOf.set('second', 20)
    const second = await all.connect('second')
    const secondId = await begin(second.userId)
    await until(async () => (await streamOf(second.userId)).state === 'waiting')
    expect(pages() - before).toBe(3)
    await passWindow()
    expect(await all.ended(first.userId, syncId)).toMatchObject({ state: 'done', tally: { new: 100 } })
    expect(await all.ended(second.userId, secondId)).toMatchObject({ state: 'done', tally: { new: 20 } })
  })
})

test('nobody’s long history delays anybody’s short one', async () => {
  await startWorkers({ concurrency: 1, limits: { ...small, slice: { pages: 5, ms: 10_000, longestMs: 30_000 } } })
  Object.assign(scroll.state, { count: 4000, latencyMs: 10 })
  const whale = await all.connect()
  const whaleSync = await begin(whale.userId)
  await until(() => scroll.delivered.size >= 3)
  for (const name of ['minnow', 'shrimp']) scroll.countOf.set(name, 40)
  const others = await Promise.all(['minnow', 'shrimp'].map((name) => all.connect(name)))
  const before = scroll.delivered.size
  const results = await Promise.all(others.map(({ userId }) => all.sync(userId)))
  expect(results.map(({ state }) => state)).toEqual(['done', 'done'])
  // The slice that it had, and one between the two others; of theirs there are four pages.
  expect(scroll.delivered.size - before).toBeLessThanOrEqual(4 + 2 * 5 + 5)
  expect((await all.web.accounts.getSync({ userId: whale.userId, params: { syncId: whaleSync } })).state).toBe('running')
  await all.web.conductor.cancelSync({ userId: whale.userId, params: { syncId: whaleSync } })
})
