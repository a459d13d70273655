import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Outcome } from '@asheville/clients'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'
import { createHistoryClearing } from '../src/history/clear-history.ts'
import { key, setUp } from './sync-kit.ts'

const noTally = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 }
let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts()
})
afterAll(() => accounts.close())

describe('starting a sync', () => {
  test('20 at once: one sync, one job per stream', async () => {
    const { userId, sync, connections } = await setUp(accounts, 3)
    const replies = await Promise.all(Array.from({ length: 20 }, () => sync()))
    expect(new Set(replies.map((reply) => reply.sync.id)).size).toBe(1)
    expect(replies.filter(({ created }) => created)).toHaveLength(1)
    for (const { jobs } of replies) expect(jobs.map(key).sort()).toEqual(connections.map(({ id }) => `${id}-entries`).sort())
    expect(await accounts.db.query('SELECT FROM sync_jobs WHERE user_id = $1', [userId])).toHaveLength(3)
    expect(replies[0]!.jobs[0]).toMatchObject({ network: 'diary', stream: 'entries', userId, trigger: 'person' })
  })

  test('named connections only; a new one joins the running sync', async () => {
    const { sync, connections, person } = await setUp(accounts, 2)
    const started = await sync([connections[0]!.id])
    expect(started.jobs.map(key)).toEqual([`${connections[0]!.id}-entries`])
    const added = await accounts.connectDiary(person)
    const joined = await sync([added.id])
    expect(joined).toMatchObject({ created: false, sync: { id: started.sync.id } })
    expect(joined.jobs.map(key).sort()).toEqual([`${connections[0]!.id}-entries`, `${added.id}-entries`].sort())
  })

  test('nothing to sync, a paused, a foreign and a storage connection are refused with a reason', async () => {
    const empty = await accounts.signUp()
    const createSync = (userId: string, connectionIds: string[] | null) =>
      accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds } })
    expect((await errorOf(createSync(empty.user.id, null))).message).toContain('connect a network first')
    const { first, userId } = await setUp(accounts)
    expect(await kindThrown(createSync(empty.user.id, [first.id]))).toBe('not-found')
    expect(await kindThrown(createSync(userId, [first.storageId!]))).toBe('invalid')
    await accounts.web.updateConnection({ userId, params: { connectionId: first.id }, body: { paused: true } })
    expect((await errorOf(createSync(userId, [first.id]))).message).toContain('paused')
  })
})

