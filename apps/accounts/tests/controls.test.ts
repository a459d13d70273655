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

test('once paused, whoever works is told to stop, nothing is taken, and what is given back waits until it is resumed', async () => {
  const { userId, sync, lease, take, plan, checkpoint, giveBack, at, first } = await setUp(accounts)
  await calm(accounts)
  const { id } = (await sync()).sync
  const { fence } = await lease(id)
  await plan(fence, [{ id: 'all', kind: 'backfill' }])
  expect(await checkpoint(fence, 'all', '1')).toMatchObject({ mustStop: false })
  await put('diary', paused)
  expect(await checkpoint(fence, 'all', '2')).toMatchObject({ mustStop: true })
  expect(await accounts.workers.renewLease({ ...at(first), body: { fence } })).toMatchObject({ mustStop: true })
  expect(await giveBack(fence, { kind: 'yielded' })).toMatchObject({ syncState: 'running', isWanted: true })
  expect(await take(id)).toEqual({ lease: null })
  expect(await claim()).toEqual([])
  await put('diary', free)
  expect(await claim()).toEqual([first.id])
  expect(await lease(id)).toMatchObject({ needsPlan: false, walks: [{ id: 'all', cursor: '2' }] })
  expect(await accounts.conductor.getSync({ userId, params: { syncId: id } })).toMatchObject({ state: 'running' })
})

test('what of each network is due, late, in line and in hand is counted; what is paused by the person or removed is not', async () => {
  const { userId, connections, sync, lease } = await setUp(accounts, 9)
  await calm(accounts)
  const counted = async () => (await accounts.conductor.countWork({})).networks.find(({ network }) => network === 'diary')
  const before = (await counted()) ?? { parked: 0, leased: 0 }
  await sync(connections.slice(0, 5).map(({ id }) => id))
  await lease((await sync([connections[0]!.id])).sync.id)
  const due = connections.slice(5)
  await accounts.db.query("UPDATE streams SET next_due_at = now() - interval '1 minute' WHERE connection_id = ANY ($1)", [
    due.map(({ id }) => id),
  ])
  const oldest = new Date(Date.now() - 3_600_000).toISOString()
  await accounts.db.query('UPDATE streams SET next_due_at = $2 WHERE connection_id = $1', [due[0]!.id, oldest])
  await accounts.web.updateConnection({ userId, params: { connectionId: due[1]!.id }, body: { paused: true } })
  await accounts.web.removeConnection({ userId, params: { connectionId: due[2]!.id } })
  expect(await counted()).toEqual({
    network: 'diary',
    ...{ due: 2, late: 1, oldestDueAt: oldest },
    ...{ parked: before.parked + 1, leased: before.leased + 1 },
  })
})
