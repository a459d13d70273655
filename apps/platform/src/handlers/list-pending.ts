import { pendingItemSchema, type platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { duePending, nextPending, removePending } from '../queries/pending.ts'
import { readItems, type ReadParts } from '../read-items.ts'
import { fromStoredObject, type StoredObject } from '../stored-object.ts'

/** What the person took out of their files, or made something else of, is not tried any more. */
export function listPending(parts: ReadParts): Handler<typeof platformRoutes.listPending> {
  return async ({ userId, query: { storageId, connectionId, stream, limit } }) => {
    const { db, storageOf } = parts
    await storageOf(userId, storageId)
    const due = await duePending(db, userId, storageId, { connectionId, stream }, limit)
    const found = (await readItems(parts, userId, due)).flatMap(({ key, contentType, object }) => {
      const item = pendingItemSchema.safeParse(fromStoredObject(object as StoredObject, contentType))
      return item.success && item.data.media.length > 0 ? [{ key, item: item.data }] : []
    })
    const there = new Set(found.map(({ key }) => key))
    const lost = due.filter(({ key }) => !there.has(key)).map(({ key }) => key)
    await removePending(db, userId, storageId, lost)
    return { items: found.map(({ item }) => item), nextAt: await nextPending(db, userId, storageId, { connectionId, stream }) }
  }
}
