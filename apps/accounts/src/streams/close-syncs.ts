import type { Sync } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { tellOfSyncs } from '../notifications/tell-of-syncs.ts'
import { addMessage } from '../queries/outbox.ts'
import { closeSyncs, listStoragesOf } from '../queries/syncs.ts'

/**
 * Ends those of the syncs, of whomever, that have no job left, and announces them in the same transaction: to the conductor where something may have been
 * stored, and to the person. Answers the state of those that ended, by id. The people are locked.
 */
export async function closeAndTell(
  tx: Database,
  syncs: readonly { userId: string; syncId: string }[],
  as: 'cancelled' | null = null,
): Promise<Map<string, Sync['state']>> {
  const closed = await closeSyncs(tx, syncs, as)
  for (const { id: syncId, userId, tally, isQuiet } of closed) {
    if (isQuiet) continue
    const storageIds = await listStoragesOf(tx, userId, syncId)
    await addMessage(tx, userId, 'sync-finished', { syncId, storageIds, tally })
  }
  await tellOfSyncs(tx, closed)
  return new Map(closed.map(({ id, state }) => [id, state]))
}
