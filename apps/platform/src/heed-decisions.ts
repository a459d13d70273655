import type { Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { apartOf, readDecisions, removedOf, subjectOf } from './decisions.ts'
import { listTakenOut, wantBack } from './queries/absent.ts'
import { hasKeptApart, saveKeptApart } from './queries/same.ts'

/** A person who strikes an item from decisions.json wants it back, and who strikes what is not the same leaves that to us. */
export async function heedDecisions(
  { db, storage }: { db: Database; storage: Storage },
  userId: string,
  storageId: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = await listTakenOut(db, userId, storageId)
  const isApart = await hasKeptApart(db, userId, storageId)
  if (rows.length === 0 && !isApart) return
  const decisions = await readDecisions(storage, signal)
  if (isApart) await saveKeptApart(db, userId, storageId, apartOf(decisions))
  const decided = new Set(decisions.filter(({ kind }) => kind === 'removed').map(subjectOf))
  const struck = rows.filter((row) => !decided.has(subjectOf(removedOf(row)))).map(({ key }) => key)
  await wantBack(db, userId, storageId, struck)
}
