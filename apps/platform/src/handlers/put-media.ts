import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { storeMedia, type MediaParts } from '../store-media.ts'

export function putMedia(parts: MediaParts): Handler<typeof platformRoutes.putMedia> {
  return ({ userId, query, body, request, signal }) => {
    const length = request.headers['content-length']
    return storeMedia(parts, userId, query, body, length === undefined ? null : Number(length), signal)
  }
}
