import { Redis } from 'ioredis'
import type { Logger } from '@asheville/service'

/** Redis as a cache: it answers at once or not at all, and its absence is said once when it begins and once when it ends. */
export function connectCache(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 2000,
    commandTimeout: 500,
    retryStrategy: (attempt) => Math.min(attempt * 200, 3000),
  })
  let isDown = false
  redis.on('error', (error) => {
    if (!isDown) logger.warn({ error }, 'the cache is out of reach: pages are read from the storages')
    isDown = true
  })
  redis.on('ready', () => {
    if (isDown) logger.info('the cache is back')
    isDown = false
  })
  return redis
}
