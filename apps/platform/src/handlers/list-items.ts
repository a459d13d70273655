import { AshevilleError } from '@asheville/core'
import type { platformRoutes, StoredItem } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import { z } from 'zod'
import { listItems as list, type Place } from '../queries/reading.ts'
import { readableTypes } from '../readable.ts'
import { readItems, type ReadParts } from '../read-items.ts'
import { withPictures } from '../with-pictures.ts'

const placeSchema = z.tuple([z.iso.datetime().nullable(), z.number().int()])

/** A page of the person's items. The networks' payloads and what items were before are left out of lists; one item by itself has them. */
export function listItems(parts: ReadParts): Handler<typeof platformRoutes.listItems> {
  return async ({ userId, app, query }) => {
    const { network = null, connectionId = null, contentType = null, from = null, to = null, order, cursor, limit } = query
    const types = readableTypes(app, contentType)
    const after = cursor === undefined ? null : readCursor(cursor)
    const rows = await list(parts.db, userId, { network, connectionId, contentType, types, from, to, order }, after, limit + 1)
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    const items = await withPictures(parts.db, userId, await readItems(parts, userId, shown))
    return { items: items.map(withoutRaw), next: last ? writeCursor(last) : null }
  }
}

function withoutRaw(item: StoredItem): StoredItem {
  const { 'asheville:raw': _, 'asheville:history': __, ...object } = item.object
  return { ...item, object }
}

function writeCursor({ at, arrived }: Place): string {
  return Buffer.from(JSON.stringify([at, arrived])).toString('base64url')
}

function readCursor(cursor: string): Place {
  try {
    const [at, arrived] = placeSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    return { at, arrived }
  } catch {
    throw new AshevilleError('invalid', 'This cursor is none of ours', { faults: [{ pointer: '/cursor', message: 'is not valid' }] })
  }
}
