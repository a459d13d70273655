import type { Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { readDecisions, removedOf, subjectOf } from './decisions.ts'
import { listTakenOut, wantBack } from './queries/absent.ts'

/** A person who strikes an item from decisions.json wants it back. */
export async function heedDecisions(
  { db, storage }: { db: Database; storage: Storage },
  userId: string,
  storageId: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = await listTakenOut(db, userId, storageId)
  if (rows.length === 0) return
  const decided = new Set((await readDecisions(storage, signal)).filter(({ kind }) => kind === 'removed').map(subjectOf))
  const struck = rows.filter((row) => !decided.has(subjectOf(removedOf(row)))).map(({ key }) => key)
  await wantBack(db, userId, storageId, struck)
}
