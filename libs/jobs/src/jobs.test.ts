import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectRedis, isReadyWithin, type Redis } from '@asheville/redis'
import { testRedis } from '@asheville/testkit'
import { onCancel, publishCancel } from './cancellations.ts'
import { checkRedis } from './check-redis.ts'
import { done, later, startConsumer, type Consumer, type ConsumerOptions } from './consumer.ts'
import { forgetKeys } from './forget-keys.ts'
import { heldBackUntil, holdBack } from './limits.ts'
import { followEvents, publishEvent } from './live-events.ts'
import { createProducer, type Producer } from './producer.ts'
import { addRunning, listRunning, rebuildRunning, removeRunning } from './running-sets.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'
import type { SyncJobData } from './sync-job.ts'

let server: { url: string; close(): Promise<void> }
let redis: Redis
let producer: Producer
let subscriber: Subscriber
const consumers: Consumer[] = []

beforeAll(async () => {
  server = await testRedis()
  redis = connectRedis(server.url)
  await isReadyWithin(redis, 5000)
  producer = createProducer(redis)
  subscriber = createSubscriber(server.url)
})

afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close(2000)))
  await producer.close()
  subscriber.close()
  redis.disconnect()
  await server.close()
})

const someJob = (): SyncJobData => ({
  syncId: randomUUID(),
  userId: randomUUID(),
  connectionId: randomUUID(),
  stream: 'posts',
  requestId: 'test',
})

const consume = (network: string, process: ConsumerOptions['process'], concurrency = 5, holder: string = randomUUID()): Consumer => {
  const consumer = startConsumer({ redisUrl: server.url, network, holder, concurrency, process })
  consumers.push(consumer)
  return consumer
}

async function until(holds: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(10)
  }
}

test('with Redis away, enqueueing fails at once as unavailable', async () => {
  const away = connectRedis('redis://127.0.0.1:9')
  const stranded = createProducer(away)
  await delay(100)
  const started = performance.now()
  await expect(stranded.enqueueSync('away', someJob(), { isScheduled: false })).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(checkRedis(away)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(performance.now() - started).toBeLessThan(100)
  away.disconnect()
})

test('following without Redis is unavailable at once', async () => {
  const away = connectRedis('redis://127.0.0.1:9')
  const following = followEvents(away, subscriber, { userId: randomUUID(), after: null, signal: new AbortController().signal })
  await expect(following).rejects.toMatchObject({ kind: 'unavailable' })
  away.disconnect()
})

describe('queue', () => {
  test('one that waits swallows the same asked again; when it has run, it can be added anew', async () => {
    const job = someJob()
    await producer.enqueueSync('dedupe', job, { isScheduled: false })
    await producer.enqueueSync('dedupe', { ...job, syncId: randomUUID() }, { isScheduled: true })
    const ran: string[] = []
    consume('dedupe', (data) => {
      ran.push(data.syncId)
      return Promise.resolve(done)
    })
    await until(() => ran.length === 1)
    await delay(100)
    expect(ran).toEqual([job.syncId])
    await producer.enqueueSync('dedupe', job, { isScheduled: false })
    await until(() => ran.length === 2)
  })

  test('asked again while it runs, it runs once more afterwards, and never twice at once', async () => {
    const job = someJob()
    let atOnce = 0
    let most = 0
    const ran: string[] = []
    consume('follow', async (data) => {
      most = Math.max(most, (atOnce += 1))
      await delay(150)
      ran.push(data.syncId)
      atOnce -= 1
      return done
    })
    await producer.enqueueSync('follow', job, { isScheduled: false })
    await until(() => atOnce === 1)
    const next = randomUUID()
    await producer.enqueueSync('follow', { ...job, syncId: randomUUID() }, { isScheduled: false })
    await producer.enqueueSync('follow', { ...job, syncId: next }, { isScheduled: false })
    await until(() => ran.length === 2)
    await delay(300)
    expect(ran).toEqual([job.syncId, next])
    expect(most).toBe(1)
  })

  test('a job that comes back later keeps its place against the same asked again', async () => {
    const job = someJob()
    const times: number[] = []
    consume('later', () => {
      times.push(Date.now())
      return Promise.resolve(times.length === 1 ? later(400) : done)
    })
    await producer.enqueueSync('later', job, { isScheduled: false })
    await until(() => times.length === 1)
    await delay(50)
    await producer.enqueueSync('later', job, { isScheduled: false })
    await until(() => times.length === 2)
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(395)
    await delay(200)
    expect(times).toHaveLength(2)
  })

  test('what people asked for goes before what was scheduled', async () => {
    const ran: string[] = []
    const scheduled = someJob()
    const asked = someJob()
    await producer.enqueueSync('priority', scheduled, { isScheduled: true })
    await producer.enqueueSync('priority', asked, { isScheduled: false })
    consume(
      'priority',
      (data) => {
        ran.push(data.syncId)
        return Promise.resolve(done)
      },
      1,
    )
    await until(() => ran.length === 2)
    expect(ran).toEqual([asked.syncId, scheduled.syncId])
  })

  test('cancel reaches a running job, and a waiting one is removed', async () => {
    const running = someJob()
    const waiting = someJob()
    let reason: unknown = null
    const started: string[] = []
    const consumer = consume(
      'cancel',
      async (data, signal) => {
        started.push(data.syncId)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        reason = signal.reason
        return done
      },
      1,
    )
    onCancel(subscriber, (key) => consumer.cancel(key))
    await producer.enqueueSync('cancel', running, { isScheduled: false })
    await until(() => started.length === 1)
    await producer.enqueueSync('cancel', waiting, { isScheduled: false })
    expect(await consumer.hasWaiting()).toBe(true)
    await producer.removeSync('cancel', waiting.connectionId, waiting.stream)
    expect(await consumer.hasWaiting()).toBe(false)
    await publishCancel(redis, [`${running.connectionId}-posts`])
    await until(() => reason !== null, 1000)
    expect(reason).toBe('cancelled')
    await delay(100)
    expect(started).toEqual([running.syncId])
  })

  test('closing stops running jobs and hands them to others', async () => {
    const job = someJob()
    let reason: unknown = null
    const first = consume('shutdown', async (_data, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reason = signal.reason
      return later(1)
    })
    await producer.enqueueSync('shutdown', job, { isScheduled: false })
    await delay(200)
    await first.close(2000)
    expect(reason).toBe('shutdown')
    let isTaken = false
    consume('shutdown', () => {
      isTaken = true
      return Promise.resolve(done)
    })
    await until(() => isTaken, 2000)
  })

  test.each([
    ['its successor', 'the same', 1000],
    ['another', 'another', 10_000],
  ])(
    'a killed worker’s job is taken over by %s in time',
    async (_who, successor, withinMs) => {
      const job = someJob()
      const network = `killed-${successor.replace(' ', '-')}`
      const fixture = fileURLToPath(new URL('./hang-forever.fixture.ts', import.meta.url))
      const child = spawn(process.execPath, [fixture, server.url, network, 'the same'])
      const output = new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString())))
      await producer.enqueueSync(network, job, { isScheduled: false })
      expect(await output).toContain(job.syncId)
      child.kill('SIGKILL')
      const killedAt = Date.now()
      let takenAt = 0
      const take = () => {
        takenAt = Date.now()
        return Promise.resolve(done)
      }
      consume(network, take, 5, successor)
      await until(() => takenAt > 0, 12_000)
      expect(takenAt - killedAt).toBeLessThan(withinMs)
    },
    20_000,
  )

  test('a successor takes nothing from the living', async () => {
    const job = someJob()
    const ran: string[] = []
    const ending = Promise.withResolvers<null>()
    const run = async () => {
      ran.push('again')
      await ending.promise
      return done
    }
    consume('living', run, 5, 'one')
    await producer.enqueueSync('living', job, { isScheduled: false })
    await until(() => ran.length === 1)
    consume('living', run, 5, 'two')
    await delay(300)
    ending.resolve(null)
    expect(ran).toHaveLength(1)
  })
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

