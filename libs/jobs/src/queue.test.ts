import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectRedis, isReadyWithin, type Redis } from '@asheville/redis'
import { emptyTestDatabase, startBreakableTcp, testRedis } from '@asheville/testkit'
import pg from 'pg'
import { onCancel, publishCancel } from './cancellations.ts'
import { done, later, startConsumer, type Consumer, type ConsumerOptions } from './consumer.ts'
import { syncJobs } from './job-kind.ts'
import { openBackend } from './open-backend.ts'
import { createProducer, type Producer } from './producer.ts'
import type { QueueBackend } from './queue-backend.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'
import type { SyncJobData } from './sync-job.ts'

/** A server for jobs, empty, and ways to look at it and to meddle that no adapter of ours has. */
interface Place {
  url: string
  /** Where nobody listens. */
  nowhere: string
  /** Everything that it keeps, as text. */
  everything(): Promise<string>
  /** Takes the locks of a network's running jobs away, as if the process had been frozen for long. */
  takeLocks(network: string): Promise<void>
  close(): Promise<void>
}

async function redisPlace(): Promise<Place> {
  const { url, close } = await testRedis()
  const redis = connectRedis(url)
  await isReadyWithin(redis, 5000)
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, 0, '-1'),
    stream: (key) => redis.xrange(key, '-', '+'),
  }
  return {
    url,
    nowhere: 'redis://127.0.0.1:9',
    async everything() {
      const keys = await redis.keys('*')
      return JSON.stringify(await Promise.all(keys.map(async (key) => [key, await read[String(await redis.type(key))]?.(key)])))
    },
    async takeLocks(network) {
      const locks = await redis.keys(`{sync-${network}}:*:lock`)
      await redis.del(...locks)
    },
    async close() {
      redis.disconnect()
      await close()
    },
  }
}

async function postgresPlace(): Promise<Place> {
  const { url, close } = await emptyTestDatabase()
  const pool = new pg.Pool({ connectionString: url, options: '-c search_path=bullmq', max: 2 })
  pool.on('error', () => undefined)
  return {
    url,
    nowhere: 'postgres://asheville@127.0.0.1:9/asheville',
    async everything() {
      const tables = await pool.query<{ name: string }>(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'bullmq'",
      )
      const rows = tables.rows.map(({ name }) => pool.query(`SELECT to_jsonb(t) FROM ${pg.escapeIdentifier(name)} t`))
      return JSON.stringify((await Promise.all(rows)).map((result) => result.rows))
    },
    async takeLocks(network) {
      await pool.query("UPDATE job SET lock_token = 'another' WHERE queue = $1 AND state = 'active'", [`sync-${network}`])
    },
    async close() {
      await pool.end()
      await close()
    },
  }
}

describeQueue('Redis', redisPlace)
describeQueue('Postgres', postgresPlace)

