import type { Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { changeDecisions, subjectOf, withDecisions, type Decision } from './decisions.ts'
import { listUntold, noteTold, type UntoldRow } from './queries/absent.ts'

/** Tells decisions.json what the person took out of their files since, or put back. */
export async function noteDecisions(
  { db, storage }: { db: Database; storage: Storage },
  userId: string,
  storageId: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = await listUntold(db, userId, storageId)
  if (rows.length === 0) return
  const added = rows.filter(({ note }) => note === 'to-add').map(decisionOf)
  const undone = new Set(rows.filter(({ note }) => note === 'to-remove').map((row) => subjectOf(decisionOf(row))))
  const isUndone = (decision: Decision) => decision.kind === 'removed' && undone.has(subjectOf(decision))
  await changeDecisions(storage, (before) => withDecisions(before, added).filter((decision) => !isUndone(decision)), signal)
  await noteTold(db, userId, storageId, rows)
}

function decisionOf({ id, network, accountId, contentType, since }: UntoldRow): Decision {
  return { kind: 'removed', at: since, item: { network, account: accountId, contentType, id } }
}
