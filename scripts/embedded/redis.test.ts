import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { privatePort } from './ports.ts'
import { type EmbeddedRedis, startRedis } from './redis.ts'

let place: string

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'asheville-redis-'))
})
afterAll(() => rm(place, { recursive: true, force: true }))

describe.each(['wasm', 'server'] as const)('BullMQ on the %s', (kind) => {
  let redis: EmbeddedRedis
  beforeAll(async () => {
    const prefer = kind === 'wasm' ? { prefer: 'wasm' as const } : {}
    redis = await startRedis({ directory: null, port: await privatePort(`${place} ${kind}`), password: 'secret', ...prefer })
  })
  afterAll(() => redis.close())

  test('adds, processes in milliseconds, delays, and refuses who has no password', async () => {
    const connection = { url: redis.url, maxRetriesPerRequest: null }
    const queue = new Queue('sync-memory', { connection })
    const done: { name: string; afterMs: number }[] = []
    const worker = new Worker(
      'sync-memory',
      (job) => Promise.resolve(void done.push({ name: job.name, afterMs: Date.now() - job.timestamp })),
      {
        connection,
      },
    )
    await worker.waitUntilReady()
    await queue.add('later', {}, { delay: 300 })
    await queue.addBulk(Array.from({ length: 50 }, (_, index) => ({ name: `now-${index}`, data: {} })))
    while (done.length < 51) await new Promise((resolve) => worker.once('completed', resolve))
    expect(done.at(-1)?.name).toBe('later')
    expect(done.at(-1)?.afterMs).toBeGreaterThanOrEqual(299)
    expect(new Set(done.map(({ name }) => name)).size).toBe(51)

    const client = new Redis(redis.url)
    const started = performance.now()
    for (let count = 0; count < 20; count += 1) await client.set('key', count)
    expect((performance.now() - started) / 20).toBeLessThan(20)
    client.disconnect()
    await worker.close()
    await queue.close()

    const stranger = new Redis(redis.port, '127.0.0.1', { maxRetriesPerRequest: 0, retryStrategy: () => null })
    stranger.on('error', () => undefined)
    await expect(stranger.get('key')).rejects.toThrow(/NOAUTH|Authentication/)
    stranger.disconnect()
  })
})

test('what was written is there after a restart; what cannot be read is moved aside', async () => {
  const directory = join(place, 'data')
  const options = { directory, port: await privatePort(`${place} data`), password: 'secret' }
  const first = await startRedis(options)
  if (!first.durable) return first.close()
  const client = new Redis(first.url)
  await client.set('kept', 'yes')
  client.disconnect()
  await first.close()

  const second = await startRedis(options)
  const again = new Redis(second.url)
  expect(await again.get('kept')).toBe('yes')
  again.disconnect()
  await second.close()
})
