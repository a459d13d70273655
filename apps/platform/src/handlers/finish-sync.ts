import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { finishSync as finish } from '../finish-sync.ts'
import type { StorageOf } from '../storage-access.ts'

export function finishSync(parts: { db: Database; storageOf: StorageOf }): Handler<typeof platformRoutes.finishSync> {
  return ({ userId, body, signal }) => finish(parts, userId, body.storageId, signal)
}
