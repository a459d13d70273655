import type { ContentType } from '@asheville/core'
import type { Database, SqlValue } from '@asheville/database'
import { itemColumns, type ItemRow } from './items.ts'

/** An item with where it is from and whether its page may be believed. */
export interface ListedRow extends ItemRow {
  storageId: string
  handle: string
  arrived: number
  /** Of its page file, as the index knows it. */
  revision: string
}

/** The place after which a list goes on. */
export interface Place {
  at: string | null
  arrived: number
}

/** One word that is looked for, by what stands for it in the index. */
export interface WantedWord {
  /** All of what it holds. */
  grams: readonly number[]
  /** One of its stems is enough. */
  stems: readonly number[]
}

export interface Filter {
  network: string | null
  connectionId: string | null
  contentType: ContentType | null
  /** Which content types there are for whoever asks; null: all. */
  types: readonly ContentType[] | null
  from: string | null
  to: string | null
  /** Each of them; null: whatever the words. */
  words: readonly WantedWord[] | null
  /** No farther than `metres` from there. */
  near: { latitude: number; longitude: number; metres: number } | null
}

export const listedColumns = `${itemColumns}, i.storage_id AS "storageId", i.arrived, a.handle, coalesce(g.revision, '') AS revision`
export const listedTables = `items i
  JOIN accounts a ON a.user_id = i.user_id AND a.storage_id = i.storage_id AND a.network = i.network AND a.account_id = i.account_id
  LEFT JOIN pages g ON g.user_id = i.user_id AND g.storage_id = i.storage_id AND g.path = i.path`

interface Conditions {
  tables: string
  where: string
  values: SqlValue[]
}

/** What to look in, and which rows are wanted; each value has its place from $1 on. */
function conditionsOf(userId: string, filter: Filter): Conditions {
  const values: SqlValue[] = [userId]
  const conditions = ['i.user_id = $1']
  const tables = [listedTables]
  const place = (value: SqlValue) => `$${values.push(value)}`
  const add = (condition: (place: string) => string, value: string | readonly string[] | null) => {
    if (value !== null) conditions.push(condition(place(value)))
  }
  add((network) => `i.network = ${network}`, filter.network)
  add((connection) => `i.connection_id = ${connection}`, filter.connectionId)
  add((type) => `i.content_type = ${type}`, filter.contentType)
  add((types) => `i.content_type = ANY(${types})`, filter.types)
  add((from) => `i.sorted_at >= ${from}::timestamptz`, filter.from)
  add((to) => `i.sorted_at < ${to}::timestamptz AND i.at IS NOT NULL`, filter.to)
  if (filter.words) {
    tables.push('JOIN words w ON w.storage_id = i.storage_id AND w.key = i.key')
    for (const { grams, stems } of filter.words) conditions.push(`(w.marks @> ${place(grams)}::int[] OR w.marks && ${place(stems)}::int[])`)
  }
  if (filter.near) {
    const { latitude, longitude, metres } = filter.near
    const [lat, lon, reach] = [place(latitude), place(longitude), place(metres)].map((value) => `${value}::float8`) as [
      string,
      string,
      string,
    ]
    tables.push('JOIN places p ON p.user_id = i.user_id AND p.storage_id = i.storage_id AND p.key = i.key')
    // A degree north is the same everywhere: that narrows it down by the index. The rest is the haversine of the angle between the two.
    conditions.push(
      `p.user_id = $1 AND p.latitude BETWEEN ${lat} - ${reach} / ${metresPerDegree} AND ${lat} + ${reach} / ${metresPerDegree}`,
      `2 * ${earthMetres} * asin(least(1, sqrt(sind((p.latitude - ${lat}) / 2) ^ 2
         + cosd(${lat}) * cosd(p.latitude) * sind((p.longitude - ${lon}) / 2) ^ 2))) <= ${reach}`,
    )
  }
  return { tables: tables.join(' '), where: conditions.join(' AND '), values }
}

/** Mean radius of the earth, IUGG. */
const earthMetres = 6_371_009
const metresPerDegree = (earthMetres * Math.PI) / 180

/** An item that was looked for, and of each word of the search whether a form of it is among the item's. */
export type FoundRow = ListedRow & { byStem: boolean[] }

/** Newest first, with undated ones after all others, the last to arrive first; or the other way round. */
export function listItems(
  db: Database,
  userId: string,
  filter: Filter,
  order: 'newest' | 'oldest',
  after: Place | null,
  limit: number,
): Promise<FoundRow[]> {
  const { tables, where, values } = conditionsOf(userId, filter)
  const [beyond, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC']
  const place = (value: SqlValue) => `$${values.push(value)}`
  const goesOn = after
    ? ` AND (i.sorted_at, i.arrived) ${beyond} (${place(after.at ?? '-infinity')}::timestamptz, ${place(after.arrived)}::bigint)`
    : ''
  const byStem = (filter.words ?? []).map(({ stems }) => `w.marks && ${place(stems)}::int[]`)
  return db.query(
    `SELECT ${listedColumns}, ARRAY[${byStem.join()}]::boolean[] AS "byStem" FROM ${tables} WHERE ${where}${goesOn}
     ORDER BY i.sorted_at ${direction}, i.arrived ${direction} LIMIT ${place(limit)}`,
    values,
  )
}

export interface DayCount {
  /** `2024-03-05`, or `2024-03` of months, in UTC. */
  date: string
  items: number
}

/** How many items there are of each day or month that has any, oldest first. What is not dated is of none. */
export function countByDate(db: Database, userId: string, filter: Filter, by: 'day' | 'month'): Promise<DayCount[]> {
  const { tables, where, values } = conditionsOf(userId, filter)
  return db.query(
    `SELECT to_char(i.at AT TIME ZONE 'UTC', '${by === 'day' ? 'YYYY-MM-DD' : 'YYYY-MM'}') AS date, count(*) AS items
     FROM ${tables} WHERE ${where} AND i.at IS NOT NULL GROUP BY 1 ORDER BY 1`,
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
