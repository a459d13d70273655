import { ofStorage } from './of-storage.ts'
import type { PlatformClient } from './pull-parts.ts'
import { putItems, type StoreParts } from './store-batch.ts'
import type { Turn } from './turns.ts'

/** Items of one sync whose files are tried again; the rest has its turn in the next ones. */
const mostItems = 50

export interface RetryParts extends Pick<StoreParts, 'target' | 'lease' | 'media'> {
  platform: Pick<PlatformClient, 'listPending' | 'putItems'>
  turn: Turn
}

/**
 * Tries again for files that could not be had when their items were pulled: an item that has not changed does not come by a second time.
 * Platform says which and when. Answers when there may be some again; null: there are none left. Errors: those of storing.
 */
export async function retryMedia(parts: RetryParts): Promise<string | null> {
  const { platform, target, lease, turn, media } = parts
  const { context, storageId, connectionId, stream } = target
  lease.check()
  const query = { storageId, connectionId, stream, limit: mostItems }
  const { items, nextAt } = await ofStorage(platform.listPending({ ...context, query, signal: lease.signal }))
  if (items.length === 0) return nextAt
  await turn.take()
  const states = await media.transfer(items.flatMap((item) => item.media.map((source) => ({ source, at: item.at }))))
  lease.check()
  const seen = items.map(({ seenAt, ...item }) => ({ item, seenAt }))
  await ofStorage(putItems(parts, seen, [], [], states))
  // Only platform knows how much later those come that are still not to be had.
  return new Date().toISOString()
}
