import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { findSources } from '../queries/media.ts'
import type { StorageOf } from '../storage-access.ts'

export function findMedia({ db, storageOf }: { db: Database; storageOf: StorageOf }): Handler<typeof platformRoutes.findMedia> {
  return async ({ userId, body }) => {
    await storageOf(userId, body.storageId)
    const found = await findSources(db, userId, body.storageId, body.urls)
    return { found: Object.fromEntries([...found].map(([url, media]) => [url, { state: 'stored' as const, ...media }])) }
  }
}
