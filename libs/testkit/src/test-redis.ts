import { Redis } from 'ioredis'

const directory = 0
const leaseSeconds = 600

/**
 * A Redis database of its own, empty. `TEST_REDIS_URL` (as `npm test` sets it) says on which server; which numbers are taken is
 * noted in its database 0. Channels of publish and subscribe are the server's, not the database's: listeners pick their own ids.
 */
export async function testRedis(): Promise<{ url: string; close(): Promise<void> }> {
  const server = process.env['TEST_REDIS_URL']
  if (server === undefined) throw new Error('TEST_REDIS_URL is not set: run tests with npm test')
  const database = await onDatabase(server, directory, leaseDatabase)
  await onDatabase(server, database, (redis) => redis.flushdb())
  return {
    url: urlOf(server, database),
    close: async () => {
      await onDatabase(server, database, (redis) => redis.flushdb())
      await onDatabase(server, directory, (redis) => redis.del(leaseKey(database)))
    },
  }
}

async function leaseDatabase(redis: Redis): Promise<number> {
  const count = Number(((await redis.config('GET', 'databases')) as string[])[1])
  for (let database = 1; database < count; database += 1) {
    if ((await redis.set(leaseKey(database), process.pid, 'EX', leaseSeconds, 'NX')) === 'OK') return database
  }
  throw new Error(`All ${count - 1} databases of the test Redis are in use: is a close() missing?`)
}

const leaseKey = (database: number): string => `testkit:database:${database}`

function urlOf(server: string, database: number): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

async function onDatabase<T>(server: string, database: number, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(urlOf(server, database), { maxRetriesPerRequest: 1, lazyConnect: true })
  try {
    await redis.connect()
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}
