import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { asPerson, asService, createDatabase, isBound, type Database } from '@asheville/database'
import { startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

let accounts: RunningAccounts
let own: Database
let alice: Person
let bob: Person
beforeAll(async () => {
  accounts = await startAccounts()
  own = createDatabase({ url: accounts.databaseUrl, schema: 'accounts', poolSize: 1 })
  alice = await accounts.signUp()
  bob = await accounts.signUp()
  await accounts.connectDiary(alice)
  await accounts.connectDiary(bob)
})
afterAll(async () => {
  await own.close()
  await accounts.close()
})

const owners = async () => {
  const rows = await own.query<{ id: string }>('SELECT DISTINCT user_id AS id FROM connections')
  return rows.map(({ id }) => id).sort()
}

test('every table with people’s rows is walled in', async () => {
  const open = await own.query(
    `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
  )
  expect(open).toEqual([])
  expect(await isBound(own)).toBe(true)
  expect(await isBound(accounts.db)).toBe(false)
})

test('a statement that forgets to say whose rows it wants gets the person’s own; nobody’s gets none; the service’s all', async () => {
  const both = [alice.user.id, bob.user.id].sort()
  expect(await owners()).toEqual([])
  expect(await asPerson(alice.user.id, owners)).toEqual([alice.user.id])
  expect(await asPerson(bob.user.id, owners)).toEqual([bob.user.id])
  expect(await asService(owners)).toEqual(both)
  expect(await owners()).toEqual([])
  expect(await asPerson(alice.user.id, () => own.query('SELECT id FROM users'))).toEqual([{ id: alice.user.id }])
})

test('nor does it change or add another’s', async () => {
  const rename = () => own.query<{ userId: string }>(`UPDATE connections SET title = 'mine' RETURNING user_id AS "userId"`)
  const changed = await asPerson(alice.user.id, rename)
  expect(new Set(changed.map(({ userId }) => userId))).toEqual(new Set([alice.user.id]))
  expect(await rename()).toEqual([])
  const vote = () => own.query("INSERT INTO votes (provider, user_id) VALUES ('threads', $1)", [bob.user.id])
  await expect(asPerson(alice.user.id, vote)).rejects.toThrow('row-level security')
  await expect(vote()).rejects.toThrow('row-level security')
  await asPerson(bob.user.id, vote)
})

test('a transaction is the person’s too, what was rolled back forgets for whom it was, and one may step aside in it', async () => {
  const failed = asPerson(alice.user.id, () =>
    own.transaction(async (tx) => {
      expect(await tx.query('SELECT id FROM users')).toEqual([{ id: alice.user.id }])
      expect(await asService(() => tx.query('SELECT id FROM users'))).toHaveLength(2)
      expect(await tx.query('SELECT id FROM users')).toEqual([{ id: alice.user.id }])
      throw new Error('no')
    }),
  )
  await expect(failed).rejects.toThrow('no')
  expect(await asPerson(bob.user.id, owners)).toEqual([bob.user.id])
  expect(await owners()).toEqual([])
})
