import { scanKeys, type Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import { runningKey, runningPattern } from './names.ts'

/** `running:<user_id>`: the streams that hold a lease, for looking at. Nothing decides by it. */
export async function addRunning(redis: Redis, userId: string, key: string): Promise<void> {
  await answering(() => redis.sadd(runningKey(userId), key))
}

export async function removeRunning(redis: Redis, userId: string, key: string): Promise<void> {
  await answering(() => redis.srem(runningKey(userId), key))
}

export async function listRunning(redis: Redis, userId: string): Promise<string[]> {
  return answering(() => redis.smembers(runningKey(userId)))
}

/** Makes the sets what the leases say, whatever was in them. */
export async function rebuildRunning(redis: Redis, leases: readonly { userId: string; key: string }[]): Promise<void> {
  const keysByUser = Map.groupBy(leases, (lease) => lease.userId)
  await answering(async () => {
    for await (const found of scanKeys(redis, runningPattern)) {
      const stale = found.filter((name) => !keysByUser.has(name.slice(runningKey('').length)))
      await Promise.all(stale.map((name) => redis.unlink(name)))
    }
    for (const [userId, held] of keysByUser) {
      const name = runningKey(userId)
      await redis
        .multi()
        .del(name)
        .sadd(name, ...held.map((lease) => lease.key))
        .exec()
    }
  })
}
