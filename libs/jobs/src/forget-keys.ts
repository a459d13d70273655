import type { Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import { eventsKey, runningKey } from './names.ts'

/** Deletes what Redis keeps under the person's own keys: live events, and which of their streams run. */
export async function forgetKeys(redis: Redis, userId: string): Promise<void> {
  await answering(() => Promise.all([redis.unlink(eventsKey(userId)), redis.unlink(runningKey(userId))]))
}
