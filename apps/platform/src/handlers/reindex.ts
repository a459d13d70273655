import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import type { OriginOf } from '../origins-of.ts'
import { refuseForgotten } from '../queries/forgotten.ts'
import { reindex as make } from '../reindex.ts'
import type { StorageOf } from '../storage-access.ts'
import type { FreshQueue } from '../words/fresh-items.ts'

interface Parts {
  db: Database
  storageOf: StorageOf
  fresh: FreshQueue
  originsOf(userId: string): Promise<OriginOf>
}

export function reindex({ db, storageOf, fresh, originsOf }: Parts): Handler<typeof platformRoutes.reindex> {
  return async ({ userId, body: { storageId }, signal }) => {
    await refuseForgotten(db, userId)
    const { storage } = await storageOf(userId, storageId)
    return make({ db, storage, fresh, userId, storageId, originOf: await originsOf(userId), signal })
  }
}
