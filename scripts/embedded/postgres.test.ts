import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { alive } from '../processes/process-table.ts'
import { privatePort } from './ports.ts'
import { startPostgres } from './postgres.ts'

let place: string
const settings = { fsync: 'off' }

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'asheville-postgres-'))
})
afterAll(() => rm(place, { recursive: true, force: true }))

async function rows(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  const result = await client.query<Record<string, unknown>>(text)
  await client.end()
  return result.rows
}

test('data outlives a restart, an orphan, and the mark of a dead one; strangers need the password', async () => {
  const directory = join(place, 'postgres')
  const options = { directory, port: await privatePort(place), password: 'secret', settings }
  const first = await startPostgres(options)
  await rows(first.url, 'CREATE TABLE kept AS SELECT 1 AS one')
  await expect(rows(first.url.replace('secret', 'wrong'), 'SELECT 1')).rejects.toThrow(/password/)

  // As after kill -9 of the launcher: the first one still runs, nobody holds it.
  const second = await startPostgres(options)
  expect(alive(first.pid)).toBe(false)
  expect(await rows(second.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }])

  // As after a crash of the machine: the mark names a process that is somebody else's now.
  const mark = join(directory, 'postmaster.pid')
  const stale = (await readFile(mark, 'utf8')).replace(/^\d+/, String(process.pid))
  await second.close()
  await writeFile(mark, stale)
  const third = await startPostgres(options)
  expect(await rows(third.url, 'SELECT one FROM kept')).toEqual([{ one: 1 }])
  await third.close()
  expect(alive(third.pid)).toBe(false)
})

test('sorts by code point and knows the case of every letter; trigrams are there', async () => {
  const postgres = await startPostgres({
    directory: join(place, 'other'),
    port: await privatePort(`${place} other`),
    password: 'secret',
    settings,
  })
  const [row] = await rows(postgres.url, "SELECT lower('ÄÉЖ') AS lower, 'Z' < 'a' AS bytes, current_setting('TimeZone') AS zone")
  expect(row).toEqual({ lower: 'äéж', bytes: true, zone: expect.stringMatching(/UTC|GMT/) })
  await rows(postgres.url, 'CREATE EXTENSION pg_trgm')
  await postgres.close()
})
