import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { askedOf, checkCrowd, liveLeases, untilCaughtUp, type Crowd, type Work } from './crowd.ts'
import { higher, lower, type Figure } from './figures.ts'
import { createSupervisor } from './harness/index.ts'
import { judged } from './judged.ts'

/** The promise; whoever waits longer has lost. */
const withinMs = 60_000
/** So slow that nobody's work ends before the sets have been looked at. */
const slowMs = 8_000
const keyOf = (userId: string): string => `running:${userId}`

/**
 * Everybody's statuses are being copied; then every process is killed, so many stale entries are planted in the running sets and half of the sets are wiped. Soon after the
 * services' start the sets say again what the leases say; nobody's work is stuck or walked by two at once; and with its end nothing is left in them.
 */
export async function runningSets(name: string, crowd: Crowd, stale: number): Promise<Figure[]> {
  const { mastodon, instance, members } = crowd
  const { constellation } = instance
  const supervisor = createSupervisor(() => constellation)
  const services = constellation.names.filter((one) => one !== 'redis' && one !== 'postgres')
  const redis = new Redis(constellation.redisUrl, { maxRetriesPerRequest: null })
  redis.on('error', () => undefined)
  try {
    mastodon.log.clear()
    while ((await liveLeases(crowd)).length < members.length) await wait(50)
    mastodon.latencyMs = slowMs
    await Promise.all(services.map((one) => constellation.stop(one)))
    await Promise.all(['redis', 'postgres'].map((one) => supervisor.kill(one)))
    await Promise.all([constellation.start('redis'), constellation.start('postgres')])
    const held = await afterRestart(() => liveLeases(crowd))
    await falsify(redis, crowd, held, stale)

    const startedAt = performance.now()
    await Promise.all(services.map((one) => constellation.start(one)))
    const { running, trueMs } = await untilTrue(redis, crowd, startedAt)
    mastodon.latencyMs = 0
    await untilCaughtUp(crowd)
    const endedAt = performance.now()
    while ((await listSets(redis)).length > 0 && performance.now() - endedAt < 2 * withinMs) await wait(100)
    return [
      lower(`${name}-true-again`, trueMs / 1000, 's', withinMs / 1000),
      higher(`${name}-running-then`, running, 'people', members.length * 0.9),
      lower(`${name}-empty-at-the-end`, (performance.now() - endedAt) / 1000, 's', withinMs / 1000),
      lower(`${name}-walked-twice-at-once`, askedOf(crowd).overlapping, 'pages', 0),
      ...judged(name, await checkCrowd(crowd)),
    ]
  } finally {
    redis.disconnect()
  }
}

/** The sets of half of those who run say nothing, those of the others what is not; and there are some of people who do not run. */
async function falsify(redis: Redis, { members }: Crowd, held: readonly Work[], stale: number): Promise<void> {
  const half = members.slice(0, members.length / 2)
  const rest = members.slice(half.length)
  if (half.length > 0) await redis.unlink(...half.map(({ userId }) => keyOf(userId)))
  // They are not there if this Redis keeps nothing on disk.
  for (const { userId, key } of held) if (rest.some((one) => one.userId === userId)) await redis.sadd(keyOf(userId), key)
  for (let number = 0; number < stale; number += 1) {
    const userId = number % 2 === 0 ? randomUUID() : rest[number % rest.length]!.userId
    await redis.sadd(keyOf(userId), `${randomUUID()}-statuses`)
  }
}

/** Resolves when the sets say what the leases say. What changes while it is looked at is asked for twice. */
async function untilTrue(redis: Redis, crowd: Crowd, startedAt: number): Promise<{ running: number; trueMs: number }> {
  for (;;) {
    const before = await afterRestart(() => liveLeases(crowd))
    const sets = sorted(await listSets(redis))
    const after = await liveLeases(crowd)
    const trueMs = performance.now() - startedAt
    const isTrue = [before, after].some((leases) => sorted(leases) === sets)
    if (isTrue || trueMs > 2 * withinMs) return { running: new Set(after.map(({ userId }) => userId)).size, trueMs }
    await wait(100)
  }
}

async function listSets(redis: Redis): Promise<Work[]> {
  const found: Work[] = []
  for await (const keys of redis.scanStream({ match: keyOf('*'), count: 1000 }) as AsyncIterable<string[]>)
    for (const name of keys) for (const key of await redis.smembers(name)) found.push({ userId: name.slice(keyOf('').length), key })
  return found
}

const sorted = (work: readonly Work[]): string => [...new Set(work.map(({ userId, key }) => `${userId} ${key}`))].sort().join('\n')

/** Connections from before a restart of Postgres end with the first that is asked of them. */
async function afterRestart<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (attempt === 20) throw error
      await wait(100)
    }
  }
}
