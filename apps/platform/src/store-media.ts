import { createHash } from 'node:crypto'
import { AshevilleError, type Storage } from '@asheville/core'
import type { platformRoutes, StoredMedia } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import { isCutOff } from './is-cut-off.ts'
import { extensionOf, mediaTypeOf } from './media-type.ts'
import { mediaPath } from './page-path.ts'
import { claimFence } from './queries/fences.ts'
import { placeMedia, saveMedia } from './queries/media.ts'
import type { TakeFresh } from './renditions/fresh-pictures.ts'
import { sendOnce, type UnderWay } from './send-once.ts'
import type { Spool, Spooler } from './spool.ts'
import type { StorageOf } from './storage-access.ts'

export type MediaWish = z.output<typeof platformRoutes.putMedia.query>

export interface MediaParts {
  db: Database
  storageOf: StorageOf
  spooler: Spooler
  underWay: UnderWay
  takeFresh: TakeFresh
}

/**
 * Stores a file once by its content, and remembers where on its network it came from. A file whose content is there already, or is just being
 * sent, is not sent again. Errors: `invalid` for a body that was cut short; the storage's.
 *
 * @param announced how long the body should be, if the sender said so
 */
export async function storeMedia(
  { db, storageOf, spooler, underWay, takeFresh }: MediaParts,
  userId: string,
  wish: MediaWish,
  body: Readable,
  announced: number | null,
  signal: AbortSignal,
): Promise<StoredMedia & { isNew: boolean }> {
  const { storageId, connectionId, stream, fence } = wish
  const { storage } = await storageOf(userId, storageId)
  const spool = await spooler.take(body, storage.can.maxBytes, signal)
  let isTaken = false
  try {
    const mediaType = await checked(spool, wish, announced)
    const path = mediaPath(spool.sha256, extensionOf(mediaType), wish.at ?? null)
    // Not before: the body may have taken long.
    await claimFence(db, { userId, connectionId, stream, fence })
    const { isStored, ...media } = await placeMedia(db, userId, storageId, { path, sha256: spool.sha256, bytes: spool.bytes, mediaType })
    if (!isStored) await sendOnce(underWay, `${userId}/${storageId}/${media.sha256}`, () => upload(storage, media, spool, signal))
    await saveMedia(db, userId, storageId, media.sha256, wish.source)
    isTaken = !isStored && mediaType.startsWith('image/')
    if (isTaken) await takeFresh({ userId, storageId, chosen: null, ...media }, spool)
    return { ...media, isNew: !isStored }
  } finally {
    if (!isTaken) await spool.dispose()
  }
}

/** The media type, if the body came whole. */
async function checked(spool: Spool, { bytes, mediaType: declared }: MediaWish, announced: number | null): Promise<string> {
  for (const expected of [bytes, announced])
    if (expected !== undefined && expected !== null && expected !== spool.bytes)
      throw new AshevilleError('invalid', `The file was cut off: ${spool.bytes} of ${expected} bytes came`)
  if (spool.bytes === 0) throw new AshevilleError('invalid', 'The file is empty')
  const mediaType = mediaTypeOf(await spool.readAt(0, 32), declared)
  if (await isCutOff(mediaType, spool.bytes, spool.readAt)) throw new AshevilleError('invalid', 'The file is cut off before its end')
  return mediaType
}

/** Sends the file. One that is there under this name is of this content, unless it is damaged; then it is replaced. */
async function upload(storage: Storage, { path, bytes, sha256 }: StoredMedia, spool: Spool, signal: AbortSignal): Promise<void> {
  const file = { path, bytes, sha256, body: spool.body }
  const [first] = await storage.put([{ ...file, replaces: null }], signal)
  if (first?.outcome === 'stored') return
  if (first?.outcome === 'conflict' && (await hashOf(storage, path, signal)) === sha256) return
  if (first?.outcome === 'failed') throw first.error
  const [second] = await storage.put([{ ...file, replaces: 'any' }], signal)
  if (second?.outcome === 'failed') throw second.error
  if (second?.outcome !== 'stored') throw new AshevilleError('unavailable', 'The storage did not take the file')
}

async function hashOf(storage: Storage, path: string, signal: AbortSignal): Promise<string | null> {
  const got = await storage.get(path, { signal })
  if (got === null || got === 'unchanged') return null
  const hash = createHash('sha256')
  for await (const piece of got.body) hash.update(piece as Buffer)
  return hash.digest('hex')
}
