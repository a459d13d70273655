import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { StorageOf } from '../storage-access.ts'

/** Asks the storage, each time. */
export function getSpace({ storageOf }: { storageOf: StorageOf }): Handler<typeof platformRoutes.getSpace> {
  return async ({ userId, params: { storageId }, signal }) => {
    const { storage } = await storageOf(userId, storageId)
    return (await storage.space?.(signal)) ?? { used: null, total: null }
  }
}
