import { fewAtOnce, type Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { dropMedia, keepMedia, listDoubted, markRemoving } from './queries/media.ts'
import { dropRenditions } from './queries/renditions.ts'
import { listPages } from './queries/pages.ts'
import { readText } from './read-text.ts'

/** Where the media lie that a page file shows. */
export function shownMedia(page: string): Set<string> {
  return new Set([...page.matchAll(/"asheville:path"\s*:\s*"(media\/[^"\\]+)"/g)].map(([, path]) => path!))
}

const readers = 8

/**
 * Removes the doubted media that no page file shows any more; the others count as stored again. Whoever stores an item with one of them meanwhile
 * looks afterwards whether it still counts: either that item's page is among those read here, or it was written after the doubt.
 *
 * @returns how many were removed
 */
export async function sweepMedia(scope: { db: Database; storage: Storage; userId: string; storageId: string; signal: AbortSignal }) {
  const { db, storage, userId, storageId, signal } = scope
  const doubted = new Set(await listDoubted(db, userId, storageId))
  if (doubted.size === 0) return 0
  const kept = new Set<string>()
  await fewAtOnce(readers, await listPages(db, userId, storageId), async ({ path }) => {
    for (const media of shownMedia((await readText(storage, path, signal)) ?? '')) if (doubted.has(media)) kept.add(media)
  })
  await keepMedia(db, userId, storageId, [...kept])
  const unseen = [...doubted].filter((path) => !kept.has(path))
  const removing = await markRemoving(db, userId, storageId, unseen)
  await fewAtOnce(readers, removing, (path) => storage.remove(path, null, signal))
  await dropRenditions(db, userId, storageId, removing)
  await dropMedia(db, userId, storageId, removing)
  return removing.length
}
