import { AshevilleError } from '@asheville/core'
import { connectPatiently, connectRedis, type Redis, type RedisOptions } from '@asheville/redis'
import { Queue, Worker } from 'bullmq'
import { checkRedis } from './check-redis.ts'
import { queuePrefix } from './names.ts'
import type { HeldJob, QueueBackend } from './queue-backend.ts'
import { createQueueCache } from './queue-cache.ts'

/** Of one command that reads BullMQ's log of events. */
const pageOfEvents = 500

/** Jobs in Redis, as BullMQ has always had them. Who adds jobs is answered at once; workers wait for a Redis that is away. */
export function openRedisBackend(url: string, options: RedisOptions): QueueBackend {
  const redis = connectRedis(url, options)
  const keys = (name: string) => (type: string) => `${queuePrefix(name)}:${name}:${type}`
  let patient: Redis | null = null
  const queues = createQueueCache(async (name) => {
    const queue = new Queue(name, { connection: redis, prefix: queuePrefix(name) })
    queue.on('error', () => undefined)
    await queue.waitUntilReady()
    return queue
  })

  return {
    kind: 'redis',

    get isDown() {
      return redis.status !== 'ready'
    },

    async queue(name) {
      if (redis.status !== 'ready') throw new AshevilleError('unavailable', 'The queue does not answer', { retryAfterMs: 2000 })
      return queues.get(name)
    },

    openWorker(name, process, settings) {
      patient ??= connectPatiently(url)
      return Promise.resolve(new Worker(name, process, { ...settings, connection: patient, prefix: queuePrefix(name) }))
    },

    async hasWaiting(name) {
      const key = keys(name)
      const due = (Date.now() + 1) * 0x1000
      const [waiting, prioritized, delayed] = await Promise.all([
        redis.llen(key('wait')),
        redis.zcard(key('prioritized')),
        redis.zcount(key('delayed'), 0, due),
      ])
      return waiting + prioritized + delayed > 0
    },

    async listHeld(name) {
      const client = (patient ??= connectPatiently(url))
      const key = keys(name)
      const ids = await client.lrange(key('active'), 0, -1)
      const held = ids.map(async (id): Promise<HeldJob | null> => {
        const [holder, token] = await Promise.all([client.hget(key(id), 'pb'), client.get(key(`${id}:lock`))])
        return token === null ? null : { id, holder, token }
      })
      return (await Promise.all(held)).filter((job) => job !== null)
    },

    async forgetInEvents(name, connectionIds) {
      const stream = keys(name)('events')
      for (let start = '-', count = pageOfEvents; count === pageOfEvents;) {
        const entries = await redis.xrange(stream, start, '+', 'COUNT', pageOfEvents)
        count = entries.length
        const theirs = entries.filter(([, fields]) => fields.some((field) => connectionIds.some((id) => field.includes(id))))
        if (theirs.length > 0) await redis.xdel(stream, ...theirs.map(([id]) => id))
        start = `(${entries.at(-1)?.[0] ?? '0-0'}`
      }
    },

    check: () => checkRedis(redis),

    async close() {
      await queues.close()
      redis.disconnect()
      patient?.disconnect()
    },
  }
}
