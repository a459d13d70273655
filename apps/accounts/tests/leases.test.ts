import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { returnLease, takeLease } from './lease-calls.ts'
import { kindThrown, startAccounts, type RunningAccounts } from './start-accounts.ts'
import { setUp } from './sync-kit.ts'

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts()
})
afterAll(() => accounts.close())

describe('leases', () => {
  test('of many takers one gets it; the fence grows; an old one is refused everywhere', async () => {
    const { sync, take, lease, plan, checkpoint, giveBack, expire, at, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    const takers = await Promise.all(Array.from({ length: 10 }, () => take(id).catch((error: unknown) => error as { kind: string })))
    const won = takers.filter((taker) => 'lease' in taker)
    expect(won).toHaveLength(1)
    for (const taker of takers) if (!('lease' in taker)) expect(taker.kind).toBe('conflict')
    const old = won[0]!.lease!
    expect(old).toMatchObject({
      needsPlan: true,
      head: null,
      walks: [],
      attempts: 0,
      storageId: first.storageId,
      connection: { id: first.id },
    })
    expect(Date.parse(old.expiresAt) - Date.now()).toBeGreaterThan(25_000)
    expect((await accounts.conductor.listLeases({})).leases).toContainEqual({
      userId: first.userId,
      network: 'diary',
      connectionId: first.id,
      stream: 'entries',
    })

    await plan(old.fence, [{ id: 'all', kind: 'backfill' }])
    await expire()
    // Late, but nobody took over: what it did counts.
    expect(await checkpoint(old.fence, 'all', '1')).toMatchObject({ mustStop: false })
    await expire()
    const taken = await lease(id)
    expect(taken.fence).toBeGreaterThan(old.fence)
    expect(taken).toMatchObject({ needsPlan: false, walks: [{ id: 'all', cursor: '1' }] })
    expect(await kindThrown(checkpoint(old.fence, 'all', '9'))).toBe('conflict')
    expect(await kindThrown(plan(old.fence, []))).toBe('conflict')
    expect(await kindThrown(giveBack(old.fence))).toBe('conflict')
    expect(await kindThrown(accounts.workers.renewLease({ ...at(first), body: { fence: old.fence } }))).toBe('conflict')
    expect(await accounts.workers.renewLease({ ...at(first), body: { fence: taken.fence } })).toMatchObject({ mustStop: false })

    await giveBack(taken.fence, { kind: 'yielded' })
    expect(await kindThrown(checkpoint(taken.fence, 'all', '9'))).toBe('conflict')
    const next = await lease(id)
    expect(next.fence).toBeGreaterThan(taken.fence)
    expect(next.walks).toMatchObject([{ id: 'all', cursor: '1' }])
  })

  test('a worker that was started again takes its own over at once; what it was before is refused', async () => {
    const { sync, userId, first, plan, checkpoint } = await setUp(accounts)
    const { id } = (await sync()).sync
    const take = async (holder: string) =>
      (await takeLease(accounts.workers, holder, { userId, connectionId: first.id, stream: 'entries', syncId: id, streamVersion: 1 }))
        .lease!
    const before = await take('host:3004')
    await plan(before.fence, [{ id: 'all', kind: 'backfill' }])
    expect(await kindThrown(take('host:3005'))).toBe('conflict')
    const after = await take('host:3004')
    expect(after.fence).toBeGreaterThan(before.fence)
    expect(await kindThrown(checkpoint(before.fence, 'all', '1'))).toBe('conflict')
    expect(await checkpoint(after.fence, 'all', '1')).toMatchObject({ mustStop: false })
  })

  test('nothing to do: done, unknown and foreign syncs; foreign and unknown streams are not found', async () => {
    const { sync, lease, take, giveBack, userId, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    expect(await giveBack((await lease(id)).fence)).toMatchObject({ syncState: 'done' })
    expect(await take(id)).toEqual({ lease: null })
    expect(await take(randomUUID())).toEqual({ lease: null })
    const stranger = await accounts.signUp()
    const wanted = { userId, connectionId: first.id, stream: 'entries', syncId: id, streamVersion: 1 }
    const foreign = { userId: stranger.user.id, params: { connectionId: first.id, stream: 'entries' } }
    expect(await kindThrown(takeLease(accounts.workers, 'x', { ...wanted, userId: stranger.user.id }))).toBe('not-found')
    expect(await kindThrown(accounts.workers.renewLease({ ...foreign, body: { fence: 1 } }))).toBe('not-found')
    expect(await kindThrown(takeLease(accounts.workers, 'x', { ...wanted, stream: 'other' }))).toBe('not-found')
    for (const call of [accounts.conductor.getSync, accounts.conductor.cancelSync])
      expect(await kindThrown(call({ userId: stranger.user.id, params: { syncId: id } }))).toBe('not-found')
    expect(await kindThrown(accounts.web.getConnection({ userId: stranger.user.id, params: { connectionId: first.id } }))).toBe('not-found')
    expect(
      await kindThrown(
        accounts.web.updateConnection({ userId: stranger.user.id, params: { connectionId: first.id }, body: { paused: true } }),
      ),
    ).toBe('not-found')
  })

  test('work that dies with its worker every time ends by itself', async () => {
    const { sync, take, expire, status, userId } = await setUp(accounts)
    const { id } = (await sync()).sync
    let takes = 0
    while ((await take(id)).lease) {
      takes += 1
      await expire()
    }
    expect(takes).toBe(25)
    expect(await status()).toMatchObject({ state: 'failed' })
    expect(await accounts.conductor.getSync({ userId, params: { syncId: id } })).toMatchObject({ state: 'failed' })
  })
})

describe('batches', () => {
  test('of many people at once, each is answered as by itself, whatever becomes of the others', async () => {
    const kits = await Promise.all(Array.from({ length: 6 }, () => setUp(accounts, 2)))
    const [foreign, removed, held] = kits as [(typeof kits)[0], (typeof kits)[0], (typeof kits)[0]]
    const wanted = []
    for (const { userId, connections, sync } of kits) {
      const { id: syncId } = (await sync()).sync
      wanted.push(...connections.map(({ id }) => ({ userId, connectionId: id, stream: 'entries', syncId, streamVersion: 1 })))
    }
    wanted[0] = { ...wanted[0]!, connectionId: removed.first.id }
    await accounts.web.removeConnection({ userId: removed.userId, params: { connectionId: removed.first.id } })
    await takeLease(accounts.workers, 'another', wanted[4]!)
    // The same stream twice: one of the two gets it, and whoever asks again as the same holder takes it over.
    const batch = [...wanted, { ...wanted[6]!, userId: foreign.userId }]
    const { leases } = await accounts.workers.takeLeases({ body: { holder: 'one', streams: batch } })
    const kinds = leases.map((each) => ('refused' in each ? each.refused.kind : each.lease === null ? 'none' : each.lease.connection.id))
    expect(kinds).toEqual([
      'not-found',
      wanted[1]!.connectionId,
      'none',
      wanted[3]!.connectionId,
      'conflict',
      ...wanted.slice(5).map(({ connectionId }) => connectionId),
      'not-found',
    ])
    expect(held.userId).toBe(wanted[4]!.userId)

    const ended = leases.flatMap((each, index) =>
      'lease' in each && each.lease ? [{ ...only(batch[index]!), fence: each.lease.fence, outcome: { kind: 'done' as const } }] : [],
    )
    const late = { ...ended[0]!, fence: 99 }
    const { ends } = await accounts.workers.returnLeases({ body: { leases: [late, ...ended, { ...ended[1]!, userId: foreign.userId }] } })
    expect(ends.map((each) => ('refused' in each ? each.refused.kind : each.syncState))).toEqual([
      'conflict',
      // Alice’s other diary was not taken here.
      'running',
      'done',
      // Nor this one’s.
      'running',
      // What ends together is said to have ended to each.
      ...Array.from({ length: 6 }, () => 'done'),
      'not-found',
    ])
    expect(await kindThrown(returnLease(accounts.workers, ended[0]!))).toBe('conflict')
  })

  test('who is busy at this moment is waited for by themselves, and holds up nobody', async () => {
    const [busy, other] = await Promise.all([setUp(accounts), setUp(accounts)])
    const wanted = await Promise.all(
      [busy, other].map(async ({ userId, first, sync }) => ({
        ...{ userId, connectionId: first.id, stream: 'entries', streamVersion: 1 },
        syncId: (await sync()).sync.id,
      })),
    )
    const held = Promise.withResolvers<null>()
    const locked = Promise.withResolvers<null>()
    const changing = accounts.db.transaction(async (tx) => {
      await tx.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [busy.userId])
      locked.resolve(null)
      await held.promise
    })
    await locked.promise
    const taking = accounts.workers.takeLeases({ body: { holder: 'one', streams: wanted } })
    const fenceOf = async (userId: string) =>
      (await accounts.db.query('SELECT fence FROM leases WHERE user_id = $1 AND holder IS NOT NULL', [userId])).length
    while ((await fenceOf(other.userId)) === 0) await delay(5)
    expect(await fenceOf(busy.userId)).toBe(0)
    held.resolve(null)
    await changing
    const { leases } = await taking
    expect(leases.map((each) => 'lease' in each && each.lease?.connection.userId)).toEqual([busy.userId, other.userId])
  })

  const only = ({ userId, connectionId, stream }: { userId: string; connectionId: string; stream: string }) => ({
    userId,
    connectionId,
    stream,
  })
})

describe('what found nothing new', () => {
  test('comes back with the lease: the head moves, and nothing is announced', async () => {
    const { sync, lease, plan, checkpoint, giveBack, status, userId } = await setUp(accounts)
    const first = (await sync()).sync.id
    let held = await lease(first)
    await plan(held.fence, [{ id: 'old', kind: 'backfill' }])
    await checkpoint(held.fence, 'old', null, 'h1')
    await giveBack(held.fence)
    const announced = () => accounts.db.query("SELECT FROM outbox WHERE user_id = $1 AND kind = 'sync-finished'", [userId])
    expect(await announced()).toHaveLength(1)

    const second = (await sync()).sync.id
    held = await lease(second)
    expect(held).toMatchObject({ head: 'h1', needsPlan: true, trigger: 'person' })
    const quiet = { head: 'h2', pages: 1, available: { articles: 9 } }
    expect(await giveBack(held.fence, { kind: 'done' }, undefined, { quiet })).toEqual({
      syncState: 'done',
      isWanted: true,
      isParked: false,
      next: [],
    })
    expect(await announced()).toHaveLength(1)
    expect(await status()).toMatchObject({ state: 'idle', pages: 1, available: { articles: 9 } })
    expect(await lease((await sync()).sync.id)).toMatchObject({ head: 'h2' })
  })

  test('before something else was to be done: it is not planned again', async () => {
    const { sync, lease, plan, checkpoint, giveBack, userId } = await setUp(accounts)
    let held = await lease((await sync()).sync.id)
    await plan(held.fence, [{ id: 'old', kind: 'backfill' }])
    await checkpoint(held.fence, 'old', 'c1', 'h1')
    await giveBack(held.fence, { kind: 'failed', error: 'unavailable', reason: 'It was away' })
    const { id } = (await sync()).sync
    held = await lease(id)
    const quiet = { head: 'h2', pages: 1, available: {} }
    await checkpoint(held.fence, 'old', 'c2', null, { tally: { ...noTally, new: 1 } })
    await giveBack(held.fence, { kind: 'yielded' }, undefined, { quiet })
    held = await lease(id)
    expect(held).toMatchObject({ head: 'h2', needsPlan: false, walks: [{ id: 'old', cursor: 'c2' }] })
    await checkpoint(held.fence, 'old', null)
    await giveBack(held.fence)
    expect(await accounts.db.query("SELECT FROM outbox WHERE user_id = $1 AND kind = 'sync-finished'", [userId])).toHaveLength(2)
  })

  test('files that could not be had are asked about when it is time, and never where there are none', async () => {
    const { sync, lease, plan, checkpoint, giveBack } = await setUp(accounts)
    const next = async () => lease((await sync()).sync.id)
    let held = await next()
    // Nobody knows yet.
    expect(held.triesMedia).toBe(true)
    await giveBack(held.fence, { kind: 'done' }, undefined, { mediaDueAt: null })
    held = await next()
    expect(held.triesMedia).toBe(false)
    await plan(held.fence, [{ id: 'new', kind: 'incremental' }])
    await checkpoint(held.fence, 'new', null, 'h', { hasPendingMedia: true })
    await giveBack(held.fence)
    held = await next()
    expect(held.triesMedia).toBe(true)
    await giveBack(held.fence, { kind: 'done' }, undefined, { mediaDueAt: new Date(Date.now() + 60_000).toISOString() })
    expect((await next()).triesMedia).toBe(false)
  })
})

const noTally = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 }

