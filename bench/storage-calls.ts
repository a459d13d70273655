import { setTimeout as wait } from 'node:timers/promises'
import { createDatabase } from '@asheville/database'
import type { Instance } from '@asheville/e2e/instance.ts'

/**
 * How many calls platform has made to storages since it started, those of what is written once per sync included; a put of
 * several files counts as often as the storage commits.
 */
export async function storageCalls(instance: Instance): Promise<number> {
  await announced(instance)
  const response = await fetch(`http://127.0.0.1:${instance.constellation.env.platform['PORT']}/metrics`)
  if (!response.ok) throw new Error(`platform's metrics answered ${response.status}`)
  const samples = (await response.text()).matchAll(/^asheville_storage_calls_total\{[^}]*\} (\d+)$/gm)
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0)
}

/** Resolves when nothing is left to be done about syncs that have ended. */
async function announced({ constellation }: Instance): Promise<void> {
  const db = createDatabase({ url: constellation.env.accounts['DATABASE_URL'] ?? '', schema: 'accounts', poolSize: 1 })
  try {
    while ((await db.query('SELECT FROM outbox LIMIT 1', [])).length > 0) await wait(100)
  } finally {
    await db.close()
  }
}
