import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { createServer, type Server, type Socket } from 'node:net'
import { createDatabase, type Database } from './database.ts'
import { isUniqueViolation } from './errors.ts'
import { migrate } from './migrate.ts'

const directory = join(import.meta.dirname, 'fixtures')
const server = process.env['TEST_DATABASE_URL'] ?? ''
const name = `test_database_${process.pid}`
const place = { url: Object.assign(new URL(server), { pathname: `/${name}` }).href }
let db: Database

async function onServer(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  await client.query(text)
  await client.end()
}

beforeAll(async () => {
  await onServer(`CREATE DATABASE ${name}`)
  await migrate({ url: place.url, schema: 'people', directory })
  db = createDatabase({ url: place.url, schema: 'people', poolSize: 4 })
})
afterAll(async () => {
  await db.close()
  await onServer(`DROP DATABASE ${name} WITH (FORCE)`)
})

describe('values', () => {
  test('instants come as the API writes them, bigint as number, arrays of both too', async () => {
    const [row] = await db.query(
      `SELECT timestamptz '2024-03-01 12:00:00.123456+02' AS at, 9007199254740991::bigint AS big, date '2024-03-01' AS day,
              ARRAY[timestamptz '2024-03-01 12:00:00+00', NULL] AS times, ARRAY[1, NULL]::bigint[] AS bigs, NULL::timestamptz AS never`,
    )
    expect(row).toEqual({
      at: '2024-03-01T10:00:00.123Z',
      big: 9007199254740991,
      day: '2024-03-01',
      times: ['2024-03-01T12:00:00.000Z', null],
      bigs: [1, null],
      never: null,
    })
  })

  test('a bigint that a number cannot hold is an error, not another number', async () => {
    await expect(db.query('SELECT 9007199254740993::bigint AS big')).rejects.toMatchObject({ kind: 'unexpected' })
    await expect(db.query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }])
  })

  test('an instant goes in as text or Date, whatever the time zone', async () => {
    const at = '2024-03-01T10:00:00.123Z'
    expect(await db.query('SELECT $1::timestamptz AS text, $2::timestamptz AS date', [at, new Date(at)])).toEqual([{ text: at, date: at }])
  })
})

describe('failures', () => {
  test('a connection that breaks between two statements of a transaction fails that transaction, not the process', async () => {
    const broken = db.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await onServer(`SELECT pg_terminate_backend(${row!.pid})`)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return tx.query('SELECT 1')
    })
    await expect(broken).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await db.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('a unique violation is a conflict that names its constraint', async () => {
    await db.query('INSERT INTO people (name) VALUES ($1)', ['ann'])
    const error = await db.query('INSERT INTO people (name) VALUES ($1)', ['ann']).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ kind: 'conflict' })
    expect(isUniqueViolation(error, 'people_name_key')).toBe(true)
    expect(isUniqueViolation(error)).toBe(true)
    expect(isUniqueViolation(error, 'people_pkey')).toBe(false)
    expect(isUniqueViolation(new Error('no'))).toBe(false)
  })

  test('text, numbers and dates that Postgres cannot hold are invalid', async () => {
    await expect(db.query('SELECT $1::text', ['a\0b'])).rejects.toMatchObject({ kind: 'invalid' })
    await expect(db.query('SELECT $1::integer', [2 ** 53 - 1])).rejects.toMatchObject({ kind: 'invalid' })
    await expect(db.query('SELECT $1::timestamptz', ['2024-13-45'])).rejects.toMatchObject({ kind: 'invalid' })
  })

  test('a query that takes too long is unavailable, and its connection is usable or replaced', async () => {
    const quick = createDatabase({ url: place.url, schema: 'people', poolSize: 1, queryTimeoutMs: 200 })
    await expect(quick.query('SELECT pg_sleep(5)')).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(quick.query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }])
    await quick.close()
  })

  test('no Postgres at all is unavailable', async () => {
    const nowhere = createDatabase({ url: 'postgres://nobody@127.0.0.1:9/none', schema: 'people' })
    await expect(nowhere.query('SELECT 1')).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(migrate({ url: 'postgres://nobody@127.0.0.1:9/none', schema: 'people', directory })).rejects.toMatchObject({
      kind: 'unavailable',
    })
    await nowhere.close()
  })

  test('a frozen Postgres is unavailable in two seconds', async () => {
    const { port, close } = await silentServer()
    const frozen = createDatabase({ url: `postgres://nobody@127.0.0.1:${port}/none`, schema: 'people' })
    const started = Date.now()
    await expect(frozen.query('SELECT 1')).rejects.toMatchObject({ kind: 'unavailable' })
    expect(Date.now() - started).toBeLessThan(2_500)
    await frozen.close()
    close()
  })
})

describe('transactions', () => {
  const names = async () =>
    (await db.query<{ name: string }>("SELECT name FROM people WHERE name LIKE 't-%' ORDER BY name")).map((row) => row.name)

  test('commit what ended, roll back what threw, an inner one by itself', async () => {
    await db.transaction(async (tx) => {
      await tx.query("INSERT INTO people (name) VALUES ('t-1')")
      await expect(
        tx.transaction(async (inner) => {
          await inner.query("INSERT INTO people (name) VALUES ('t-2')")
          await inner.query('SELECT 1 / 0')
        }),
      ).rejects.toMatchObject({ kind: 'unexpected' })
      await tx.query("INSERT INTO people (name) VALUES ('t-3')")
    })
    await expect(
      db.transaction(async (tx) => {
        await tx.query("INSERT INTO people (name) VALUES ('t-4')")
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await names()).toEqual(['t-1', 't-3'])
  })

  test('a connection that the server ended is not given out again', async () => {
    const one = createDatabase({ url: place.url, schema: 'people', poolSize: 1 })
    const failure = one.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await db.query('SELECT pg_terminate_backend($1)', [row?.pid ?? 0])
      await tx.query('SELECT 1')
    })
    await expect(failure).rejects.toMatchObject({ kind: 'unavailable' })
    await expect(one.query('SELECT 1 AS one')).resolves.toEqual([{ one: 1 }])
    await one.close()
  })
})

describe('migrations', () => {
  test('run once, also when several start at the same time; schemas of one database stay apart', async () => {
    const ran = await Promise.all(['left', 'left', 'right', 'left'].map((schema) => migrate({ url: place.url, schema, directory })))
    expect(ran.flat()).toEqual(['001_people', '001_people'])
    const tables = await db.query("SELECT schemaname FROM pg_tables WHERE tablename = 'people' ORDER BY schemaname")
    expect(tables).toEqual([{ schemaname: 'left' }, { schemaname: 'people' }, { schemaname: 'right' }])
  })

  test('a failing one changes nothing and tells which', async () => {
    const broken = join(import.meta.dirname, 'fixtures', 'broken')
    await expect(migrate({ url: place.url, schema: 'half', directory: broken })).rejects.toMatchObject({ kind: 'unexpected' })
    expect(await db.query("SELECT tablename FROM pg_tables WHERE schemaname = 'half' AND tablename <> 'migrations'")).toEqual([])
  })
})

async function silentServer(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
