import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import type { PageCache } from '../page-cache.ts'
import { deletePerson, listPlaces, noteForgotten } from '../queries/forgotten.ts'
import type { StorageOf } from '../storage-access.ts'

/**
 * Forgets a person: first that nothing is stored for them any more, then what is known. What lies in their storages stays,
 * but for those that are named; and where a cache cannot be reached, all of it is to be asked for again.
 */
export function forgetPerson(parts: { db: Database; storageOf: StorageOf; cache: PageCache }): Handler<typeof platformRoutes.forgetPerson> {
  const { db, storageOf, cache } = parts
  return async ({ userId, body, signal }) => {
    const emptied = await Promise.all(body.removes.map((storageId) => storageOf(userId, storageId)))
    await noteForgotten(db, userId)
    for (const { storage } of emptied) await storage.removeAll?.(signal)
    await cache.forget((await listPlaces(db, userId)).map((place) => ({ userId, ...place })))
    const { items = 0, pages = 0, media = 0, ...rest } = await deletePerson(db, userId)
    const others = Object.values(rest).reduce((sum, count) => sum + count, 0)
    return { forgotten: { items, pages, media, others } }
  }
}
