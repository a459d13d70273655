import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabase } from '@asheville/database'
import type { Constellation } from '@asheville/scripts'

/**
 * Resolves when no sync is unfinished and all that finished ones left to be done (documents written once per sync) is done: then the
 * folders may be checked. A minute more than nothing may pass: what a killed process had taken on comes free again after that long.
 */
export async function untilAtRest(constellation: Constellation, withinMs = 90_000): Promise<void> {
  const database = createDatabase({ url: constellation.databaseUrl, schema: 'accounts', poolSize: 1 })
  const deadline = Date.now() + withinMs
  try {
    for (;;) {
      const text =
        'SELECT (SELECT count(*) FROM outbox)::int AS messages, (SELECT count(*) FROM syncs WHERE finished_at IS NULL)::int AS syncs'
      const left = await database.query<{ messages: number; syncs: number }>(text, []).catch(() => null)
      if (left?.[0]?.messages === 0 && left[0].syncs === 0) return
      if (Date.now() > deadline)
        throw new Error(`Not at rest within ${withinMs} ms: ${JSON.stringify(left?.[0] ?? 'Postgres does not answer')}`)
      await sleep(100)
    }
  } finally {
    await database.close()
  }
}
