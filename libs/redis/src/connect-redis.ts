import { Redis } from 'ioredis'

export type { Redis }

export interface RedisOptions {
  /** Told once when the connection is lost and once when it is back; never per attempt. */
  onOutage?(isDown: boolean, error: Error | null): void
}

const retryStrategy = (times: number) => Math.min(100 * times, 1000)

/**
 * A connection for commands that somebody waits for: while Redis is down they fail at once instead of queueing, and a
 * frozen Redis is given up after `commandTimeoutMs` (2 s unless said otherwise). It connects in the background and for ever;
 * nothing throws here.
 */
export function connectRedis(url: string, options: RedisOptions & { commandTimeoutMs?: number } = {}): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 2000,
    commandTimeout: options.commandTimeoutMs ?? 2000,
    retryStrategy,
  })
  return withOutages(redis, options)
}

/** A connection that waits for Redis to return: for BullMQ's workers and for subscriptions. */
export function connectPatiently(url: string, options: RedisOptions = {}): Redis {
  return withOutages(new Redis(url, { maxRetriesPerRequest: null, connectTimeout: 2000, retryStrategy }), options)
}

function withOutages(redis: Redis, { onOutage }: RedisOptions): Redis {
  let isDown = false
  let last: Error | null = null
  redis.on('error', (error: Error) => {
    last = error
    if (!isDown) onOutage?.(true, error)
    isDown = true
  })
  redis.on('close', () => {
    if (!isDown && redis.status !== 'end') onOutage?.(true, last)
    isDown = true
  })
  redis.on('ready', () => {
    if (isDown) onOutage?.(false, null)
    isDown = false
    last = null
  })
  return redis
}

/** Closes at once; commands under way fail. */
export function disconnect(redis: Redis): void {
  redis.disconnect()
}

/** Resolves to whether Redis answered within `timeoutMs`. */
export async function isReadyWithin(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return true
  return new Promise((resolve) => {
    const settle = (isReady: boolean) => {
      clearTimeout(timer)
      redis.off('ready', onReady)
      resolve(isReady)
    }
    const onReady = () => settle(true)
    const timer = setTimeout(() => settle(false), timeoutMs)
    redis.once('ready', onReady)
  })
}
