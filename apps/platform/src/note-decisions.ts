import type { Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { changeDecisions, removedOf, subjectOf, withDecisions, type Decision } from './decisions.ts'
import { listUntold, noteTold } from './queries/absent.ts'

/** Tells decisions.json what the person took out of their files since, or put back. */
export async function noteDecisions(
  { db, storage }: { db: Database; storage: Storage },
  userId: string,
  storageId: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = await listUntold(db, userId, storageId)
  if (rows.length === 0) return
  const added = rows.filter(({ note }) => note === 'to-add').map(removedOf)
  const undone = new Set(rows.filter(({ note }) => note === 'to-remove').map((row) => subjectOf(removedOf(row))))
  const isUndone = (decision: Decision) => decision.kind === 'removed' && undone.has(subjectOf(decision))
  await changeDecisions(storage, (before) => withDecisions(before, added).filter((decision) => !isUndone(decision)), signal)
  await noteTold(db, userId, storageId, rows)
}
