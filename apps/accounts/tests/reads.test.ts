import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Connection, Outcome } from '@asheville/clients'
import type { Network, Stream } from '@asheville/core'
import { fetchJson } from '@asheville/http-client'
import { returnLease, takeLease } from './lease-calls.ts'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { diary, disk, perServerNetwork } from './scripted-networks.ts'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

/** A network that charges for its posts and likes, and not for follows. */
function paidNetwork(): Network {
  const meadow = perServerNetwork('meadow')
  const [posts, likes] = meadow.streams as [Stream, Stream]
  const told = (reads: number | null): Stream['estimate'] =>
    async function ({ from }, { http, server, token, signal }) {
      await fetchJson(http.fetch, `${server}/me`, { token: await token(), service: 'Meadow', signal })
      return from === null ? reads : 7
    }
  const streams = [
    { ...posts, estimate: told(3200) },
    { ...likes, estimate: told(null) },
    { ...likes, name: 'follows', contentTypes: ['follows' as const] },
  ]
  return { ...meadow, streams }
}

let server: OAuthServer
let accounts: RunningAccounts
let names = 0

beforeAll(async () => {
  server = await startOAuthServer()
  const attic = { ...disk, id: 'attic', title: 'the attic' }
  accounts = await startAccounts({ networks: [paidNetwork(), diary], storages: [disk, attic] })
})
afterAll(async () => {
  await accounts.close()
  await server.close()
})
afterEach(() => {
  server.script.isDown = false
})

async function connect(
  person: Person,
  { account = `account-${(names += 1)}`, storageId = null as string | null } = {},
): Promise<Connection> {
  const { user, session } = person
  const body = { provider: 'meadow', fields: { server: server.url }, sessionId: session.id, reconnects: null, storageId }
  const reply = await accounts.web.beginConnect({ userId: user.id, body })
  if (reply.next !== 'authorize') throw new Error('connected at once')
  const callback = server.authorize(reply.url, account)
  const finish = { provider: 'meadow', sessionId: session.id, callback }
  return (await accounts.web.finishConnect({ userId: user.id, body: finish })).connection
}

/** A person with a connection that costs, and what a worker does with its posts. */
async function setUp(readsPerMonth?: number | null) {
  const person = await accounts.signUp()
  const userId = person.user.id
  const connection = await connect(person)
  const params = { connectionId: connection.id }
  const update = (body: { settings?: Partial<Connection['settings']>; paused?: boolean }) =>
    accounts.web.updateConnection({ userId, params, body })
  if (readsPerMonth !== undefined) await update({ settings: { readsPerMonth }, paused: false })
  const sync = async () => (await accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })).sync.id
  const of = (stream: string) => ({ userId, connectionId: connection.id, stream })
  const take = async (syncId: string, stream = 'posts') =>
    (await takeLease(accounts.workers, 'worker', { ...of(stream), syncId, streamVersion: 1 })).lease
  const giveBack = (fence: number, outcome: Outcome, stream = 'posts') => returnLease(accounts.workers, { ...of(stream), fence, outcome })
  const count = async (reads: number) => (await accounts.workers.countReads({ userId, params, body: { reads } })).readsLeft
  const status = async (stream = 'posts') =>
    (await accounts.conductor.listStreams({ userId })).streams.find((one) => one.stream === stream)!
  const read = async () => (await accounts.web.listReads({ userId })).reads.map(({ thisMonth }) => thisMonth)
  const claimed = async () => {
    const { jobs } = await accounts.conductor.claimDue({ body: { limit: 1000 } })
    return jobs.filter(({ connectionId }) => connectionId === connection.id).map(({ stream }) => stream)
  }
  return { person, userId, connection, params, update, sync, take, giveBack, count, status, read, claimed }
}

function monthAfter(now: Date): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString()
}

