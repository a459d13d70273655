import { setTimeout as delay } from 'node:timers/promises'
import { AshevilleError, kindOf } from '@asheville/core'
import { isReadyWithin, nodesOf, type Redis } from '@asheville/redis'
import { answering } from './answering.ts'
import type { QueueBackend } from './queue-backend.ts'

/**
 * Throws `unavailable` when Redis does not answer and `invalid` when it may throw jobs away under memory pressure: BullMQ
 * only warns about that, and then loses jobs without a word.
 */
export async function checkRedis(redis: Redis): Promise<void> {
  const infos = await answering(() => Promise.all(nodesOf(redis).map((node) => node.info('memory'))))
  const policies = infos.map((info) => /^maxmemory_policy:(\S+)/m.exec(info)?.[1])
  const policy = policies.find((one) => one !== undefined && one !== 'noeviction')
  if (policy !== undefined)
    throw new AshevilleError('invalid', `Redis is set to maxmemory-policy ${policy}, which loses queued work: set it to noeviction`)
}

/**
 * At boot: refuses a Redis that evicts. One that cannot be reached yet is no reason not to start; readiness says it, and
 * the check is repeated there.
 */
export async function refuseEvictingRedis(redis: Redis, timeoutMs = 5000): Promise<void> {
  if (!(await isReadyWithin(redis, timeoutMs))) return
  await checkRedis(redis).catch((error: unknown) => {
    if (kindOf(error) === 'invalid') throw error
  })
}

/** The same for where the jobs are. */
export async function refuseUnfitQueue(backend: QueueBackend, timeoutMs = 5000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (performance.now() < end) {
    const kind = await backend.check().then(
      () => null,
      (error: unknown) => {
        if (kindOf(error) === 'invalid') throw error
        return kindOf(error)
      },
    )
    if (kind === null) return
    await delay(50)
  }
}
