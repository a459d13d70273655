import { setTimeout as delay } from 'node:timers/promises'
import { announceWorker, removeWorker, type Consumer } from '@asheville/jobs'
import type { Redis } from '@asheville/redis'
import type { Logger } from '@asheville/service'

const everyMs = 2000

export interface Announcing {
  /** The process is asked to take no more jobs. */
  readonly isDraining: boolean
  close(): Promise<void>
}

/**
 * Says every two seconds what this process has in hand, and drains its consumers (by network) when it is asked to. Nobody's work depends on it:
 * with Redis away it says nothing, and goes on as before.
 */
export function keepAnnouncing(
  { redis, holder, log }: { redis: Redis; holder: string; log: Logger },
  consumers: ReadonlyMap<string, Consumer>,
): Announcing {
  const closing = new AbortController()
  const startedAt = new Date().toISOString()
  let isDraining = false

  async function announce(): Promise<void> {
    const running = Object.fromEntries([...consumers].flatMap(([network, { running }]) => (running > 0 ? [[network, running]] : [])))
    const isAsked = await announceWorker(redis, { holder, startedAt, running, isDraining })
    if (isAsked === isDraining) return
    isDraining = isAsked
    for (const consumer of consumers.values()) consumer.drain(isDraining)
    log.info(isDraining ? 'No more jobs are taken' : 'Jobs are taken again')
    await announce()
  }

  const { signal } = closing
  const announcing = (async () => {
    while (!signal.aborted) {
      await announce().catch(() => undefined)
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  })()

  return {
    get isDraining() {
      return isDraining
    },
    async close() {
      closing.abort()
      await announcing
      await removeWorker(redis, holder).catch(() => undefined)
    },
  }
}