describe('connecting', () => {
  test('nothing is begun with until the person starts it', async () => {
    const { connection, sync, claimed, update, status } = await setUp()
    expect(connection).toMatchObject({
      state: 'paused',
      stateReason: 'Meadow charges for what is read. See what a copy takes, then start it',
    })
    expect((await status()).nextDueAt).toBeNull()
    expect(await claimed()).toEqual([])
    expect(await kindThrown(sync())).toBe('conflict')
    const started = await update({ settings: { readsPerMonth: 500 }, paused: false })
    expect(started).toMatchObject({ state: 'active', stateReason: null, settings: { readsPerMonth: 500 } })
    expect((await claimed()).sort()).toEqual(['follows', 'likes', 'posts'])
  })

  test('connected again, it goes on where that costs nothing anew; else the person is asked again, and the bound stays', async () => {
    const { person, connection, userId, params, take, sync, update } = await setUp(500)
    const again = () => connect(person, { account: connection.accountId })
    // Nothing was pulled yet: all is still to be paid.
    expect(await again()).toMatchObject({ id: connection.id, state: 'paused' })
    await update({ paused: false })
    await take(await sync())
    expect(await again()).toMatchObject({ id: connection.id, state: 'active' })
    await accounts.web.removeConnection({ userId, params })
    expect(await again()).toMatchObject({ id: connection.id, state: 'paused', settings: { readsPerMonth: 500 } })
    await update({ paused: false })
    const body = { provider: 'attic', fields: {}, sessionId: person.session.id, reconnects: null }
    const attic = await accounts.web.beginConnect({ userId, body })
    if (attic.next !== 'connected') throw new Error('not connected')
    const moved = await connect(person, { account: connection.accountId, storageId: attic.connection.id })
    expect(moved).toMatchObject({ id: connection.id, state: 'paused', storageId: attic.connection.id })
  })

  test('a bound is for what costs', async () => {
    const { person, userId } = await setUp()
    const free = await accounts.connectDiary(person)
    expect(free.state).toBe('active')
    const bounded = accounts.web.updateConnection({
      userId,
      params: { connectionId: free.id },
      body: { settings: { readsPerMonth: 10 } },
    })
    expect(await errorOf(bounded)).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/settings/readsPerMonth' }] })
  })
})

describe('the bound', () => {
  test('is told with the lease and with every page; reached, the stream waits for the next month, and the sync is over', async () => {
    const { sync, take, giveBack, count, status, read, claimed, userId } = await setUp(100)
    const id = await sync()
    const lease = await take(id)
    expect(lease).toMatchObject({ readsLeft: 100 })
    expect(await count(60)).toBe(40)
    expect(await take(id, 'likes')).toMatchObject({ readsLeft: 40 })
    expect(await count(70)).toBe(0)
    expect(await read()).toEqual([130])
    for (const stream of ['posts', 'likes']) {
      const fence = (
        await accounts.db.query<{ fence: number }>('SELECT fence FROM leases WHERE user_id = $1 AND stream = $2', [userId, stream])
      )[0]!.fence
      await giveBack(fence, { kind: 'yielded' }, stream)
      expect(await take(id, stream)).toBeNull()
    }
    // What costs nothing goes on.
    const follows = await take(id, 'follows')
    expect(follows).toMatchObject({ readsLeft: null })
    await giveBack(follows!.fence, { kind: 'done' }, 'follows')
    const until = monthAfter(new Date())
    expect(await status()).toMatchObject({
      state: 'waiting',
      until,
      nextDueAt: until,
      reason: 'Your bound of 100 reads a month is reached',
    })
    expect(await accounts.conductor.getSync({ userId, params: { syncId: id } })).toMatchObject({ state: 'done' })
    expect(await claimed()).toEqual([])
    // Asked for all the same, nothing is pulled.
    await accounts.db.query("UPDATE sync_jobs SET finished_at = finished_at - interval '1 hour' WHERE user_id = $1", [userId])
    const asked = await sync()
    expect(await take(asked)).toBeNull()
    expect(await status()).toMatchObject({ state: 'waiting', until })
  })

  test('raised or lifted, it goes on at once from where it was; untouched, it does not', async () => {
    const { sync, take, count, status, claimed, update, params, userId } = await setUp(100)
    const id = await sync()
    const { fence } = (await take(id))!
    const walk = { id: 'all', kind: 'backfill' as const, range: { from: null, to: null }, cursor: 'here' }
    const stream = { connectionId: params.connectionId, stream: 'posts' }
    await accounts.workers.savePlan({ userId, params: stream, body: { fence, walks: [walk], replaces: [] } })
    await count(100)
    await returnLease(accounts.workers, { userId, ...stream, fence, outcome: { kind: 'yielded' } })
    expect(await take(id)).toBeNull()
    await take(id, 'likes')
    await update({ settings: { readsPerMonth: 100 } })
    expect(await claimed()).toEqual([])
    await update({ settings: { readsPerMonth: 150 } })
    expect((await claimed()).sort()).toEqual(['likes', 'posts'])
    const [job] = await accounts.db.query<{ id: string }>(
      "SELECT sync_id AS id FROM sync_jobs WHERE user_id = $1 AND stream = 'posts' AND finished_at IS NULL",
      [userId],
    )
    expect(await take(job!.id)).toMatchObject({ readsLeft: 50, walks: [walk] })
    expect(await status()).toMatchObject({ state: 'running', reason: null, until: null })
    await count(60)
    await update({ settings: { readsPerMonth: null } })
    expect(await count(1)).toBeNull()
    expect(await take(job!.id, 'likes')).toMatchObject({ readsLeft: null })
  })

  test('paused while it waits, it is not begun with next month; resumed, it is looked at again', async () => {
    const { sync, take, count, claimed, update, userId } = await setUp(100)
    await count(100)
    const id = await sync()
    for (const stream of ['posts', 'likes']) expect(await take(id, stream)).toBeNull()
    await update({ paused: true })
    await update({ settings: { readsPerMonth: 900 } })
    await accounts.db.query('UPDATE streams SET next_due_at = now() WHERE user_id = $1 AND next_due_at IS NOT NULL', [userId])
    expect(await claimed()).toEqual([])
    await update({ paused: false })
    expect(await claimed()).toHaveLength(3)
  })

  test('is of one month: the next begins with nothing read', async () => {
    const { sync, take, count, read, claimed, userId } = await setUp(100)
    await count(100)
    const id = await sync()
    for (const stream of ['posts', 'likes']) expect(await take(id, stream)).toBeNull()
    await accounts.db.query("UPDATE monthly_reads SET month = month - interval '1 month' WHERE user_id = $1", [userId])
    await accounts.db.query('UPDATE streams SET next_due_at = now() WHERE user_id = $1 AND next_due_at IS NOT NULL', [userId])
    expect(await read()).toEqual([])
    expect((await claimed()).sort()).toEqual(['likes', 'posts'])
    expect(await count(1)).toBe(99)
  })
})

