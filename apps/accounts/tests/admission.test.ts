import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { SyncJob } from '@asheville/clients'
import { kindOf } from '@asheville/core'
import { startAccounts, type RunningAccounts } from './start-accounts.ts'
import { calm, setUp } from './sync-kit.ts'

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts()
  await accounts.signUp()
})
afterAll(() => accounts.close())

const ids = (jobs: readonly SyncJob[]) => jobs.map(({ connectionId }) => connectionId)
const claim = async () => ids((await accounts.conductor.claimDue({ body: { limit: 100 } })).jobs)
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()

/** A person with seven diaries, whose sync has just been asked for: who is on the queue, and who is not. */
async function busyPerson() {
  const kit = await setUp(accounts, 7)
  await calm(accounts)
  const { sync, jobs } = await kit.sync()
  const queued = kit.connections.filter(({ id }) => ids(jobs).includes(id))
  const parked = kit.connections.filter(({ id }) => !ids(jobs).includes(id))
  const end = async (connection: (typeof queued)[0], outcome: Parameters<typeof kit.giveBack>[1] = { kind: 'done' }) =>
    kit.giveBack((await kit.lease(sync.id, connection)).fence, outcome, connection)
  return { ...kit, syncId: sync.id, queued, parked, end }
}

describe('of one person’s jobs for a network', () => {
  test('four are on its queue; each that ends lets the next in, until all are done', async () => {
    const { syncId, queued, parked, end, take, sync } = await busyPerson()
    expect([queued.length, parked.length]).toEqual([4, 3])
    // Asking again pushes nobody in.
    expect(ids((await sync()).jobs).sort()).toEqual(queued.map(({ id }) => id).sort())
    expect(await claim()).toEqual([])
    expect(await take(syncId, parked[0])).toEqual({ lease: null })

    const line = [...queued]
    const done: string[] = []
    let state = 'running'
    for (let connection = line.shift(); connection; connection = line.shift()) {
      const ended = await end(connection)
      done.push(connection.id)
      line.push(...parked.filter(({ id }) => ids(ended.next).includes(id)))
      expect(line.length).toBe(Math.min(4, 7 - done.length))
      state = ended.syncState
    }
    expect(new Set(done).size).toBe(7)
    expect(state).toBe('done')
  })

  test('one that has used up its slice makes way for one that stands in line, and so all of them move', async () => {
    const { queued, parked, end, userId } = await busyPerson()
    let line = [...queued]
    const everybody = [...queued, ...parked]
    const turns = new Map<string, number>()
    for (let turn = 0; turn < 14; turn += 1) {
      const [connection] = line
      const ended = await end(connection!, { kind: 'yielded' })
      expect(ended).toMatchObject({ isParked: true, syncState: 'running' })
      expect(ended.next).toHaveLength(1)
      line = [...line.slice(1), everybody.find(({ id }) => id === ended.next[0]!.connectionId)!]
      turns.set(connection!.id, (turns.get(connection!.id) ?? 0) + 1)
    }
    expect([...turns.values()]).toEqual([2, 2, 2, 2, 2, 2, 2])
    const others = await accounts.db.query('SELECT FROM sync_jobs WHERE user_id = $1 AND parked_at IS NULL AND finished_at IS NULL', [
      userId,
    ])
    expect(others).toHaveLength(4)
  })

  test('with nobody in line it stays on the queue', async () => {
    const { sync, lease, giveBack } = await setUp(accounts)
    const { id } = (await sync()).sync
    expect(await giveBack((await lease(id)).fence, { kind: 'yielded' })).toEqual({
      syncState: 'running',
      isWanted: true,
      isParked: false,
      next: [],
    })
  })

  test('who waits for long takes no place, and is let in again when its time has come and a place is free', async () => {
    const { queued, parked, end, userId } = await busyPerson()
    const [limited, ...rest] = queued
    const waits = await end(limited!, { kind: 'waiting', until: inAnHour(), reason: 'wait' })
    expect(waits).toMatchObject({ isParked: true })
    expect(waits.next).toHaveLength(1)
    await accounts.db.query("UPDATE sync_jobs SET until = now(), enqueue_after = now() WHERE user_id = $1 AND state = 'waiting'", [userId])
    expect(await claim()).toEqual([])
    // The two before it in line first, then it.
    const admitted = []
    for (const connection of rest) admitted.push(...ids((await end(connection)).next))
    expect(admitted).toEqual([...parked.map(({ id }) => id).filter((id) => !ids(waits.next).includes(id)), limited!.id])
  })

  test('a wait of seconds is left to the queue', async () => {
    const { sync, lease, giveBack } = await setUp(accounts)
    const { id } = (await sync()).sync
    const until = new Date(Date.now() + 2000).toISOString()
    expect(await giveBack((await lease(id)).fence, { kind: 'retrying', until, reason: 'soon' })).toMatchObject({ isParked: false })
  })

  test('when those on the queue end otherwise, a claim lets others in', async () => {
    const { queued, parked, userId } = await busyPerson()
    for (const { id } of queued) await accounts.web.updateConnection({ userId, params: { connectionId: id }, body: { paused: true } })
    expect((await claim()).sort()).toEqual(parked.map(({ id }) => id).sort())
  })

  test('of what is due no more is queued either, nobody else is held back, and what a lost queue left behind keeps its place', async () => {
    const [whale, other] = [await setUp(accounts, 6), await setUp(accounts, 2)]
    await calm(accounts)
    await accounts.db.query('UPDATE streams SET next_due_at = now() WHERE user_id = ANY ($1)', [[whale.userId, other.userId]])
    const { jobs } = await accounts.conductor.claimDue({ body: { limit: 100 } })
    expect(jobs.filter(({ userId }) => userId === whale.userId)).toHaveLength(4)
    expect(jobs.filter(({ userId }) => userId === other.userId)).toHaveLength(2)
    await accounts.db.query('UPDATE sync_jobs SET enqueue_after = now() WHERE user_id = $1', [whale.userId])
    expect((await claim()).sort()).toEqual(ids(jobs.filter(({ userId }) => userId === whale.userId)).sort())
    expect(await claim()).toEqual([])
  })
})

test('who asks again and again while their own work holds them up keeps nobody else waiting', async () => {
  const { userId, sync } = await setUp(accounts)
  const other = await accounts.signUp()
  const asked = await accounts.db.transaction(async (tx) => {
    await tx.query('SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE', [userId])
    const replies = Array.from({ length: 60 }, () => sync().then(({ sync: { id } }) => id, kindOf))
    while (
      (await accounts.db.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")).length === 0
    )
      await delay(5)
    expect(await accounts.web.getUser({ userId: other.user.id })).toMatchObject({ id: other.user.id })
    return replies
  })
  const answers = await Promise.all(asked)
  expect(answers).toContain('unavailable')
  expect(new Set(answers.filter((answer) => answer !== 'unavailable')).size).toBeLessThanOrEqual(1)
})
