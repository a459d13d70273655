import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { createProducer, openBackend } from '@asheville/jobs'
import { connectRedis, disconnect, isReadyWithin } from '@asheville/redis'
import { createLogger } from '@asheville/service'
import { startBreakableTcp, testRedis } from '@asheville/testkit'
import { endJobs } from '../src/end-jobs.ts'

test('however many streams are cancelled, a frozen Redis is waited for once', async () => {
  const server = await testRedis()
  const proxy = await startBreakableTcp(new URL(server.url))
  const redis = connectRedis(proxy.url, { commandTimeoutMs: 500 })
  const queue = openBackend(proxy.url)
  const userId = randomUUID()
  const job = () => ({
    syncId: randomUUID(),
    userId,
    connectionId: randomUUID(),
    network: 'scroll',
    stream: 'posts',
    trigger: 'person' as const,
  })
  try {
    await isReadyWithin(redis, 5000)
    const context = { redis, producer: createProducer(queue) }
    const log = createLogger('conductor', 'fatal')
    await endJobs(context, userId, { sync: null, jobs: [job()] }, log)
    proxy.freeze()
    const began = performance.now()
    await endJobs(context, userId, { sync: null, jobs: Array.from({ length: 40 }, job) }, log)
    // One after the other they would take 20 s.
    expect(performance.now() - began).toBeLessThan(10_000)
  } finally {
    disconnect(redis)
    await queue.close()
    await proxy.close()
    await server.close()
  }
}, 30_000)
