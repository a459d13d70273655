import { AshevilleError } from '@asheville/core'
import type { platformRoutes, StoredItem } from '@asheville/clients'
import type { Call, Handler } from '@asheville/service'
import { z } from 'zod'
import { filterOf, isHopeless } from '../filter-of.ts'
import type { KeptReplies } from '../kept-replies.ts'
import { listItems as list, type Place } from '../queries/reading.ts'
import { readableTypes } from '../readable.ts'
import { isAskedNow, readItems, type ReadParts } from '../read-items.ts'
import { isFirst, withCopies } from '../same/with-copies.ts'
import { withPictures } from '../with-pictures.ts'

const placeSchema = z.tuple([z.iso.datetime().nullable(), z.number().int()])
/** Of what may hold the words of a search, so much is looked at for one page of what does. */
const maxRounds = 10

/** A page of the person's items. The networks' payloads and what items were before are left out of lists; one item by itself has them. */
export function listItems(parts: ReadParts & { replies: KeptReplies }): Handler<typeof platformRoutes.listItems> {
  return async (call) => {
    const { userId, app, query, request } = call
    const question = ['listItems', readableTypes(app, query.contentType), query]
    return parts.replies.answer(userId, question, isAskedNow(request), () => readList(parts, call))
  }
}

async function readList(parts: ReadParts, { userId, app, query, request }: Call<typeof platformRoutes.listItems>) {
  const { order, cursor, limit, copies } = query
  const { filter, search } = await filterOf(parts.db, userId, app, query)
  if (isHopeless(filter)) return { items: [], next: null }
  const items: StoredItem[] = []
  const told = async () => {
    const all = await withCopies(parts, userId, items, { types: filter.types, isWhole: false, request })
    return copies === 'once' ? all.filter((item) => isFirst(item, all, filter, order)) : all
  }
  let after = cursor === undefined ? null : readCursor(cursor)
  for (let round = 0; round < maxRounds; round++) {
    const wanted = limit - items.length
    const rows = await list(parts.db, userId, filter, order, after, wanted + 1)
    const some = rows.slice(0, wanted)
    const byStem = new Map(some.map((row) => [row.key, row.byStem]))
    for (const item of await withPictures(parts.db, userId, await readItems(parts, userId, some, request)))
      if (search === null || search.isIn(item.object, byStem.get(item.key) ?? [])) items.push(withoutRaw(item))
    after = some.at(-1) ?? after
    if (rows.length <= wanted) return { items: await told(), next: null }
    if (search === null || items.length === limit) break
  }
  return { items: await told(), next: after && writeCursor(after) }
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
