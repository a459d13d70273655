import { AshevilleError } from '@asheville/core'
import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { KeptReplies } from '../kept-replies.ts'
import { itemByKey } from '../queries/reading.ts'
import { readableTypes } from '../readable.ts'
import { isAskedNow, readItems, type ReadParts } from '../read-items.ts'
import { keptApartFrom, withCopies } from '../same/with-copies.ts'
import { withPictures } from '../with-pictures.ts'

export function getItem(parts: ReadParts & { replies: KeptReplies }): Handler<typeof platformRoutes.getItem> {
  return async ({ userId, app, params, request }) => {
    const types = readableTypes(app)
    return parts.replies.answer(userId, ['getItem', types, params], isAskedNow(request), async () => {
      const row = await itemByKey(parts.db, userId, params.key, types)
      const [item] = row ? await readItems(parts, userId, [row], request) : []
      if (!item) throw new AshevilleError('not-found', 'There is no such item')
      const [shown] = await withCopies(parts, userId, await withPictures(parts.db, userId, [item]), { types, isWhole: true, request })
      const keptApart = await keptApartFrom(parts.db, userId, item.key, types)
      return { ...shown!, ...(keptApart.length > 0 && { keptApart }) }
    })
  }
}
