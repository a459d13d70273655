import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRedis, isReadyWithin, type Redis } from '@asheville/redis'
import { testRedis } from '@asheville/testkit'
import { forgetShares, takeRequest, type Share } from './budgets.ts'
import { forgetKeys } from './forget-keys.ts'
import { findHeld, holdBack } from './limits.ts'
import { followEvents, publishEvent } from './live-events.ts'
import { addRunning, listRunning, rebuildRunning, removeRunning } from './running-sets.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'

// What is in Redis wherever the jobs are.

let server: { url: string; close(): Promise<void> }
let redis: Redis
let subscriber: Subscriber

beforeAll(async () => {
  server = await testRedis()
  redis = connectRedis(server.url)
  await isReadyWithin(redis, 5000)
  subscriber = createSubscriber(server.url)
})

afterAll(async () => {
  subscriber.close()
  redis.disconnect()
  await server.close()
})

async function until(holds: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(10)
  }
}

test('following without Redis is unavailable at once', async () => {
  const away = connectRedis('redis://127.0.0.1:9')
  const following = followEvents(away, subscriber, { userId: randomUUID(), after: null, signal: new AbortController().signal })
  await expect(following).rejects.toMatchObject({ kind: 'unavailable' })
  away.disconnect()
})

describe('live events', () => {
  test('what is published arrives in order; who comes back goes on after the last that was seen', async () => {
    const userId = randomUUID()
    const controller = new AbortController()
    const seen: { id: string; json: string }[] = []
    const follow = async (after: string | null) => {
      for await (const event of await followEvents(redis, subscriber, { userId, after, signal: controller.signal })) seen.push(event)
    }
    const following = follow(null)
    await delay(100)
    for (let number = 1; number <= 300; number += 1) await publishEvent(redis, userId, { number })
    await publishEvent(redis, randomUUID(), { number: 'another person’s' })
    await until(() => seen.length === 300)
    controller.abort()
    await following
    expect(seen.map(({ json }) => (JSON.parse(json) as { number: number }).number)).toEqual(
      Array.from({ length: 300 }, (_, index) => index + 1),
    )

    const again = new AbortController()
    const rest: string[] = []
    for await (const event of await followEvents(redis, subscriber, { userId, after: seen[297]!.id, signal: again.signal })) {
      rest.push(event.json)
      if (rest.length === 2) again.abort()
    }
    expect(rest).toEqual(['{"number":299}', '{"number":300}'])
  })
})

test('running sets are what the leases say after a rebuild, whatever was in them', async () => {
  const [a, b] = [randomUUID(), randomUUID()]
  await addRunning(redis, a, 'stale')
  await addRunning(redis, b, 'stale')
  await rebuildRunning(redis, [
    { userId: a, key: 'one' },
    { userId: a, key: 'two' },
  ])
  expect((await listRunning(redis, a)).sort()).toEqual(['one', 'two'])
  expect(await listRunning(redis, b)).toEqual([])
  await removeRunning(redis, a, 'one')
  expect(await listRunning(redis, a)).toEqual(['two'])
})

test('a limit holds its server back, or the whole network, says why, and ends by itself', async () => {
  const soon = { until: new Date(Date.now() + 60_000), reason: 'The month is used up' }
  await holdBack(redis, 'mastodon', 'https://a.example', soon)
  expect(await findHeld(redis, 'mastodon', 'https://a.example')).toEqual(soon)
  expect(await findHeld(redis, 'mastodon', 'https://b.example')).toBeNull()
  await holdBack(redis, 'mastodon', null, { until: new Date(Date.now() + 50), reason: 'A moment' })
  expect(await findHeld(redis, 'mastodon', 'https://b.example')).toMatchObject({ reason: 'A moment' })
  expect(await findHeld(redis, 'mastodon', 'https://a.example')).toEqual(soon)
  await delay(80)
  expect(await findHeld(redis, 'mastodon', 'https://b.example')).toBeNull()
})

test('a person’s keys are forgotten, and nobody else’s', async () => {
  const [gone, other] = [randomUUID(), randomUUID()]
  for (const userId of [gone, other]) {
    await publishEvent(redis, userId, { type: 'sync', syncId: randomUUID(), state: 'done' })
    await addRunning(redis, userId, 'a-stream')
  }
  await forgetKeys(redis, gone)
  const keys = await redis.keys('*')
  expect(keys.filter((key) => key.includes(gone))).toEqual([])
  expect(keys.filter((key) => key.includes(other))).toHaveLength(2)
})

describe('budgets', () => {
  const share = (per: Share['per'], of: string | null, requests: number, windowMs = 60_000): Share => ({ per, of, requests, windowMs })

  test('are shared by all who take of them; one that is used up says when there will be more, and nothing is taken of the others', async () => {
    const another = connectRedis(server.url)
    await isReadyWithin(another, 5000)
    const [one, two] = [share('connection', 'one', 3), share('connection', 'two', 3)]
    const all = share('server', 'https://a.example', 5)
    const takes = Array.from({ length: 10 }, (_, index) => takeRequest(index % 2 ? redis : another, 'shared', [one, all]))
    const spent = (await Promise.all(takes)).filter((each) => each !== null)
    expect(spent).toHaveLength(7)
    for (const { per, waitMs } of spent) {
      expect(per).toBe('connection')
      expect(waitMs).toBeGreaterThan(54_000)
      expect(waitMs).toBeLessThanOrEqual(66_000)
    }
    expect(await takeRequest(redis, 'shared', [two, all])).toBeNull()
    expect(await takeRequest(redis, 'shared', [two, all])).toBeNull()
    expect(await takeRequest(redis, 'shared', [two, all])).toMatchObject({ per: 'server' })
    // Elsewhere it has one left: the last refusal took nothing.
    expect(await takeRequest(redis, 'shared', [two])).toBeNull()
    expect(await takeRequest(redis, 'shared', [two])).toMatchObject({ per: 'connection' })
    expect(await takeRequest(redis, 'other', [one, all])).toBeNull()
    another.disconnect()
  })

  test('no window ever holds more than is allowed, and all of it can be had', async () => {
    const most = 5
    const windowMs = 500
    // Redis counted it at some moment between the two.
    const taken: { asked: number; answered: number }[] = []
    while (taken.length < 4 * most) {
      const asked = performance.now()
      const spent = await takeRequest(redis, 'steady', [share('app', null, most, windowMs)])
      if (spent) await delay(Math.min(spent.waitMs, 100))
      else taken.push({ asked, answered: performance.now() })
    }
    // Its clock counts whole milliseconds.
    for (let index = most; index < taken.length; index += 1)
      expect(taken[index]!.answered - taken[index - most]!.asked).toBeGreaterThan(windowMs - 1)
  })

  test('vanish when they are not used, and are forgotten with their connection', async () => {
    await takeRequest(redis, 'forgotten', [share('connection', 'gone', 3, 200), share('connection', 'stays', 3)])
    await takeRequest(redis, 'forgotten', [share('connection', 'forgotten', 3)])
    await forgetShares(redis, 'forgotten', [{ per: 'connection', requests: 3, windowMs: 60_000 }], ['forgotten'])
    await delay(300)
    expect(await redis.keys('budget:{forgotten}*')).toEqual(['budget:{forgotten}:connection:60000:stays'])
  })
})
