import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRedis, isReadyWithin, type Redis } from '@asheville/redis'
import { emptyTestDatabase, testRedis } from '@asheville/testkit'
import { createBoard } from './board.ts'
import { done, later, startConsumer, type Consumer, type ConsumerOptions } from './consumer.ts'
import { syncJobs } from './job-kind.ts'
import { controlQueue } from './control-queue.ts'
import { queueName } from './names.ts'
import { openBackend } from './open-backend.ts'
import { createProducer, type Producer } from './producer.ts'
import type { QueueBackend } from './queue-backend.ts'
import { readQueue } from './read-queue.ts'
import type { SyncJobData } from './sync-job.ts'
import { announceWorker, askToDrain, listWorkers, removeWorker } from './worker-list.ts'

const someJob = (): SyncJobData => ({
  syncId: randomUUID(),
  userId: randomUUID(),
  connectionId: randomUUID(),
  stream: 'posts',
  requestId: 'test',
})

/** In what the owner of a server reads nothing of it may stand. */
const secret = `secret-${randomUUID()}`

describe.each([
  ['Redis', testRedis],
  ['Postgres', emptyTestDatabase],
])('a queue in %s', (_name, start) => {
  let place: { url: string; close(): Promise<void> }
  let backend: QueueBackend
  let producer: Producer
  const consumers: Consumer[] = []

  beforeAll(async () => {
    place = await start()
    backend = openBackend(place.url)
    await until(() =>
      backend.check().then(
        () => true,
        () => false,
      ),
    )
    producer = createProducer(backend)
  })

  afterAll(async () => {
    await Promise.all(consumers.map((consumer) => consumer.close(2000)))
    await backend.close()
    await place.close()
  })

  const consume = (network: string, process: ConsumerOptions<SyncJobData>['process'], concurrency = 5): Consumer => {
    const consumer = startConsumer({ backend, kind: syncJobs(network), holder: randomUUID(), concurrency, process })
    consumers.push(consumer)
    return consumer
  }
  const enqueue = (network: string, isScheduled = false) => producer.enqueueSync(network, someJob(), { isScheduled })
  const read = (network: string) => readQueue(backend, network)

  test('tells how many jobs are where, and how long the first in line waits', async () => {
    const network = `counted-${randomUUID()}`
    expect(await read(network)).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0, oldestWaitingAt: null })
    const startedAt = Date.now()
    await enqueue(network, true)
    const firstAt = Date.now()
    await delay(20)
    for (const isScheduled of [false, false, true]) await enqueue(network, isScheduled)
    const { oldestWaitingAt, ...counts } = await read(network)
    expect(counts).toEqual({ waiting: 4, active: 0, delayed: 0, failed: 0 })
    expect(oldestWaitingAt!.getTime()).toBeGreaterThanOrEqual(startedAt)
    expect(oldestWaitingAt!.getTime()).toBeLessThanOrEqual(firstAt)

    const ends = [() => Promise.resolve(later(60_000)), () => Promise.reject(new Error('It broke')), () => Promise.resolve(done)]
    const release = Promise.withResolvers<null>()
    const consumer = consume(network, () => (ends.pop() ?? (() => release.promise.then(() => done)))())
    await until(async () => {
      const { active, delayed, failed } = await read(network)
      return active + delayed + failed === 3 && active === 1
    })
    expect(await read(network)).toEqual({ waiting: 0, active: 1, delayed: 1, failed: 1, oldestWaitingAt: null })
    expect(consumer.running).toBe(1)
    release.resolve(null)
    await until(() => consumer.running === 0)
  })

  test('one that is paused hands out nothing, and others go on; resumed, it goes on where it was', async () => {
    const [paused, other] = [`paused-${randomUUID()}`, `other-${randomUUID()}`]
    const ran: string[] = []
    for (const network of [paused, other]) {
      consume(network, () => {
        ran.push(network)
        return Promise.resolve(done)
      })
    }
    await controlQueue(backend, paused, { isPaused: true, jobsPerMinute: null })
    await enqueue(paused)
    await enqueue(paused, true)
    await enqueue(other)
    await until(() => ran.length === 1)
    await delay(300)
    expect(ran).toEqual([other])
    expect(await read(paused)).toMatchObject({ waiting: 2, active: 0, oldestWaitingAt: expect.any(Date) })
    await controlQueue(backend, paused, { isPaused: true, jobsPerMinute: null })
    await controlQueue(backend, paused, { isPaused: false, jobsPerMinute: null })
    await until(() => ran.length === 3, 8000)
    expect(ran.slice(1)).toEqual([paused, paused])
  })

  test('a throttle holds for all workers together, and ends when it is lifted', async () => {
    const network = `slow-${randomUUID()}`
    await controlQueue(backend, network, { isPaused: false, jobsPerMinute: 3 })
    let ran = 0
    const process = () => {
      ran += 1
      return Promise.resolve(done)
    }
    for (let index = 0; index < 10; index += 1) await enqueue(network)
    for (let index = 0; index < 3; index += 1) consume(network, process)
    await until(() => ran === 3)
    await delay(700)
    expect(ran).toBe(3)
    expect(await read(network)).toMatchObject({ waiting: 7 })
    await controlQueue(backend, network, { isPaused: false, jobsPerMinute: null })
    await until(() => ran === 10, 8000)
  })

  test('who is drained takes no more, ends what it has, leaves the rest to others, and may begin again', async () => {
    const network = `drained-${randomUUID()}`
    const release = Promise.withResolvers<null>()
    const ran: string[] = []
    const run = (who: string) => async () => {
      ran.push(who)
      if (ran.length === 1) await release.promise
      return done
    }
    const first = consume(network, run('first'))
    await enqueue(network)
    await until(() => first.running === 1)
    first.drain(true)
    await enqueue(network)
    await delay(300)
    expect(ran).toEqual(['first'])
    const second = consume(network, run('second'))
    await until(() => ran.length === 2, 8000)
    release.resolve(null)
    await until(() => first.running === 0)
    second.drain(true)
    await enqueue(network)
    await delay(300)
    expect(ran).toEqual(['first', 'second'])
    first.drain(false)
    await until(() => ran.length === 3, 8000)
    expect(ran[2]).toBe('first')
  })

  describe('its board', () => {
    const network = `board-${randomUUID()}`
    const board = () => createBoard(backend, [{ id: network, title: 'A network' }])
    const name = queueName(network)
    const get = (path: string, query: Record<string, string> = {}) => ({ method: 'GET', path, query, isUnlocked: false })

    beforeAll(async () => {
      const queue = await backend.queue(name)
      await queue.add(secret.slice(0, 6), { ...someJob(), token: secret, stream: secret.repeat(3) })
      await enqueue(network)
      let jobs = 0
      const consumer = consume(network, () => {
        jobs += 1
        return Promise.reject(new Error(`The answer to https://api.example/?access_token=${secret} was odd`))
      })
      await until(() => jobs === 1)
      await until(async () => (await read(network)).failed === 2)
      await consumer.close(2000)
      await enqueue(network)
    })

    test('shows ids and short reasons, and nothing else that a job carries', async () => {
      const ask = board()
      const { status, body } = await ask(get('/queues', { activeQueue: name, status: 'latest', page: '1', jobsPerPage: '10' }))
      expect(status).toBe(200)
      const [queue] = (body as { queues: { readOnlyMode: boolean; jobs: { id: string; data: object; failedReason?: string }[] }[] }).queues
      expect(queue).toMatchObject({ name, displayName: 'A network', readOnlyMode: true, counts: { failed: 2, waiting: 1 } })
      expect(queue!.jobs).toHaveLength(3)
      expect(queue!.jobs.map(({ data }) => Object.keys(data).sort())).toContainEqual([
        'connectionId',
        'requestId',
        'stream',
        'syncId',
        'userId',
      ])
      const all = [body]
      for (const { id } of queue!.jobs)
        for (const path of [`/queues/${name}/${id}`, `/queues/${name}/${id}/logs`, `/queues/${name}/${id}/flow`])
          all.push((await ask(get(path))).body)
      for (const path of ['metrics', 'default-job-options', 'workers', 'rate-limit', 'job-data-schema'])
        all.push((await ask(get(`/queues/${name}/${path}`))).body)
      all.push((await ask(get('/job-schedulers'))).body)
      expect(JSON.stringify(all)).not.toContain(secret)
      expect(JSON.stringify(all)).toContain('The answer to … was odd')
      expect(JSON.stringify(all)).not.toContain('controls.test')
      expect((await ask(get('/redis/stats'))).status).toBe(403)
    })

    test('changes nothing unless it is unlocked, and then only what comes to no harm', async () => {
      const ask = board()
      const failed = async () => (await read(network)).failed
      const { body } = await ask(get('/queues', { activeQueue: name, status: 'failed', page: '1', jobsPerPage: '10' }))
      const { id } = (body as { queues: { jobs: { id: string }[] }[] }).queues[0]!.jobs[0]!
      const allowed = [
        `/queues/${name}/${id}/retry`,
        `/queues/${name}/${id}/clean`,
        `/queues/${name}/clean/failed`,
        `/queues/${name}/promote`,
      ]
      const never = [
        ['PUT', '/queues/pause'],
        ['PUT', '/queues/resume'],
        ['PUT', `/queues/${name}/pause`],
        ['PUT', `/queues/${name}/empty`],
        ['PUT', `/queues/${name}/obliterate`],
        ['PUT', `/queues/${name}/rate-limit`],
        ['PUT', `/queues/${name}/concurrency`],
        ['POST', `/queues/${name}/add`],
        ['PATCH', `/queues/${name}/${id}/update-data`],
        ['PATCH', `/queues/${name}/${id}/priority`],
      ] as const
      for (const isUnlocked of [false, true])
        for (const [method, path] of never)
          await expect(ask({ method, path, query: {}, isUnlocked })).rejects.toMatchObject({ kind: 'forbidden' })
      for (const path of allowed)
        await expect(ask({ method: 'PUT', path, query: {}, isUnlocked: false })).rejects.toMatchObject({ kind: 'forbidden' })
      await expect(ask({ method: 'DELETE', path: `/queues/${name}`, query: {}, isUnlocked: true })).rejects.toMatchObject({
        kind: 'not-found',
      })
      expect(await failed()).toBe(2)
      expect(await read(network)).toMatchObject({ waiting: 1 })
      expect(await ask({ method: 'PUT', path: `/queues/${name}/${id}/clean`, query: {}, isUnlocked: true })).toMatchObject({ status: 204 })
      expect(await failed()).toBe(1)
      expect((await ask({ method: 'PUT', path: `/queues/${name}/retry/failed`, query: {}, isUnlocked: true })).status).toBe(200)
      expect(await failed()).toBe(0)
    })

    test('knows no other queue', async () => {
      expect((await board()(get('/queues/sync-another/1'))).status).toBe(404)
    })
  })
})

