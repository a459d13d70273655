import type { Sync } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { addNotification } from './queries.ts'

/**
 * Tells that a sync has ended, in the transaction that ends it: of each that the person began; of scheduled ones by the day. One that
 * was cancelled, or failed and brought nothing, is not told of: what was wrong is.
 */
export async function tellOfSync(tx: Database, userId: string, { id, trigger, state, tally, finishedAt }: Sync): Promise<void> {
  const isNews = tally.new + tally.changed > 0
  if (state === 'cancelled' || state === 'running' || (state === 'failed' && !isNews)) return
  const isScheduled = trigger === 'schedule'
  await addNotification(tx, userId, {
    kind: isScheduled && !isNews ? 'sync-unchanged' : 'sync-finished',
    subject: isScheduled ? `day ${(finishedAt ?? '').slice(0, 10)}` : id,
    data: { syncId: id, trigger, state, syncs: 1, new: tally.new, changed: tally.changed },
  })
}
