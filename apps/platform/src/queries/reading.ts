import type { ContentType } from '@asheville/core'
import type { Database } from '@asheville/database'
import { itemColumns, type ItemRow } from './items.ts'

/** An item with where it is from and whether its page may be believed. */
export interface ListedRow extends ItemRow {
  storageId: string
  handle: string
  arrived: number
}

/** The place after which a list goes on. */
export interface Place {
  at: string | null
  arrived: number
}

export interface Filter {
  network: string | null
  connectionId: string | null
  contentType: ContentType | null
  /** Which content types there are for whoever asks; null: all. */
  types: readonly ContentType[] | null
  from: string | null
  to: string | null
  order: 'newest' | 'oldest'
}

export const listedColumns = `${itemColumns}, i.storage_id AS "storageId", i.arrived, a.handle`
export const listedTables = `items i JOIN accounts a ON a.user_id = i.user_id AND a.storage_id = i.storage_id AND a.network = i.network AND a.account_id = i.account_id`

/** Newest first, with undated ones after all others, the last to arrive first; or the other way round. */
export function listItems(db: Database, userId: string, filter: Filter, after: Place | null, limit: number): Promise<ListedRow[]> {
  const conditions = ['i.user_id = $1']
  const values: (string | number | null | readonly string[])[] = [userId]
  const add = (condition: (place: string) => string, value: string | readonly string[] | null) => {
    if (value === null) return
    values.push(value)
    conditions.push(condition(`$${values.length}`))
  }
  add((place) => `i.network = ${place}`, filter.network)
  add((place) => `i.connection_id = ${place}`, filter.connectionId)
  add((place) => `i.content_type = ${place}`, filter.contentType)
  add((place) => `i.content_type = ANY(${place})`, filter.types)
  add((place) => `i.sorted_at >= ${place}::timestamptz`, filter.from)
  add((place) => `i.sorted_at < ${place}::timestamptz AND i.at IS NOT NULL`, filter.to)
  const [beyond, direction] = filter.order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC']
  if (after) {
    values.push(after.at ?? '-infinity', after.arrived)
    conditions.push(`(i.sorted_at, i.arrived) ${beyond} ($${values.length - 1}::timestamptz, $${values.length}::bigint)`)
  }
  values.push(limit)
  return db.query(
    `SELECT ${listedColumns} FROM ${listedTables} WHERE ${conditions.join(' AND ')} ORDER BY i.sorted_at ${direction}, i.arrived ${direction} LIMIT $${values.length}`,
    values,
  )
}

export async function itemByKey(
  db: Database,
  userId: string,
  key: string,
  types: readonly ContentType[] | null,
): Promise<ListedRow | null> {
  const [row] = await db.query<ListedRow>(
    `SELECT ${listedColumns} FROM ${listedTables} WHERE i.user_id = $1 AND i.key = $2 AND ($3::text[] IS NULL OR i.content_type = ANY($3))
     ORDER BY i.seen_at DESC LIMIT 1`,
    [userId, key, types],
  )
  return row ?? null
}

export interface CountRow {
  connectionId: string
  network: string
  accountId: string
  contentType: ContentType
  items: number
  gone: number
  oldest: string | null
  newest: string | null
  oldestThere: string | null
  newestThere: string | null
}

/** What is stored, by connection and content type; `gone` of the `items` are deleted on their network, the others are there still. */
export function countItems(db: Database, userId: string, storageId: string | null): Promise<CountRow[]> {
  return db.query(
    `SELECT i.connection_id AS "connectionId", i.network, i.account_id AS "accountId", i.content_type AS "contentType", count(*) AS items,
       count(i.gone_at) AS gone, min(i.at) AS oldest, max(i.at) AS newest,
       min(i.at) FILTER (WHERE i.gone_at IS NULL) AS "oldestThere", max(i.at) FILTER (WHERE i.gone_at IS NULL) AS "newestThere"
     FROM items i WHERE i.user_id = $1 AND ($2::uuid IS NULL OR i.storage_id = $2)
     GROUP BY i.connection_id, i.network, i.account_id, i.content_type
     ORDER BY i.network, i.account_id, i.content_type, i.connection_id`,
    [userId, storageId],
  )
}
