import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { storeBatch, type StoreParts } from '../store-batch.ts'

export function putItems(parts: StoreParts): Handler<typeof platformRoutes.putItems> {
  return ({ userId, body, signal }) => storeBatch(parts, userId, body, signal)
}
