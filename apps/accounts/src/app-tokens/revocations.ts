import { setTimeout as delay } from 'node:timers/promises'
import { noteRevoked, type Redis } from '@asheville/redis'

/** Tells every process which tokens of apps are no more. */
export interface Revocations {
  /** Of what was deleted in Postgres just now. Resolves when Redis knows it, or did not answer: then it is told on. Never throws. */
  announce(tokenHashes: readonly Uint8Array[]): Promise<void>
  stop(): Promise<void>
}

const againMs = 250
/** What was believed before the revocation is believed for a minute at most. */
const untilMs = 70_000

export function createRevocations(redis: Redis): Revocations {
  const stopping = new AbortController()
  const telling = new Set<Promise<void>>()

  async function tellOn(tokenHashes: readonly Uint8Array[]): Promise<void> {
    const until = Date.now() + untilMs
    for (let isTold = false; !isTold && Date.now() < until && !stopping.signal.aborted;) {
      await delay(againMs, undefined, { signal: stopping.signal }).catch(() => undefined)
      isTold = await tell(tokenHashes)
    }
  }

  async function tell(tokenHashes: readonly Uint8Array[]): Promise<boolean> {
    return noteRevoked(redis, tokenHashes).then(
      () => true,
      () => false,
    )
  }

  return {
    async announce(tokenHashes) {
      if (await tell(tokenHashes)) return
      const told = tellOn(tokenHashes).finally(() => telling.delete(told))
      telling.add(told)
    },
    async stop() {
      stopping.abort()
      await Promise.all(telling)
    },
  }
}