describe('worker processes', () => {
  let server: { url: string; close(): Promise<void> }
  let redis: Redis
  const info = (holder: string) => ({ holder, startedAt: new Date().toISOString(), running: { mastodon: 2 }, isDraining: false })

  beforeAll(async () => {
    server = await testRedis()
    redis = connectRedis(server.url)
    await isReadyWithin(redis, 5000)
  })

  afterAll(async () => {
    redis.disconnect()
    await server.close()
  })

  test('are listed with what they say of themselves, until they stop or fall silent', async () => {
    const [one, two] = [info('host:1'), info('host:2')]
    await announceWorker(redis, two)
    await announceWorker(redis, one)
    expect(await listWorkers(redis)).toEqual([
      { ...one, isAsked: false },
      { ...two, isAsked: false },
    ])
    await redis.pexpire('worker:host:1', 1)
    await until(async () => (await listWorkers(redis)).length === 1)
    await removeWorker(redis, 'host:2')
    expect(await listWorkers(redis)).toEqual([])
    expect(await redis.keys('*')).toEqual([])
  })

  test('hear what they are asked when they speak; who was killed is still asked, who stopped is not', async () => {
    const one = info('host:1')
    expect(await announceWorker(redis, one)).toBe(false)
    await askToDrain(redis, one.holder, true)
    expect(await listWorkers(redis)).toMatchObject([{ isAsked: true, isDraining: false }])
    expect(await announceWorker(redis, one)).toBe(true)
    await askToDrain(redis, one.holder, false)
    expect(await announceWorker(redis, one)).toBe(false)
    await askToDrain(redis, one.holder, true)
    await removeWorker(redis, one.holder)
    expect(await announceWorker(redis, one)).toBe(false)
  })
})

async function until(holds: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It did not happen in time')
    await delay(10)
  }
}