describe('what was read', () => {
  test('is counted whoever reads at once, whatever became of the lease and the connection', async () => {
    const { count, read, userId, params, sync, take } = await setUp(null)
    await Promise.all(Array.from({ length: 20 }, () => count(5)))
    expect(await read()).toEqual([100])
    await take(await sync())
    await accounts.web.removeConnection({ userId, params })
    expect(await count(5)).toBeNull()
    expect(await read()).toEqual([105])
  })

  test('is nobody else’s to count or to see', async () => {
    const { params, count, read } = await setUp(null)
    await count(5)
    const { userId: stranger } = await setUp()
    expect(await kindThrown(accounts.workers.countReads({ userId: stranger, params, body: { reads: 5 } }))).toBe('not-found')
    const nowhere = { connectionId: randomUUID() }
    expect(await kindThrown(accounts.workers.countReads({ userId: stranger, params: nowhere, body: { reads: 5 } }))).toBe('not-found')
    expect((await accounts.web.listReads({ userId: stranger })).reads).toEqual([])
    expect(await read()).toEqual([5])
  })
})

describe('the estimate', () => {
  const estimateOf = ({ userId, params }: Awaited<ReturnType<typeof setUp>>) => accounts.web.getEstimate({ userId, params })

  test('tells of each stream that costs what the network tells, for what is wanted', async () => {
    const paid = await setUp()
    expect(await estimateOf(paid)).toEqual({
      streams: [
        { stream: 'posts', contentTypes: ['posts', 'photos'], reads: 3200 },
        { stream: 'likes', contentTypes: ['likes'], reads: null },
      ],
    })
    await paid.update({ settings: { contentTypes: ['photos', 'follows'], range: { from: '2024-01-01T00:00:00.000Z', to: null } } })
    expect(await estimateOf(paid)).toEqual({ streams: [{ stream: 'posts', contentTypes: ['photos'], reads: 7 }] })
  })

  test('is asked with a token that works', async () => {
    const paid = await setUp()
    const { refreshes } = server.counts
    // The network knows this one no longer, whatever accounts believes.
    server.grants.at(-1)!.accessToken = 'another'
    expect((await estimateOf(paid)).streams[0]).toMatchObject({ reads: 3200 })
    expect(server.counts.refreshes - refreshes).toBe(1)
    server.grants.at(-1)!.isRevoked = true
    expect(await kindThrown(estimateOf(paid))).toBe('reconnect-required')
  })

  test('of a network that does not answer is unavailable, and says who', async () => {
    const paid = await setUp()
    server.script.isDown = true
    const { kind, message } = await errorOf(estimateOf(paid))
    expect([kind, message]).toEqual(['unavailable', expect.stringContaining('Meadow')])
  })

  test('is of networks that charge, and of one’s own', async () => {
    const paid = await setUp()
    const free = await accounts.connectDiary(paid.person)
    const of = (userId: string, connectionId: string) => accounts.web.getEstimate({ userId, params: { connectionId } })
    expect(await of(paid.userId, free.id)).toEqual({ streams: [] })
    expect(await kindThrown(of(paid.userId, free.storageId!))).toBe('invalid')
    expect(await kindThrown(of((await setUp()).userId, paid.connection.id))).toBe('not-found')
  })
})