test('a limit holds its server back, or the whole network, and ends by itself', async () => {
  const soon = new Date(Date.now() + 60_000)
  await holdBack(redis, 'mastodon', 'https://a.example', soon)
  expect(await heldBackUntil(redis, 'mastodon', 'https://a.example')).toEqual(soon)
  expect(await heldBackUntil(redis, 'mastodon', 'https://b.example')).toBeNull()
  await holdBack(redis, 'mastodon', null, new Date(Date.now() + 50))
  expect(await heldBackUntil(redis, 'mastodon', 'https://b.example')).not.toBeNull()
  await delay(80)
  expect(await heldBackUntil(redis, 'mastodon', 'https://b.example')).toBeNull()
})

test('a person is forgotten: waiting and ended jobs, events, running set; not while one of theirs runs, and nobody else’s', async () => {
  const [gone, other] = [randomUUID(), randomUUID()]
  const jobOf = (userId: string): SyncJobData => ({ ...someJob(), userId })
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const seen: string[] = []
  const consumer = consume('forgetful', async ({ userId }) => {
    seen.push(userId)
    if (seen.length === 3) await held
    return done
  })
  const enqueue = (userId: string, network = 'forgetful') => producer.enqueueSync(network, jobOf(userId), { isScheduled: false })
  await enqueue(gone)
  await enqueue(other)
  await until(() => seen.length === 2)
  await enqueue(gone)
  await until(() => seen.length === 3)
  await expect(producer.forgetPerson('forgetful', gone, [])).rejects.toMatchObject({ kind: 'unavailable' })
  release()
  await consumer.close(2000)
  await enqueue(gone)
  await enqueue(other)
  await producer.enqueueSync('forgetful', jobOf(gone), { isScheduled: true })
  await publishEvent(redis, gone, { type: 'sync', syncId: randomUUID(), state: 'done' })
  await addRunning(redis, gone, 'a-stream')

  const twice = jobOf(gone)
  for (let times = 0; times < 2; times += 1) await producer.enqueueSync('forgetful', twice, { isScheduled: false })
  const told = async () => JSON.stringify(await redis.xrange('bull:sync-forgetful:events', '-', '+'))
  expect(await told()).toContain(twice.connectionId)
  expect(await producer.forgetPerson('forgetful', gone, [twice.connectionId])).toBeGreaterThanOrEqual(3)
  expect(await told()).not.toContain(twice.connectionId)
  await forgetKeys(redis, gone)
  const keys = await redis.keys('*')
  expect(keys.filter((key) => key.includes(gone))).toEqual([])
  const hashes = keys.filter((key) => /^bull:sync-forgetful:\d+$/.test(key))
  const owners = await Promise.all(hashes.map(async (key) => (JSON.parse((await redis.hget(key, 'data'))!) as SyncJobData).userId))
  expect(new Set(owners)).toEqual(new Set([other]))
  expect(owners).toHaveLength(2)
  expect(await producer.forgetPerson('forgetful', gone, [])).toBe(0)
})
