import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { SyncJob } from '@asheville/clients'
import { startAccounts, type RunningAccounts } from './start-accounts.ts'
import { calm, key, setUp } from './sync-kit.ts'

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts()
  // The owner: those after need not stand in line.
  await accounts.signUp()
})
afterAll(() => accounts.close())

describe('claiming what is due', () => {
  test('several claimers share it: each stream once, one sync per person', async () => {
    const people = await Promise.all(Array.from({ length: 12 }, () => setUp(accounts, 2)))
    await calm(accounts)
    const userIds = people.map(({ userId }) => userId)
    await accounts.db.query('UPDATE streams SET next_due_at = now() WHERE user_id = ANY ($1)', [userIds])
    const jobs: SyncJob[] = []
    for (let round = 0; round < 10 && jobs.length < 24; round += 1) {
      const replies = await Promise.all(Array.from({ length: 4 }, () => accounts.conductor.claimDue({ body: { limit: 5 } })))
      for (const reply of replies) {
        expect(reply.jobs.length).toBeLessThanOrEqual(5)
        jobs.push(...reply.jobs)
      }
    }
    expect(new Set(jobs.map(key)).size).toBe(24)
    expect(jobs).toHaveLength(24)
    expect(new Set(jobs.map(({ syncId }) => syncId)).size).toBe(12)
    expect(jobs.every(({ trigger }) => trigger === 'schedule')).toBe(true)
    expect((await accounts.conductor.claimDue({ body: { limit: 100 } })).jobs).toEqual([])
  })

  test('jobs that nobody holds come again after 30 s, held and waiting ones do not', async () => {
    const { sync, lease, connections, giveBack, userId, expire } = await setUp(accounts, 3)
    const { id } = (await sync()).sync
    const until = new Date(Date.now() + 3_600_000).toISOString()
    await lease(id, connections[0])
    await giveBack((await lease(id, connections[1])).fence, { kind: 'waiting', until, reason: 'wait' }, connections[1])
    await calm(accounts)
    const claim = async () => (await accounts.conductor.claimDue({ body: { limit: 100 } })).jobs.map(({ connectionId }) => connectionId)
    const later = () => accounts.db.query("UPDATE sync_jobs SET enqueue_after = now() WHERE user_id = $1 AND state <> 'waiting'", [userId])
    expect(await claim()).toEqual([])
    await later()
    const both = await Promise.all([claim(), claim()])
    expect(both.flat()).toEqual([connections[2]!.id])
    expect(await claim()).toEqual([])
    await later()
    await expire()
    expect((await claim()).sort()).toEqual([connections[0]!.id, connections[2]!.id].sort())
  })

  test('a connection that was just made is due by itself', async () => {
    await calm(accounts)
    const { first } = await setUp(accounts)
    const { jobs } = await accounts.conductor.claimDue({ body: { limit: 100 } })
    expect(jobs).toMatchObject([{ connectionId: first.id, trigger: 'schedule', network: 'diary' }])
  })
})

test('a stream that a network has got since is given to everybody, and due where it is wanted', async () => {
  await calm(accounts)
  const { first } = await setUp(accounts)
  await calm(accounts)
  await accounts.db.query('DELETE FROM streams WHERE connection_id = $1', [first.id])
  const again = await accounts.startAnother()
  await again.close()
  const { jobs } = await accounts.conductor.claimDue({ body: { limit: 100 } })
  expect(jobs.map(key)).toEqual([`${first.id}-entries`])
})