/** What our queues promise, wherever BullMQ keeps them. */
function describeQueue(name: string, makePlace: () => Promise<Place>): void {
  describe(`a queue in ${name}`, () => {
    let place: Place
    let cancels: { url: string; close(): Promise<void> }
    let redis: Redis
    let backend: QueueBackend
    let producer: Producer
    let subscriber: Subscriber
    const consumers: Consumer[] = []
    const closing: (() => unknown)[] = []

    beforeAll(async () => {
      place = await makePlace()
      cancels = await testRedis()
      redis = connectRedis(cancels.url)
      subscriber = createSubscriber(cancels.url)
      backend = openBackend(place.url)
      while (
        await backend.check().then(
          () => false,
          () => true,
        )
      )
        await delay(20)
      producer = createProducer(backend)
    })

    afterAll(async () => {
      await Promise.all(consumers.map((consumer) => consumer.close(2000)))
      await backend.close()
      for (const close of closing.reverse()) await close()
      subscriber.close()
      redis.disconnect()
      await cancels.close()
      await place.close()
    })

    const someJob = (): SyncJobData => ({
      syncId: randomUUID(),
      userId: randomUUID(),
      connectionId: randomUUID(),
      stream: 'posts',
      requestId: 'test',
    })

    const consume = (
      network: string,
      process: ConsumerOptions<SyncJobData>['process'],
      { concurrency = 5, holder = randomUUID(), through = backend }: { concurrency?: number; holder?: string; through?: QueueBackend } = {},
    ): Consumer => {
      const consumer = startConsumer({ backend: through, kind: syncJobs(network), holder, concurrency, process })
      consumers.push(consumer)
      return consumer
    }

    test('with the server away, enqueueing fails at once as unavailable', async () => {
      const away = openBackend(place.nowhere)
      const stranded = createProducer(away)
      await delay(100)
      const started = performance.now()
      await expect(stranded.enqueueSync('away', someJob(), { isScheduled: false })).rejects.toMatchObject({ kind: 'unavailable' })
      await expect(away.check()).rejects.toMatchObject({ kind: 'unavailable' })
      expect(performance.now() - started).toBeLessThan(500)
      await away.close()
    })

    test('a server that goes away and comes back: work goes on by itself', async () => {
      const line = await startBreakableTcp(new URL(place.url))
      const outages: boolean[] = []
      const through = openBackend(line.url, { onOutage: (isDown) => outages.push(isDown) })
      closing.push(
        () => line.close(),
        () => through.close(),
      )
      line.cut()
      const ran: string[] = []
      consume(
        'outage',
        (data) => {
          ran.push(data.syncId)
          return Promise.resolve(done)
        },
        { through },
      )
      const [early, late] = [someJob(), someJob()]
      await producer.enqueueSync('outage', early, { isScheduled: false })
      await delay(300)
      expect(ran).toEqual([])
      line.mend()
      await until(() => ran.length === 1, 12_000)
      line.cut()
      await producer.enqueueSync('outage', late, { isScheduled: false })
      await delay(300)
      expect(ran).toEqual([early.syncId])
      line.mend()
      await until(() => ran.length === 2, 12_000)
      expect(ran).toEqual([early.syncId, late.syncId])
      expect(outages.slice(0, 2)).toEqual([true, false])
    })

    test('whoever lost its lock is told to stop', async () => {
      const job = someJob()
      let reason: unknown = null
      consume('frozen', async (_data, signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        reason ??= signal.reason
        return done
      })
      await producer.enqueueSync('frozen', job, { isScheduled: false })
      await until(() => consumers.length > 0)
      await delay(300)
      await place.takeLocks('frozen')
      await until(() => reason !== null, 6000)
      expect(reason).toBe('lock-lost')
    })

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
        { concurrency: 1 },
      )
      await until(() => ran.length === 2)
      expect(ran).toEqual([asked.syncId, scheduled.syncId])
    })

    test('many that were scheduled are added at once, each once, and go after what people asked for', async () => {
      const ran: string[] = []
      const [first, second, asked] = [someJob(), someJob(), someJob()]
      await producer.enqueueScheduled('many', [first, second, { ...first, syncId: randomUUID() }])
      await producer.enqueueScheduled('many', [second])
      await producer.enqueueSync('many', asked, { isScheduled: false })
      consume(
        'many',
        (data) => {
          ran.push(data.syncId)
          return Promise.resolve(done)
        },
        { concurrency: 1 },
      )
      await until(() => ran.length >= 3)
      await delay(100)
      expect(ran).toEqual([asked.syncId, first.syncId, second.syncId])
    })

    test('so does what was scheduled once somebody waits for it', async () => {
      const ran: string[] = []
      const [first, second] = [someJob(), someJob()]
      await producer.enqueueSync('watched', first, { isScheduled: true })
      await producer.enqueueSync('watched', second, { isScheduled: true })
      await producer.enqueueSync('watched', second, { isScheduled: false })
      consume(
        'watched',
        (data) => {
          ran.push(data.syncId)
          return Promise.resolve(done)
        },
        { concurrency: 1 },
      )
      await until(() => ran.length === 2)
      expect(ran).toEqual([second.syncId, first.syncId])
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
        { concurrency: 1 },
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
        const child = spawn(process.execPath, [fixture, place.url, network, 'the same'])
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
        consume(network, take, { holder: successor })
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
      consume('living', run, { holder: 'one' })
      await producer.enqueueSync('living', job, { isScheduled: false })
      await until(() => ran.length === 1)
      consume('living', run, { holder: 'two' })
      await delay(300)
      ending.resolve(null)
      expect(ran).toHaveLength(1)
    })

    test('a person is forgotten: waiting and ended jobs, and what is told of them; not while one of theirs runs, and nobody else’s', async () => {
      const queue = `forgetful-${randomUUID()}`
      const [gone, other] = [randomUUID(), randomUUID()]
      const jobOf = (userId: string): SyncJobData => ({ ...someJob(), userId })
      let release = () => {}
      const held = new Promise<void>((resolve) => (release = resolve))
      const seen: string[] = []
      const consumer = consume(queue, async ({ userId }) => {
        seen.push(userId)
        if (seen.length === 3) await held
        return done
      })
      const enqueue = (userId: string) => producer.enqueueSync(queue, jobOf(userId), { isScheduled: false })
      await enqueue(gone)
      await enqueue(other)
      await until(() => seen.length === 2)
      await enqueue(gone)
      await until(() => seen.length === 3)
      await expect(producer.forgetPerson(queue, gone, [])).rejects.toMatchObject({ kind: 'unavailable' })
      release()
      await consumer.close(2000)
      await enqueue(gone)
      await enqueue(other)
      await producer.enqueueSync(queue, jobOf(gone), { isScheduled: true })
      const twice = jobOf(gone)
      for (let times = 0; times < 2; times += 1) await producer.enqueueSync(queue, twice, { isScheduled: false })
      const owners = async () => (await place.everything()).split(other).length - 1
      const before = await owners()
      expect(await place.everything()).toContain(twice.connectionId)
      expect(await producer.forgetPerson(queue, gone, [twice.connectionId])).toBeGreaterThanOrEqual(3)
      expect(await place.everything()).not.toContain(twice.connectionId)
      expect(await place.everything()).not.toContain(gone)
      expect(before).toBeGreaterThanOrEqual(2)
      expect(await owners()).toBe(before)
      expect(await producer.forgetPerson(queue, gone, [])).toBe(0)
    })
  })
}

async function until(holds: () => boolean, ms = 15_000): Promise<void> {
  const end = Date.now() + ms
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(10)
  }
}
