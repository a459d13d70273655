import { afterAll, afterEach, beforeAll, expect, test, jest } from '@jest/globals'
import { setTimeout as delay } from 'node:timers/promises'
import type { Network, PullIo, Stream, Walk } from '@asheville/core'
import { startConstellation, type Constellation } from './constellation.ts'
import { inParts, startScroll, type Scroll } from './scroll.ts'

// A job whose hand-over to the queue fails on a busy machine is handed over again after half a minute.
jest.setTimeout(60_000)

/*
 * A network that charges for each record of two lists, which are pulled side by side and each in parts, on all services as they run. `charged` is
 * the vendor's bill.
 */

const perPage = 20
const names = ['entries', 'notes'] as const
const charged = new Map<string, number>()

function paid(network: Network): Network {
  const [free] = network.streams as [Stream]
  const stream = (name: string): Stream => ({
    ...free,
    name,
    estimate: () => Promise.resolve(scroll.state.count),
    async *pages(walk: Walk, io: PullIo) {
      for await (const page of free.pages(walk, io)) {
        charged.set(name, (charged.get(name) ?? 0) + page.items.length)
        const items = page.items.map((item) => {
          const id = item.id.replace('/entries/', `/${name}/`)
          return { ...item, id, object: { ...item.object, id } }
        })
        yield { ...page, items, reads: items.length }
      }
    },
  })
  return { ...network, streams: names.map(stream) }
}

let scroll: Scroll
let all: Constellation
let closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  scroll = await startScroll({ perPage, latencyMs: 5 })
  all = await startConstellation(paid(inParts(scroll.network, [420, 240])))
})
afterEach(async () => {
  for (const close of closing) await close()
  closing = []
  charged.clear()
})
afterAll(async () => {
  await all.close()
  await scroll.close()
})

async function startWorkers() {
  const workers = await all.startWorkers()
  let isClosed = false
  const close = async () => {
    if (!isClosed) await workers.close()
    isClosed = true
  }
  closing.push(close)
  return { close }
}

async function start(readsPerMonth: number | null) {
  const { userId, connection } = await all.connect()
  const params = { connectionId: connection.id }
  const update = (body: { settings?: { readsPerMonth: number | null }; paused?: boolean }) =>
    all.web.accounts.updateConnection({ userId, params, body })
  await update({ settings: { readsPerMonth }, paused: false })
  const status = async () => (await all.web.conductor.getStatus({ userId })).networks[0]!
  return { userId, update, status }
}

const bill = () => names.reduce((sum, name) => sum + (charged.get(name) ?? 0), 0)

async function until(holds: () => Promise<boolean> | boolean, ms = 30_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(20)
  }
}

test('a bound is passed by a page of each list at most, however far ahead it is pulled; raised, all comes, and nothing is paid twice', async () => {
  scroll.state.count = 600
  await startWorkers()
  const { userId, update, status } = await start(300)
  await until(async () => (await status()).streams.every(({ state }) => state === 'waiting'))
  expect(bill()).toBeGreaterThanOrEqual(300)
  expect(bill()).toBeLessThanOrEqual(300 + names.length * perPage)
  // What was paid for is here.
  expect(await all.stored(userId)).toHaveLength(bill())
  const { streams, readsThisMonth } = await status()
  expect(readsThisMonth).toBe(bill())
  expect(new Set(streams.map(({ reason }) => reason))).toEqual(new Set(['Your bound of 300 reads a month is reached']))
  const { syncs } = await all.web.conductor.getStatus({ userId })
  expect(syncs.map(({ state }) => state)).not.toContain('running')

  // Asked for all the same, nothing is read.
  const before = scroll.tally.requests
  await all.db.query("UPDATE sync_jobs SET finished_at = finished_at - interval '1 hour' WHERE user_id = $1", [userId])
  expect(await all.sync(userId)).toMatchObject({ state: 'done', tally: { new: 0 } })
  expect(scroll.tally.requests).toBe(before)
  expect((await status()).streams.map(({ state }) => state)).toEqual(['waiting', 'waiting'])

  await update({ settings: { readsPerMonth: null } })
  await until(async () => (await status()).streams.every(({ state, backfilling }) => state === 'idle' && !backfilling))
  expect(await all.stored(userId)).toHaveLength(1200)
  expect([bill(), (await status()).readsThisMonth]).toEqual([1200, 1200])
})

test('what was pulled is counted, also when it is not stored: the sync is cancelled, the worker is stopped', async () => {
  scroll.state.count = 4000
  const workers = await startWorkers()
  const { userId, status } = await start(null)
  await until(() => bill() > 400)
  const [running] = (await all.web.conductor.getStatus({ userId })).syncs
  await all.web.conductor.cancelSync({ userId, params: { syncId: running!.id } })
  await workers.close()
  expect((await status()).readsThisMonth).toBe(bill())
  expect(bill()).toBeLessThan(8000)
})
