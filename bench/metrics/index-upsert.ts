import { randomUUID } from 'node:crypto'
import { asPerson, createDatabase, type Database } from '@asheville/database'
import { startInstance } from '@asheville/e2e/instance.ts'
import { saveItems, type ItemRow } from '../../apps/platform/src/queries/items.ts'
import { compare, type Taken } from '../compare.ts'

interface Scene {
  db: Database
  userId: string
  storageId: string
  rows: ItemRow[]
}

const rounds = 6

/** What it takes to bring rows to the index, new ones and then the same again, against one plain statement of the same rows into a table of the same shape. */
export const indexUpsert = compare<Scene>({
  name: 'index-upsert',
  unit: 'x a plain upsert',
  valueUnit: 'ms',
  goal: 2,
  rounds: () => rounds,
  async setup({ quick }, opened) {
    const instance = await startInstance([])
    opened.defer(() => instance.close())
    const db = createDatabase({ url: instance.constellation.env.platform['DATABASE_URL'] ?? '', schema: 'platform' })
    opened.defer(() => db.close())
    await db.query('CREATE TABLE plain_items (LIKE items INCLUDING ALL)')
    return {
      db,
      userId: randomUUID(),
      storageId: randomUUID(),
      rows: Array.from({ length: quick ? 2000 : 10_000 }, (_, index) => rowOf(index)),
    }
  },
  a: ({ db, userId, storageId, rows }, round) =>
    twice(() => asPerson(userId, () => db.transaction((tx) => saveItems(tx, userId, storageId, keyed(rows, round))))),
  b: ({ db, userId, storageId, rows }, round) =>
    twice(() => asPerson(userId, () => plainUpsert(db, userId, storageId, keyed(rows, round)))),
  async verify({ db, userId, rows }) {
    for (const table of ['items', 'plain_items']) {
      const [row] = await asPerson(userId, () => db.query<{ count: number }>(`SELECT count(*) FROM ${table} WHERE user_id = $1`, [userId]))
      if (row?.count !== rows.length * rounds) throw new Error(`${table} has ${row?.count} rows`)
    }
  },
})

/** New rows, then the same rows. */
async function twice(work: () => Promise<unknown>): Promise<Taken> {
  const began = performance.now()
  await work()
  await work()
  return { value: performance.now() - began, cpuMs: null }
}

const keyed = (rows: readonly ItemRow[], round: number) => rows.map((row) => ({ ...row, key: `${round} ${row.key}` }))

function rowOf(index: number): ItemRow {
  const at = new Date(Date.UTC(2025, 0, 1) - index * 263_000).toISOString()
  return {
    key: `key-of-item-number-${index}`,
    id: `https://example.social/users/ada/statuses/${1_000_000_000 - index}`,
    network: 'mastodon',
    accountId: '4711',
    connectionId: '00000000-0000-4000-8000-000000000000',
    stream: 'statuses',
    contentType: 'posts',
    at,
    updatedAt: at,
    seenAt: '2025-06-01T00:00:00.000Z',
    goneAt: null,
    hash: `hash-of-number-${index}`,
    path: `mastodon/ada@example.social/posts/${at.slice(0, 7)}.json`,
  }
}

const columns = [
  'key',
  'id',
  'network',
  'accountId',
  'connectionId',
  'stream',
  'contentType',
  'at',
  'updatedAt',
  'seenAt',
  'goneAt',
  'hash',
  'path',
] as const

/** One statement, in which what has the same hash is left alone. */
async function plainUpsert(db: Database, userId: string, storageId: string, rows: readonly ItemRow[]): Promise<void> {
  await db.query(
    `INSERT INTO plain_items AS i (user_id, storage_id, key, id, network, account_id, connection_id, stream, content_type, at, updated_at, seen_at, gone_at, hash, path)
     SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::timestamptz[],
       $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[])
     ON CONFLICT (user_id, storage_id, key) DO UPDATE SET updated_at = EXCLUDED.updated_at, seen_at = EXCLUDED.seen_at, gone_at = EXCLUDED.gone_at,
       hash = EXCLUDED.hash, path = EXCLUDED.path WHERE i.hash IS DISTINCT FROM EXCLUDED.hash`,
    [userId, storageId, ...columns.map((name) => rows.map((row) => row[name]))],
  )
}