describe('checkpoints', () => {
  test('a backfill sets the first head at once; an incremental walk only when it is complete', async () => {
    const { sync, lease, plan, checkpoint, giveBack, status } = await setUp(accounts)
    const first = (await sync()).sync.id
    let held = await lease(first)
    await plan(held.fence, [{ id: 'old', kind: 'backfill' }])
    await checkpoint(held.fence, 'old', 'c1', 'h1')
    await checkpoint(held.fence, 'old', 'c2', 'h0')
    expect(await status()).toMatchObject({ backfilling: true, state: 'running' })
    await giveBack(held.fence, { kind: 'yielded' })
    held = await lease(first)
    expect(held).toMatchObject({ head: 'h1', needsPlan: false, walks: [{ id: 'old', kind: 'backfill', cursor: 'c2' }] })
    await checkpoint(held.fence, 'old', null)
    expect(await giveBack(held.fence)).toMatchObject({ syncState: 'done' })
    expect(await status()).toMatchObject({ backfilling: false, state: 'idle' })

    const second = (await sync()).sync.id
    held = await lease(second)
    expect(held).toMatchObject({ head: 'h1', needsPlan: true, walks: [] })
    await plan(held.fence, [{ id: 'new', kind: 'incremental' }])
    await checkpoint(held.fence, 'new', 'n1', 'h2')
    // Cut off after its first page: no hole, the head has not moved.
    await giveBack(held.fence, { kind: 'failed', error: 'unavailable', reason: 'It was away' })
    const third = (await sync()).sync.id
    held = await lease(third)
    expect(held).toMatchObject({ head: 'h1', needsPlan: true, walks: [{ id: 'new', kind: 'incremental', cursor: 'n1' }] })
    await plan(held.fence, [])
    await checkpoint(held.fence, 'new', null)
    await giveBack(held.fence)
    held = await lease((await sync()).sync.id)
    expect(held).toMatchObject({ head: 'h2', walks: [] })
  })

  test('counts, keeps the last skipped items, says when it is cancelled; a repeated last one is harmless', async () => {
    const { sync, lease, plan, checkpoint, status, userId } = await setUp(accounts)
    const { id } = (await sync()).sync
    const { fence } = await lease(id)
    await plan(fence, [
      { id: 'a', kind: 'backfill' },
      { id: 'b', kind: 'recheck' },
    ])
    const tally = { new: 5, changed: 1, unchanged: 2, gone: 1, skipped: 15 }
    const skipped = (start: number) => Array.from({ length: 15 }, (_, index) => ({ id: `${start + index}`, reason: 'broken' }))
    await checkpoint(fence, 'a', '1', null, { pages: 2, tally, skipped: skipped(0), available: { articles: 40 } })
    await checkpoint(fence, 'a', '2', null, { pages: 1, tally, skipped: skipped(15), available: { posts: 3 } })
    await checkpoint(fence, 'b', null)
    await checkpoint(fence, 'b', null, null, { tally })
    const now = await status()
    expect(now).toMatchObject({
      tally: { new: 10, changed: 2, unchanged: 4, gone: 2, skipped: 30 },
      pages: 4,
      available: { articles: 40, posts: 3 },
    })
    expect(now.skipped.map((item) => item.id)).toEqual(Array.from({ length: 20 }, (_, index) => `${index + 10}`))
    expect((await accounts.conductor.getSync({ userId, params: { syncId: id } })).tally).toEqual(now.tally)

    const cancelled = await accounts.conductor.cancelSync({ userId, params: { syncId: id } })
    expect(cancelled.sync).toMatchObject({ state: 'cancelled' })
    expect(cancelled.jobs).toHaveLength(1)
    expect(await checkpoint(fence, 'a', '3')).toMatchObject({ mustStop: true })
    expect(await accounts.conductor.cancelSync({ userId, params: { syncId: id } })).toMatchObject({
      sync: { state: 'cancelled' },
      jobs: [],
    })
  })

  test('an expired cursor: the walk is replaced, the others go on', async () => {
    const { sync, lease, plan, giveBack } = await setUp(accounts)
    const { id } = (await sync()).sync
    const { fence } = await lease(id)
    await plan(fence, [
      { id: 'one', kind: 'backfill' },
      { id: 'two', kind: 'backfill' },
    ])
    await plan(
      fence,
      [
        { id: 'one', kind: 'backfill' },
        { id: 'three', kind: 'incremental' },
      ],
      ['one'],
    )
    await giveBack(fence, { kind: 'yielded' })
    expect((await lease(id)).walks.map((walk) => walk.id)).toEqual(['two', 'one', 'three'])
  })

  test('a new version of the mapping starts from nothing, once', async () => {
    const { sync, lease, plan, checkpoint, giveBack, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    let held = await lease(id)
    await plan(held.fence, [{ id: 'all', kind: 'backfill' }])
    await checkpoint(held.fence, 'all', '1', 'head')
    await giveBack(held.fence, { kind: 'yielded' })
    held = await lease(id, first, 2)
    expect(held).toMatchObject({ needsPlan: true, head: null, walks: [] })
    await plan(held.fence, [{ id: 'all', kind: 'backfill' }])
    await giveBack(held.fence, { kind: 'yielded' })
    expect(await lease(id, first, 2)).toMatchObject({ needsPlan: false, walks: [{ id: 'all', cursor: null }] })
  })
})
