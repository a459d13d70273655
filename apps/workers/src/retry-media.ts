import { ofStorage } from './of-storage.ts'
import type { PlatformClient } from './pull-parts.ts'
import { putItems, type StoreParts } from './store-batch.ts'

/** Items of one sync whose files are tried again; the rest has its turn in the next ones. */
const mostItems = 50

export interface RetryParts extends Pick<StoreParts, 'target' | 'lease' | 'media'> {
  platform: Pick<PlatformClient, 'listPending' | 'putItems'>
}

/**
 * Tries again for files that could not be had when their items were pulled: an item that has not changed does not come by a second time.
 * Platform says which and when. Errors: those of storing.
 */
export async function retryMedia(parts: RetryParts): Promise<void> {
  const { platform, target, lease, media } = parts
  const { context, storageId, connectionId, stream } = target
  lease.check()
  const query = { storageId, connectionId, stream, limit: mostItems }
  const { items } = await ofStorage(platform.listPending({ ...context, query, signal: lease.signal }))
  if (items.length === 0) return
  const states = await media.transfer(items.flatMap((item) => item.media.map((source) => ({ source, at: item.at }))))
  lease.check()
  const seen = items.map(({ seenAt, ...item }) => ({ item, seenAt }))
  await ofStorage(putItems(parts, seen, [], [], states))
}
