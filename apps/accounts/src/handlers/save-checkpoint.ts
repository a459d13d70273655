import type { WalkKind } from '@asheville/core'
import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { lockLease, renewLease } from '../queries/leases.ts'
import { saveMarks } from '../queries/streams.ts'
import { addProgress, goesOn } from '../queries/sync-jobs.ts'
import { moveWalk } from '../queries/walks.ts'

/** A checkpoint of a walk that is complete already is a repetition: it only renews the lease. */
export function handleSaveCheckpoint({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.saveCheckpoint> {
  return ({ userId, params: id, body }) =>
    db.transaction(async (tx) => {
      const { fence, walkId, cursor, head, pages, tally, skipped, available, hasPendingMedia } = body
      const { syncId, run } = await lockLease(tx, userId, id, fence)
      const walk = await moveWalk(tx, userId, id, fence, { walkId, cursor, head })
      if (walk) {
        await addProgress(tx, userId, syncId, id, { pages, tally, skipped })
        await saveMarks(tx, userId, id, { available, head: headOf(walk, { isComplete: cursor === null, head }), hasPendingMedia })
      }
      const expiresAt = await renewLease(tx, userId, id)
      return { expiresAt, mustStop: !(await goesOn(tx, userId, { syncId, run }, id)) }
    })
}

/**
 * Where the stream's head moves. Of a backfill the first head counts if there is none yet: the next incremental walk starts
 * there. Of an incremental walk the last one, and only when it is complete: an earlier move would leave a hole behind it.
 */
function headOf(
  { kind, pendingHead }: { kind: WalkKind; pendingHead: string | null },
  { isComplete, head }: { isComplete: boolean; head: string | null },
): { value: string; ifNone: boolean } | null {
  if (kind === 'backfill') return head === null ? null : { value: head, ifNone: true }
  if (kind === 'incremental' && isComplete && pendingHead !== null) return { value: pendingHead, ifNone: false }
  return null
}
