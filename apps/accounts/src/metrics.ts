import { asService, type Database } from '@asheville/database'
import { Gauge, Registry } from 'prom-client'
import { countSealed } from './rotation/count-sealed.ts'

const freshMs = 10_000

/** Accounts' own figures, as `/metrics` shows them. */
export function createAccountsMetrics(db: Database, keyIds: readonly string[]): Registry {
  const registry = new Registry()
  let countedAt = -Infinity
  new Gauge({
    name: 'asheville_sealed_rows',
    help: 'Secrets in the database, by the id of the key that seals them: a key of none can be taken out of CREDENTIAL_KEYS',
    labelNames: ['key'],
    registers: [registry],
    async collect() {
      if (performance.now() - countedAt < freshMs) return
      try {
        const counts = await asService(() => countSealed(db))
        this.reset()
        for (const key of new Set([...keyIds, ...counts.keys()])) this.set({ key }, counts.get(key) ?? 0)
        countedAt = performance.now()
      } catch {
        // The other figures are there all the same, and these are as they were.
      }
    },
  })
  return registry
}
