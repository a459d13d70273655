import type { Sync } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { addNotification, listWanting } from './queries.ts'

const isNews = ({ tally }: Sync) => tally.new + tally.changed > 0

/**
 * Tells that syncs have ended, in the transaction that ends them: of each that the person began; of scheduled ones by the day. One that
 * was cancelled, or failed and brought nothing, is not told of: what was wrong is.
 */
export async function tellOfSyncs(tx: Database, syncs: readonly Sync[]): Promise<void> {
  const isUnchanged = (sync: Sync) => sync.trigger === 'schedule' && !isNews(sync)
  // Most bring nothing, and hardly anybody wants to hear of that.
  const unchanged = syncs.filter(isUnchanged).map(({ userId }) => userId)
  const wanting = unchanged.length === 0 ? new Set<string>() : await listWanting(tx, unchanged, 'sync-unchanged')
  for (const sync of syncs) {
    const { id, userId, trigger, state, tally, finishedAt } = sync
    if (state === 'cancelled' || state === 'running' || (state === 'failed' && !isNews(sync))) continue
    if (isUnchanged(sync) && !wanting.has(userId)) continue
    await addNotification(tx, userId, {
      kind: isUnchanged(sync) ? 'sync-unchanged' : 'sync-finished',
      subject: trigger === 'schedule' ? `day ${(finishedAt ?? '').slice(0, 10)}` : id,
      data: { syncId: id, trigger, state, syncs: 1, new: tally.new, changed: tally.changed },
    })
  }
}
