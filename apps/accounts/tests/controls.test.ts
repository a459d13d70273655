import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'
import { calm, setUp } from './sync-kit.ts'

let accounts: RunningAccounts
let owner: Person
beforeAll(async () => {
  accounts = await startAccounts()
  owner = await accounts.signUp()
}, 60_000)
afterEach(() => accounts.db.query('TRUNCATE network_controls'))
afterAll(() => accounts?.close())

const put = (network: string, body: { isPaused: boolean; jobsPerMinute: number | null }, person = owner) =>
  accounts.web.putControl({ userId: person.user.id, params: { network }, body })
const free = { isPaused: false, jobsPerMinute: null }
const paused = { isPaused: true, jobsPerMinute: null }
const claim = async () => (await accounts.conductor.claimDue({ body: { limit: 100 } })).jobs.map(({ connectionId }) => connectionId)

test('the owner alone says how a network is copied from, and of networks that there are', async () => {
  const member = await accounts.signUp()
  expect(await kindThrown(put('diary', paused, member))).toBe('forbidden')
  expect(await kindThrown(put('nowhere', paused))).toBe('not-found')
  for (const jobsPerMinute of [0, -1, 1.5]) expect(await kindThrown(put('diary', { isPaused: false, jobsPerMinute }))).toBe('invalid')
  expect((await accounts.conductor.listControls({})).controls).toEqual([])
  await put('diary', paused)
  expect(await put('diary', { isPaused: false, jobsPerMinute: 30 })).toEqual({ network: 'diary', isPaused: false, jobsPerMinute: 30 })
  expect((await accounts.conductor.listControls({})).controls).toEqual([{ network: 'diary', isPaused: false, jobsPerMinute: 30 }])
})

test('of a paused network nothing is claimed, neither what is due nor what was left behind; of others it is; resumed, all of it comes', async () => {
  const { userId, connections, sync } = await setUp(accounts, 3)
  const [due = '', left = '', other = ''] = connections.map(({ id }) => id)
  await accounts.db.query("UPDATE connections SET provider = 'meadow' WHERE id = $1", [other])
  await calm(accounts)
  await sync([left])
  await accounts.db.query('UPDATE streams SET next_due_at = now() WHERE connection_id = ANY ($1)', [[due, other]])
  await accounts.db.query('UPDATE sync_jobs SET enqueue_after = now() WHERE user_id = $1', [userId])
  await put('diary', paused)
  expect(await claim()).toEqual([other])
  expect(await claim()).toEqual([])
  await put('diary', free)
  expect((await claim()).sort()).toEqual([due, left].sort())
})
