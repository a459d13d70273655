import { connectPatiently, type RedisOptions } from '@asheville/redis'

export interface Subscriber {
  /** Calls back for every message, and with null when the connection was away and messages may have been missed. */
  subscribe(channel: string, listener: (message: string | null) => void): () => void
  close(): void
}

/** One connection for all the channels that a process listens to. */
export function createSubscriber(redisUrl: string, options: RedisOptions = {}): Subscriber {
  const redis = connectPatiently(redisUrl, options)
  const listeners = new Map<string, Set<(message: string | null) => void>>()

  redis.on('message', (channel: string, message: string) => listeners.get(channel)?.forEach((listener) => listener(message)))
  // Of a cluster it listens to one node, and goes over to another by itself.
  for (const event of ['ready', '+node', '-node'])
    redis.on(event, () => listeners.forEach((set) => set.forEach((listener) => listener(null))))

  return {
    subscribe(channel, listener) {
      const set = listeners.get(channel) ?? new Set()
      if (set.size === 0) {
        listeners.set(channel, set)
        // After it took effect, for what was published in between.
        redis.subscribe(channel).then(
          () => listener(null),
          () => undefined,
        )
      }
      set.add(listener)
      return () => {
        set.delete(listener)
        if (set.size > 0 || listeners.get(channel) !== set) return
        listeners.delete(channel)
        redis.unsubscribe(channel).catch(() => undefined)
      }
    },
    close() {
      listeners.clear()
      redis.disconnect()
    },
  }
}
