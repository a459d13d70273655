import type { RedisOptions } from '@asheville/redis'
import { openPostgresBackend } from './postgres-backend.ts'
import type { QueueBackend } from './queue-backend.ts'
import { openRedisBackend } from './redis-backend.ts'

/** By its address, `redis://…` or `postgres://…`. Connects in the background; nothing throws here. */
export function openBackend(url: string, options: RedisOptions = {}): QueueBackend {
  return /^postgres(ql)?:/.test(url) ? openPostgresBackend(url, options) : openRedisBackend(url, options)
}