describe('how work ends', () => {
  test('the last stream closes the sync and announces it, once', async () => {
    const { sync, lease, giveBack, connections, userId, first } = await setUp(accounts, 2)
    const { id } = (await sync()).sync
    const [one, two] = [await lease(id), await lease(id, connections[1])]
    expect(await giveBack(one.fence)).toMatchObject({ syncState: 'running' })
    expect(await giveBack(two.fence, { kind: 'done' }, connections[1])).toMatchObject({ syncState: 'done' })
    const claim = async () =>
      (await accounts.conductor.claimOutbox({ body: { limit: 500 } })).messages.filter((message) => message.userId === userId)
    const [left, right] = await Promise.all([claim(), claim()])
    const messages = [...left, ...right]
    expect(messages).toMatchObject([{ kind: 'sync-finished', payload: { syncId: id, storageIds: [first.storageId], tally: noTally } }])
    expect(await claim()).toEqual([])
    await accounts.db.query("UPDATE outbox SET claimable_at = now() - interval '1 second'")
    expect(await claim()).toHaveLength(1)
    await accounts.conductor.acknowledgeOutbox({ body: { ids: messages.map((message) => message.id) } })
    await accounts.db.query("UPDATE outbox SET claimable_at = now() - interval '1 second'")
    expect(await claim()).toEqual([])
    expect((await accounts.conductor.listSyncs({ userId, query: {} })).syncs).toMatchObject([{ id, state: 'done' }])
  })

  test('waiting and retrying keep the job for later; attempts count until a checkpoint', async () => {
    const { sync, lease, take, plan, checkpoint, giveBack, status, userId } = await setUp(accounts)
    const { id } = (await sync()).sync
    const until = new Date(Date.now() + 3_600_000).toISOString()
    await giveBack((await lease(id)).fence, { kind: 'waiting', until, reason: 'Diary asks us to wait' })
    expect(await status()).toMatchObject({ state: 'waiting', until, reason: 'Diary asks us to wait' })
    // Neither asked for again nor found by a worker before its time.
    expect((await sync()).jobs).toEqual([])
    expect(await take(id)).toEqual({ lease: null })
    const due = async () => {
      await accounts.db.query('UPDATE sync_jobs SET until = now() WHERE user_id = $1', [userId])
      expect((await sync()).jobs).toHaveLength(1)
    }
    for (const attempts of [0, 1, 2]) {
      await due()
      const held = await lease(id)
      expect(held.attempts).toBe(attempts)
      await giveBack(held.fence, { kind: 'retrying', until, reason: 'It does not answer' })
    }
    await due()
    const held = await lease(id)
    expect(held.attempts).toBe(3)
    await plan(held.fence, [{ id: 'all', kind: 'backfill' }])
    await checkpoint(held.fence, 'all', '1')
    await giveBack(held.fence, { kind: 'yielded' })
    expect((await lease(id)).attempts).toBe(0)
  })

  test('a limit of days ends the job and the sync; the stream is due when it ends, and may be asked for before', async () => {
    const { sync, lease, take, giveBack, status } = await setUp(accounts)
    const { id } = (await sync()).sync
    const until = new Date(Date.now() + 5 * 86_400_000).toISOString()
    const reply = await giveBack((await lease(id)).fence, { kind: 'held', until, reason: 'The month is used up' })
    expect(reply).toMatchObject({ syncState: 'done' })
    expect(await status()).toMatchObject({ state: 'waiting', until, nextDueAt: until, reason: 'The month is used up' })
    expect(await take(id)).toEqual({ lease: null })
    const again = await sync()
    expect(again.jobs).toHaveLength(1)
    expect(await lease(again.sync.id)).toMatchObject({ needsPlan: true })
  })

  test('a dead grant ends the connection’s work and asks to reconnect', async () => {
    const { sync, lease, giveBack, status, userId, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    const reply = await giveBack((await lease(id)).fence, { kind: 'failed', error: 'reconnect-required', reason: 'refused' })
    expect(reply).toMatchObject({ syncState: 'failed' })
    const connection = await accounts.web.getConnection({ userId, params: { connectionId: first.id } })
    expect(connection).toMatchObject({ state: 'reconnect', stateReason: 'refused' })
    expect(await status()).toMatchObject({ state: 'failed', nextDueAt: null })
    expect(await accounts.db.query("SELECT FROM outbox WHERE user_id = $1 AND kind = 'reconnect-needed'", [userId])).toHaveLength(1)
  })

  test('a full storage is named, told once, tried later, and forgotten when there is space', async () => {
    const { sync, lease, giveBack, status, userId, first, connections } = await setUp(accounts, 2)
    const { id } = (await sync()).sync
    const full: Outcome = { kind: 'failed', error: 'storage-full', reason: 'full' }
    await giveBack((await lease(id)).fence, full)
    await giveBack((await lease(id, connections[1])).fence, full, connections[1])
    const stateOf = async (connectionId: string) => accounts.web.getConnection({ userId, params: { connectionId } })
    expect(await stateOf(first.id)).toMatchObject({
      state: 'full',
      stateReason: 'this server’s disk is full. Free some space; copying goes on by itself',
    })
    expect(await stateOf(first.storageId!)).toMatchObject({ state: 'full' })
    expect(await accounts.db.query("SELECT FROM outbox WHERE user_id = $1 AND kind = 'storage-full'", [userId])).toHaveLength(1)
    expect(Date.parse((await status()).nextDueAt!)).toBeGreaterThan(Date.now() + 50 * 60_000)
    const again = (await sync([first.id])).sync.id
    await giveBack((await lease(again)).fence)
    expect(await stateOf(first.id)).toMatchObject({ state: 'active', stateReason: null })
    expect(await stateOf(first.storageId!)).toMatchObject({ state: 'active' })
  })

  test('a storage is no longer called full once what waited for space was paused, resumed, and came through', async () => {
    const { sync, lease, giveBack, userId, first, connections } = await setUp(accounts, 2)
    const stateOf = async (connectionId: string) => (await accounts.web.getConnection({ userId, params: { connectionId } })).state
    const { id } = (await sync()).sync
    await giveBack((await lease(id)).fence, { kind: 'failed', error: 'storage-full', reason: 'full' })
    // Another with nothing to store says nothing of the space.
    await giveBack((await lease(id, connections[1])).fence, { kind: 'done' }, connections[1])
    expect(await stateOf(first.storageId!)).toBe('full')
    for (const paused of [true, false])
      await accounts.web.updateConnection({ userId, params: { connectionId: first.id }, body: { paused } })
    const again = (await sync([first.id])).sync.id
    await giveBack((await lease(again)).fence)
    expect([await stateOf(first.id), await stateOf(first.storageId!)]).toEqual(['active', 'active'])
  })
})

test('a person is only ever themselves', async () => {
  const { person } = await setUp(accounts)
  const stranger: Person = await accounts.signUp()
  expect((await accounts.web.listConnections({ userId: stranger.user.id, query: { kind: 'network' } })).connections).toEqual([])
  expect((await accounts.conductor.listStreams({ userId: stranger.user.id })).streams).toEqual([])
  expect((await accounts.conductor.listSyncs({ userId: stranger.user.id, query: {} })).syncs).toEqual([])
  expect((await accounts.web.listConnections({ userId: person.user.id, query: { kind: 'network' } })).connections).toHaveLength(1)
})

test('old syncs are forgotten, those that brought nothing after a day; the last of each connection stays, and what runs', async () => {
  const [person, other] = [await setUp(accounts, 2), await setUp(accounts)]
  const { db } = accounts
  /** A sync of one connection that ended so many days ago. */
  const past = async ({ sync, lease, giveBack }: typeof person, days: number, isQuiet: boolean, connection = person.first) => {
    const { id } = (await sync([connection.id])).sync
    const { fence } = await lease(id, connection)
    await giveBack(fence, { kind: 'done' }, connection, isQuiet ? { quiet: { head: null, pages: 1, available: {} } } : {})
    for (const table of ['syncs', 'sync_jobs'])
      await db.query(
        `UPDATE ${table} SET created_at = now() - $2 * interval '1 day', finished_at = now() - $2 * interval '1 day' WHERE ${table === 'syncs' ? 'id' : 'sync_id'} = $1`,
        [id, days],
      )
    return id
  }
  const left = async (userId: string) =>
    (await accounts.conductor.listSyncs({ userId, query: { limit: 100 } })).syncs.map(({ id }) => id).sort()
  const second = person.connections[1]!
  await past(person, 40, false)
  const lastOfSecond = await past(person, 35, false, second)
  const kept = [await past(person, 29, false), await past(person, 0.9, true), await past(person, 0.5, true)]
  await past(person, 2, true)
  const { id: running } = (await person.sync([person.first.id])).sync
  await db.query("UPDATE syncs SET created_at = now() - interval '50 days' WHERE id = $1", [running])
  const others = [await past(other, 400, true, other.first)]

  const clear = createHistoryClearing(db, 30)
  // Wherever it begins, it has been round after two.
  for (let round = 0; round < 2; round += 1) await clear()
  expect(await left(person.userId)).toEqual([lastOfSecond, ...kept, running].sort())
  expect(await left(other.userId)).toEqual(others)
  expect(await db.query('SELECT FROM sync_jobs j WHERE NOT EXISTS (SELECT FROM syncs y WHERE y.id = j.sync_id)')).toEqual([])
  expect(await person.status()).toMatchObject({ state: 'queued' })
})
