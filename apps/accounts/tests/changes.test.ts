import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { errorOf, kindThrown, startAccounts, type RunningAccounts } from './start-accounts.ts'
import { calm, setUp } from './sync-kit.ts'

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts()
})
afterAll(() => accounts.close())

describe('while work is under way', () => {
  test('removing the connection: the worker is refused, the sync ends', async () => {
    const { sync, lease, take, plan, checkpoint, userId, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    const { fence } = await lease(id)
    await plan(fence, [{ id: 'all', kind: 'backfill' }])
    await accounts.web.removeConnection({ userId, params: { connectionId: first.id } })
    expect(await kindThrown(checkpoint(fence, 'all', '1'))).toBe('conflict')
    expect(await take(id)).toEqual({ lease: null })
    expect(await accounts.conductor.getSync({ userId, params: { syncId: id } })).toMatchObject({ state: 'cancelled' })
    expect((await accounts.conductor.listStreams({ userId })).streams).toEqual([])
    expect((await accounts.conductor.listLeases({})).leases.some(({ connectionId }) => connectionId === first.id)).toBe(false)
  })

  test('pausing tells the worker; resumed, the stream is due, and the old worker changes nothing', async () => {
    const { sync, lease, plan, checkpoint, giveBack, status, userId, first, person } = await setUp(accounts)
    const other = await accounts.connectDiary(person)
    const { id } = (await sync()).sync
    const { fence } = await lease(id)
    await plan(fence, [{ id: 'all', kind: 'backfill' }])
    const params = { connectionId: first.id }
    expect(await accounts.web.updateConnection({ userId, params, body: { paused: true } })).toMatchObject({ state: 'paused' })
    expect(await checkpoint(fence, 'all', '1')).toMatchObject({ mustStop: true })
    expect(await status()).toMatchObject({ state: 'cancelled', nextDueAt: null })
    await calm(accounts)
    expect(await accounts.web.updateConnection({ userId, params, body: { paused: false } })).toMatchObject({ state: 'active' })
    const { jobs } = await accounts.conductor.claimDue({ body: { limit: 100 } })
    // The sync still runs for the other diary: the stream joins it, for a second run.
    expect(jobs).toMatchObject([{ connectionId: first.id, syncId: id }])
    expect(await giveBack(fence, { kind: 'yielded' })).toMatchObject({ syncState: 'running', isWanted: false })
    expect(await status()).toMatchObject({ state: 'queued' })
    const next = await lease(id)
    expect(next).toMatchObject({ needsPlan: true, walks: [{ id: 'all', cursor: '1' }] })
    await giveBack(next.fence)
    await giveBack((await lease(id, other)).fence, { kind: 'done' }, other)
    expect(await accounts.conductor.getSync({ userId, params: { syncId: id } })).toMatchObject({ state: 'done' })
  })

  test('cancel, then start again at once: the old worker ends, the new sync gets its lease', async () => {
    const { sync, lease, take, giveBack, userId } = await setUp(accounts)
    const first = (await sync()).sync.id
    const { fence } = await lease(first)
    await accounts.conductor.cancelSync({ userId, params: { syncId: first } })
    const second = await sync()
    expect(second.created).toBe(true)
    expect(await kindThrown(take(second.sync.id))).toBe('conflict')
    expect(await take(first)).toEqual({ lease: null, otherSyncId: second.sync.id })
    expect(await giveBack(fence, { kind: 'yielded' })).toMatchObject({ syncState: 'cancelled', isWanted: false })
    expect((await lease(second.sync.id)).needsPlan).toBe(true)
  })

  test('other dates: walks and head go, the worker is refused, the job plans anew', async () => {
    const { sync, lease, plan, checkpoint, userId, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    const { fence } = await lease(id)
    await plan(fence, [{ id: 'all', kind: 'backfill' }])
    await checkpoint(fence, 'all', '1', 'head')
    const range = { from: '2020-01-01T00:00:00.000Z', to: null }
    const changed = await accounts.web.updateConnection({
      userId,
      params: { connectionId: first.id },
      body: { settings: { range, copies: 'mirror' } },
    })
    expect(changed.settings).toEqual({ contentTypes: null, range, readsPerMonth: null, syncEveryMinutes: null, copies: 'mirror' })
    expect(await kindThrown(checkpoint(fence, 'all', '2'))).toBe('conflict')
    expect(await lease(id)).toMatchObject({ needsPlan: true, head: null, walks: [], connection: { settings: { range } } })
    const wrong = { from: range.from, to: '2019-01-01T00:00:00.000Z' }
    const error = await errorOf(
      accounts.web.updateConnection({ userId, params: { connectionId: first.id }, body: { settings: { range: wrong } } }),
    )
    expect(error).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/settings/range' }] })
  })

  test('content types that nobody wants are not pulled', async () => {
    const { sync, userId, first } = await setUp(accounts)
    const { id } = (await sync()).sync
    await accounts.web.updateConnection({ userId, params: { connectionId: first.id }, body: { settings: { contentTypes: ['photos'] } } })
    expect(await accounts.conductor.getSync({ userId, params: { syncId: id } })).toMatchObject({ state: 'cancelled' })
    expect(await kindThrown(sync())).toBe('conflict')
  })
})
