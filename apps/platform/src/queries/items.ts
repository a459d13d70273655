import type { Covered, ContentType } from '@asheville/core'
import type { Database } from '@asheville/database'

/** An item in the index: where it lies, and what tells whether it is new, changed, or older than what is stored. */
export interface ItemRow {
  key: string
  id: string
  network: string
  accountId: string
  connectionId: string
  stream: string
  contentType: ContentType
  at: string | null
  updatedAt: string
  seenAt: string
  goneAt: string | null
  hash: string
  path: string
}

export const itemColumns = `i.key, i.id, i.network, i.account_id AS "accountId", i.connection_id AS "connectionId", i.stream,
  i.content_type AS "contentType", i.at, i.updated_at AS "updatedAt", i.seen_at AS "seenAt", i.gone_at AS "goneAt", i.hash, i.path`

export function findByKeys(db: Database, userId: string, storageId: string, keys: readonly string[]): Promise<ItemRow[]> {
  if (keys.length === 0) return Promise.resolve([])
  return db.query(`SELECT ${itemColumns} FROM items i WHERE i.user_id = $1 AND i.storage_id = $2 AND i.key = ANY($3)`, [
    userId,
    storageId,
    keys,
  ])
}

/** What a stream of a connection brought, by the network's ids. */
export function findByIds(
  db: Database,
  userId: string,
  storageId: string,
  origin: { connectionId: string; stream: string },
  ids: readonly string[],
): Promise<ItemRow[]> {
  if (ids.length === 0) return Promise.resolve([])
  return db.query(
    `SELECT ${itemColumns} FROM items i
     WHERE i.user_id = $1 AND i.storage_id = $2 AND i.connection_id = $3 AND i.stream = $4 AND i.id = ANY($5)`,
    [userId, storageId, origin.connectionId, origin.stream, ids],
  )
}

/** How a covered range is looked up, by an index each: `sorted_at` is `at`, with the undated before all. */
const within = {
  at: `i.sorted_at >= coalesce(covered.lower::timestamptz, '-infinity') AND i.sorted_at < coalesce(covered.upper::timestamptz, 'infinity')
    AND i.at IS NOT NULL`,
  id: `i.id >= coalesce(covered.lower, '') COLLATE "C" AND (covered.upper IS NULL OR i.id < covered.upper COLLATE "C")`,
}

/** Ids that a stream brought, that are not marked as gone, lie in one of the covered ranges and are not among `present`. */
export async function findMissing(
  db: Database,
  userId: string,
  storageId: string,
  origin: { connectionId: string; stream: string },
  covers: readonly Covered[],
  present: readonly string[],
): Promise<string[]> {
  const missing = new Set<string>()
  for (const by of ['at', 'id'] as const) {
    const ranges = covers.filter((covered) => covered.by === by)
    if (ranges.length === 0) continue
    const rows = await db.query<{ id: string }>(
      `SELECT DISTINCT found.id FROM unnest($5::text[], $6::text[], $7::text[]) AS covered(lower, upper, content_type)
       CROSS JOIN LATERAL (
         SELECT i.id FROM items i
         WHERE i.user_id = $1 AND i.storage_id = $2 AND i.connection_id = $3 AND i.stream = $4 AND i.gone_at IS NULL AND ${within[by]}
           AND (covered.content_type IS NULL OR i.content_type = covered.content_type) AND i.id <> ALL($8::text[])
       ) AS found
       ORDER BY found.id`,
      [
        userId,
        storageId,
        origin.connectionId,
        origin.stream,
        ranges.map(({ from }) => from),
        ranges.map(({ to }) => to),
        ranges.map(({ contentType }) => contentType ?? null),
        present,
      ],
    )
    for (const { id } of rows) missing.add(id)
  }
  return [...missing]
}

const insert = `INSERT INTO items AS i (user_id, storage_id, key, id, network, account_id, connection_id, stream, content_type, at, updated_at, seen_at, gone_at, hash, path)
  SELECT $1, $2, key, id, network, account_id, connection_id, stream, content_type, at, updated_at, seen_at, gone_at, hash, path
  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[],
    $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[]) WITH ORDINALITY
    AS row(key, id, network, account_id, connection_id, stream, content_type, at, updated_at, seen_at, gone_at, hash, path, place)
  ORDER BY place
  ON CONFLICT (user_id, storage_id, key)`

/** Notes items as they now lie in the storage; what did not change is not touched. Each key once. */
export async function saveItems(db: Database, userId: string, storageId: string, rows: readonly ItemRow[]): Promise<void> {
  for (const some of portions(rows))
    await db.query(
      `${insert} DO UPDATE SET connection_id = EXCLUDED.connection_id, stream = EXCLUDED.stream, updated_at = EXCLUDED.updated_at,
       seen_at = EXCLUDED.seen_at, gone_at = EXCLUDED.gone_at, hash = EXCLUDED.hash, path = EXCLUDED.path,
       changed = CASE WHEN (i.hash, i.gone_at) IS DISTINCT FROM (EXCLUDED.hash, EXCLUDED.gone_at) THEN nextval('items_arrived_seq') ELSE i.changed END
     WHERE (i.connection_id, i.stream, i.updated_at, i.seen_at, i.gone_at, i.hash, i.path)
       IS DISTINCT FROM (EXCLUDED.connection_id, EXCLUDED.stream, EXCLUDED.updated_at, EXCLUDED.seen_at, EXCLUDED.gone_at, EXCLUDED.hash, EXCLUDED.path)`,
      valuesOf(userId, storageId, some),
    )
}

/** Notes items that were found in the storage; those known already stay as they are. Each key once. */
export async function addItems(db: Database, userId: string, storageId: string, rows: readonly ItemRow[]): Promise<void> {
  for (const some of portions(rows)) await db.query(`${insert} DO NOTHING`, valuesOf(userId, storageId, some))
}

/** Few enough rows for a statement to end well within its deadline. */
const portionRows = 1000

function portions<T>(rows: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / portionRows) }, (_, index) =>
    rows.slice(index * portionRows, (index + 1) * portionRows),
  )
}

function valuesOf(userId: string, storageId: string, rows: readonly ItemRow[]) {
  const column = <Name extends keyof ItemRow>(name: Name) => rows.map((row) => row[name])
  return [
    userId,
    storageId,
    column('key'),
    column('id'),
    column('network'),
    column('accountId'),
    column('connectionId'),
    column('stream'),
    column('contentType'),
    column('at'),
    column('updatedAt'),
    column('seenAt'),
    column('goneAt'),
    column('hash'),
    column('path'),
  ]
}

/** The same account connected again, or another stream that brings the same: those items are theirs from now on. */
export async function moveOrigins(
  db: Database,
  userId: string,
  storageId: string,
  origin: { connectionId: string; stream: string },
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return
  await db.query('UPDATE items SET connection_id = $3, stream = $4 WHERE user_id = $1 AND storage_id = $2 AND key = ANY($5)', [
    userId,
    storageId,
    origin.connectionId,
    origin.stream,
    keys,
  ])
}
