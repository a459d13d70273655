import { AshevilleError } from '@asheville/core'
import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { itemByKey } from '../queries/reading.ts'
import { readableTypes } from '../readable.ts'
import { readItems, type ReadParts } from '../read-items.ts'
import { keptApartFrom, withCopies } from '../same/with-copies.ts'
import { withPictures } from '../with-pictures.ts'

export function getItem(parts: ReadParts): Handler<typeof platformRoutes.getItem> {
  return async ({ userId, app, params, request }) => {
    const types = readableTypes(app)
    const row = await itemByKey(parts.db, userId, params.key, types)
    const [item] = row ? await readItems(parts, userId, [row], request) : []
    if (!item) throw new AshevilleError('not-found', 'There is no such item')
    const [shown] = await withCopies(parts, userId, await withPictures(parts.db, userId, [item]), { types, isWhole: true, request })
    const keptApart = await keptApartFrom(parts.db, userId, item.key, types)
    return { ...shown!, ...(keptApart.length > 0 && { keptApart }) }
  }
}
