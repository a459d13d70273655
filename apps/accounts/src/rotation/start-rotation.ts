import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '@asheville/database'
import type { Logger } from '@asheville/service'
import type { Sealing } from '../sealing.ts'
import { countSealedBy } from './count-sealed.ts'
import { reseal } from './reseal.ts'
import { sealedPlaces } from './sealed-places.ts'

const batch = 100
/** Between batches, so that people's requests come first. */
const pauseMs = 10
const againMs = 60_000

/**
 * Seals everything anew that an older key than the first has sealed, in the background: at once, and every minute for what was in
 * use then or came from a process that still has the older key in front. Several processes may do so at once. When nothing is left of
 * the older keys, the log says so once: then the operator may take them out of CREDENTIAL_KEYS. The metric
 * `asheville_sealed_rows` shows how far it is.
 */
export function startRotation({ db, sealing }: { db: Database; sealing: Sealing }, log: Logger): { stop(): Promise<void> } {
  const [keyId = '', ...older] = sealing.keyIds
  const stopping = new AbortController()
  let resealed = 0
  let isAnnounced = false

  async function pass(): Promise<void> {
    for (const place of sealedPlaces) {
      const skip: string[] = []
      for (;;) {
        const { count, broken } = await reseal(db, sealing, place, batch, skip)
        resealed += count
        if (broken.length > 0) log.error({ table: place.table, rows: broken.length, olderKeys: older }, 'sealed values cannot be opened')
        skip.push(...broken)
        // Nothing was free: another process does the same, or the rest is in use.
        if (count === 0 && broken.length === 0) break
        await delay(pauseMs, undefined, { signal: stopping.signal })
      }
    }
    if (isAnnounced || (await left()) > 0) return
    isAnnounced = true
    log.info(
      { keyId, resealed, olderKeys: older },
      'nothing is sealed by the older keys any more: they can be taken out of CREDENTIAL_KEYS',
    )
  }

  async function left(): Promise<number> {
    let total = 0
    for (const id of older) total += await countSealedBy(db, id, 1)
    return total
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // An outage of the database is said by readiness.
      await pass().catch((error: unknown) => stopping.signal.aborted || log.debug({ error }, 'sealing anew broke off'))
      await delay(againMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  }

  const running = older.length === 0 ? Promise.resolve() : run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
