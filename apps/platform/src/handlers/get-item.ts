import { AshevilleError } from '@asheville/core'
import type { platformRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { itemByKey } from '../queries/reading.ts'
import { readableTypes } from '../readable.ts'
import { readItems, type ReadParts } from '../read-items.ts'
import { withPictures } from '../with-pictures.ts'

export function getItem(parts: ReadParts): Handler<typeof platformRoutes.getItem> {
  return async ({ userId, app, params, request }) => {
    const row = await itemByKey(parts.db, userId, params.key, readableTypes(app))
    const [item] = row ? await readItems(parts, userId, [row], request) : []
    if (!item) throw new AshevilleError('not-found', 'There is no such item')
    return (await withPictures(parts.db, userId, [item]))[0]!
  }
}
