import { Cluster, Redis as Server } from 'ioredis'
import { redisAddresses } from './redis-addresses.ts'

/** A Redis server, or a cluster of them. Keys of one command, script or transaction are of one slot, which braces in their names see to. */
export type Redis = Server | Cluster

export interface RedisOptions {
  /** Told once when the connection is lost and once when it is back; never per attempt. */
  onOutage?(isDown: boolean, error: Error | null): void
}

const retryStrategy = (times: number) => Math.min(100 * times, 1000)

interface Waiting {
  /** null: whoever asks waits until Redis is back. */
  maxRetriesPerRequest: number | null
  enableOfflineQueue: boolean
  commandTimeout?: number
}

/**
 * A connection for commands that somebody waits for: while Redis is down they fail at once instead of queueing, and a
 * frozen Redis is given up after `commandTimeoutMs` (1 s unless said otherwise). It connects in the background and for ever;
 * nothing throws here. `url`: one address, or those of some nodes of a cluster with commas between them.
 */
export function connectRedis(url: string, options: RedisOptions & { commandTimeoutMs?: number } = {}): Redis {
  const commandTimeout = options.commandTimeoutMs ?? 1000
  return withOutages(open(url, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout }), options)
}

/** A connection that waits for Redis to return: for BullMQ's workers and for subscriptions. */
export function connectPatiently(url: string, options: RedisOptions = {}): Redis {
  return withOutages(open(url, { enableOfflineQueue: true, maxRetriesPerRequest: null }), options)
}

function open(url: string, { enableOfflineQueue, ...waiting }: Waiting): Redis {
  const addresses = redisAddresses(url)
  const own = { connectTimeout: 2000, ...waiting }
  if (addresses.length === 1) return new Server(url, { ...own, enableOfflineQueue, retryStrategy })
  const [{ username, password, tls }] = addresses
  return new Cluster(
    addresses.map(({ host, port }) => ({ host, port })),
    {
      enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      slotsRefreshTimeout: 2000,
      // A node that comes back, or another in its stead, is noticed even if nobody was sent elsewhere.
      slotsRefreshInterval: 5000,
      redisOptions: { ...own, username, password, ...(tls && { tls: {} }) },
    },
  )
}

function withOutages<R extends Redis>(redis: R, { onOutage }: RedisOptions): R {
  const events: Server = redis as Server
  let isDown = false
  let last: Error | null = null
  events.on('error', (error: Error) => {
    last = error
    if (!isDown) onOutage?.(true, error)
    isDown = true
  })
  events.on('close', () => {
    if (!isDown && redis.status !== 'end') onOutage?.(true, last)
    isDown = true
  })
  events.on('ready', () => {
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
