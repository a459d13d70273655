import type { Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import { cancelChannel } from './names.ts'
import type { Subscriber } from './subscriber.ts'

/** Tells all workers to stop these streams. Only a hint that makes it quick: the lease says the same, later. */
export async function publishCancel(redis: Redis, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) await answering(() => redis.publish(cancelChannel, JSON.stringify(keys)))
}

/** Calls back with every stream key to stop. */
export function onCancel(subscriber: Subscriber, listener: (key: string) => void): () => void {
  return subscriber.subscribe(cancelChannel, (message) => {
    for (const key of parseKeys(message)) listener(key)
  })
}

function parseKeys(message: string | null): string[] {
  if (message === null) return []
  try {
    const keys: unknown = JSON.parse(message)
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
  } catch {
    return []
  }
}
