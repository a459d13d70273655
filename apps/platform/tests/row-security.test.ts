import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startConstellation, type Constellation } from './constellation.ts'

let asheville: Constellation
beforeAll(async () => {
  asheville = await startConstellation()
})
afterAll(() => asheville.close())

test('every table with people’s rows is walled in', async () => {
  const tables = await asheville.db.query<{ name: string; isWalled: boolean }>(
    `SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS "isWalled"
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
     WHERE c.relnamespace = 'platform'::regnamespace AND c.relkind IN ('r', 'p')`,
  )
  expect(tables.length).toBeGreaterThan(5)
  expect(tables.filter(({ isWalled }) => !isWalled)).toEqual([])
})
