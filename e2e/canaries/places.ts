import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Place } from './scan.ts'

/** Everything that an instance keeps or has said, but for `secrets.json` and the sealed inside of Postgres' own files. */
export async function* placesOf(
  { dataDir, databaseUrl, redisUrl }: { dataDir: string; databaseUrl: string; redisUrl: string },
  answers: Iterable<Place>,
): AsyncGenerator<Place> {
  // Redis' folder holds what it has written down: its append-only file.
  for (const folder of ['logs', 'files', 'scratch', 'redis']) yield* files(join(dataDir, folder), dataDir)
  yield* redisKeys(redisUrl)
  yield* tables(databaseUrl)
  yield* answers
}

async function* files(folder: string, root: string): AsyncGenerator<Place> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    // A file may be gone by now (scratch).
    if (entry.isFile()) yield { name: `file ${relative(root, path)}`, bytes: await readFile(path).catch(() => Buffer.alloc(0)) }
  }
}

/** Every key of every type, its name included. */
export async function* redisKeys(url: string): AsyncGenerator<Place> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 })
  try {
    for await (const keys of redis.scanBufferStream({ count: 500 })) {
      for (const key of keys as Buffer[]) {
        const name = key.toString('latin1')
        const type = await redis.type(key)
        yield { name: `Redis ${type} ${name}`, bytes: flat(await valueOf(redis, key, type)) }
      }
    }
  } finally {
    redis.disconnect()
  }
}

async function valueOf(redis: Redis, key: Buffer, type: string): Promise<unknown> {
  if (type === 'string') return redis.getBuffer(key)
  if (type === 'hash') return redis.callBuffer('HGETALL', key)
  if (type === 'list') return redis.lrangeBuffer(key, 0, -1)
  if (type === 'set') return redis.smembersBuffer(key)
  if (type === 'zset') return redis.callBuffer('ZRANGE', key, 0, -1)
  if (type === 'stream') return redis.xrangeBuffer(key, '-', '+')
  // It has lapsed since it was listed.
  if (type === 'none') return null
  throw new Error(`Redis has a ${type}, which nobody here can read`)
}

function flat(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return Buffer.concat(value.flatMap((one) => [flat(one), Buffer.from('\n')]))
  return Buffer.from(typeof value === 'string' ? value : '')
}

/** Every column of every table, as text; bytes come as hex. */
export async function* tables(url: string): AsyncGenerator<Place> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: columns } = await client.query<{ place: string; relation: string; column: string }>(
      `SELECT format('%s.%s.%s', table_schema, table_name, column_name) AS place, format('%I.%I', table_schema, table_name) AS relation,
         format('%I', column_name) AS column FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
       WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE' ORDER BY 1`,
    )
    for (const { place, relation, column } of columns) {
      const { rows } = await client.query<{ value: string | null }>(`SELECT ${column}::text AS value FROM ${relation}`)
      yield { name: `Postgres ${place}`, bytes: Buffer.from(rows.map(({ value }) => value ?? '').join('\n')) }
    }
  } finally {
    await client.end()
  }
}
