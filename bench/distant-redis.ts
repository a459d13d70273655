import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { privatePort } from '../scripts/embedded/ports.ts'
import { startRedis } from '../scripts/embedded/redis.ts'

/** A Redis of its own that is so many milliseconds away, there and back; answers the settings of an instance that uses it. Null: the instance's own, at hand. */
export async function redisAt(opened: AsyncDisposableStack, roundTripMs: number | null): Promise<{ REDIS_URL?: string }> {
  if (roundTripMs === null) return {}
  const password = randomUUID()
  const redis = opened.adopt(await startRedis({ directory: null, port: await privatePort(password), password }), (one) => one.close())
  const child = fork(join(import.meta.dirname, 'delay.ts'), [String(redis.port), String(roundTripMs / 2)])
  opened.defer(() => child.disconnect())
  const [port] = (await once(child, 'message')) as [number]
  return { REDIS_URL: `redis://:${password}@127.0.0.1:${port}` }
}
