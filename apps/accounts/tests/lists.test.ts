import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { etagOf } from '@asheville/clients'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'
import { setUp } from './sync-kit.ts'

let accounts: RunningAccounts
let owner: Person
beforeAll(async () => {
  accounts = await startAccounts()
  owner = await accounts.signUp(`owner-${randomUUID()}@example.org`)
}, 60_000)
afterAll(() => accounts?.close())

/** Every page of a list, with something done between any two. */
async function walk<Row>(page: (cursor?: string) => Promise<{ rows: Row[]; next: string | null }>, between: () => Promise<unknown>) {
  const seen: Row[] = []
  let cursor: string | undefined
  do {
    const { rows, next } = await page(cursor)
    seen.push(...rows)
    cursor = next ?? undefined
    await between()
  } while (cursor)
  return seen
}

describe('everybody, for the owner', () => {
  const list = (query: { search?: string; limit?: number; cursor?: string } = {}, person = owner) =>
    accounts.web.listUsers({ userId: person.user.id, query })

  test('is for the owner alone', async () => {
    const member = await accounts.signUp()
    expect(await kindThrown(list({}, member))).toBe('forbidden')
    expect((await list()).users.map(({ id }) => id)).toContain(member.user.id)
  })

  test('tells figures, and nothing of what people copy', async () => {
    const { userId, sync } = await setUp(accounts, 2)
    await sync()
    const { email } = await accounts.web.getUser({ userId })
    const { users } = await list({ search: email! })
    expect(users).toEqual([
      {
        ...(await accounts.web.getUser({ userId })),
        connections: 3,
        syncs: 1,
        lastSyncedAt: null,
        lastSeenAt: expect.any(String),
      },
    ])
  })

  test('is searched by how names and addresses begin, whatever their case, and by nothing else', async () => {
    const mark = randomUUID().slice(0, 8)
    for (const [name, email] of [
      [`Zoë${mark} Hill`, `${mark}-first@example.org`],
      ['Other', `${mark}_second@example.org`],
    ] as const)
      await accounts.web.createUser({ body: { name, email, password: 'correct horse', locale: 'en' } })
    const found = async (search: string) => (await list({ search })).users.map(({ name }) => name).sort()
    expect(await found(`ZOË${mark}`)).toEqual([`Zoë${mark} Hill`])
    expect(await found(mark)).toEqual(['Other', `Zoë${mark} Hill`])
    expect(await found(`${mark}_`)).toEqual(['Other'])
    expect(await found(`${mark}%`)).toEqual([])
    expect(await found('%')).toEqual([])
    expect(await found('Hill')).toEqual([])
    expect(await found('\\')).toEqual([])
  })

  test('is walked through, each once, while others sign up', async () => {
    await accounts.db.query(
      `INSERT INTO users (id, name, email, role, locale) SELECT gen_random_uuid(), 'Many', NULL, 'member', 'en' FROM generate_series(1, 45)`,
    )
    const before = await accounts.db.query<{ id: string }>('SELECT id FROM users')
    const seen = await walk(
      async (cursor) => {
        const { users, next } = await list({ limit: 10, ...(cursor && { cursor }) })
        return { rows: users.map(({ id }) => id), next }
      },
      () => accounts.db.query(`INSERT INTO users (id, name, email, role, locale) VALUES (gen_random_uuid(), 'Late', NULL, 'member', 'en')`),
    )
    expect([...seen].sort()).toEqual(before.map(({ id }) => id).sort())
    expect((await errorOf(list({ cursor: 'nowhere' }))).faults).toEqual([expect.objectContaining({ pointer: '/query/cursor' })])
  })
})

describe('syncs', () => {
  test('are told with what they did on each stream', async () => {
    const { sync, lease, plan, checkpoint, giveBack, userId, first, connections } = await setUp(accounts, 2)
    const { id } = (await sync()).sync
    const { fence } = await lease(id)
    await plan(fence, [{ id: 'all', kind: 'backfill' }])
    const skipped = [{ id: 'x', reason: 'It has no date' }]
    await checkpoint(fence, 'all', null, 'head', { tally: { new: 3, changed: 0, unchanged: 0, gone: 0, skipped: 1 }, skipped })
    await giveBack(fence)
    await giveBack((await lease(id, connections[1])).fence, { kind: 'failed', error: 'unexpected', reason: 'It broke' }, connections[1])
    const told = await accounts.web.getSync({ userId, params: { syncId: id } })
    const about = (connection = first) => ({ connectionId: connection.id, provider: 'diary', handle: connection.handle, stream: 'entries' })
    expect(told).toMatchObject({ state: 'failed', tally: { new: 3, skipped: 1 } })
    expect(told.results).toMatchObject([
      { ...about(), state: 'done', reason: null, tally: { new: 3, skipped: 1 }, pages: 1, skipped, finishedAt: expect.any(String) },
      { ...about(connections[1]), state: 'failed', reason: 'It broke', tally: { new: 0 }, skipped: [] },
    ])
    const stranger = await accounts.signUp()
    expect(await kindThrown(accounts.web.getSync({ userId: stranger.user.id, params: { syncId: id } }))).toBe('not-found')
  })

  test('are walked through, each once, while others begin', async () => {
    const { user } = await accounts.signUp()
    const add = (count: number) =>
      accounts.db.query(
        `INSERT INTO syncs (id, user_id, trigger, state, finished_at) SELECT gen_random_uuid(), $1, 'schedule', 'done', now()
         FROM generate_series(1, $2)`,
        [user.id, count],
      )
    await add(33)
    const before = await accounts.db.query<{ id: string }>('SELECT id FROM syncs WHERE user_id = $1', [user.id])
    const seen = await walk(
      async (cursor) => {
        const { syncs, next } = await accounts.web.listSyncs({ userId: user.id, query: { limit: 8, ...(cursor && { cursor }) } })
        return { rows: syncs.map(({ id }) => id), next }
      },
      () => add(2),
    )
    expect([...seen].sort()).toEqual(before.map(({ id }) => id).sort())
  })
})

describe('connections', () => {
  test('that were disconnected are listed where that is asked for, until they are connected again', async () => {
    const { userId, first, person } = await setUp(accounts)
    const list = async (include?: 'revoked') =>
      (await accounts.web.listConnections({ userId, query: { kind: 'network', ...(include && { include }) } })).connections
    await accounts.web.removeConnection({ userId, params: { connectionId: first.id } })
    expect(await list()).toEqual([])
    expect(await list('revoked')).toMatchObject([{ id: first.id, state: 'revoked', handle: first.handle }])
    expect(await kindThrown(accounts.web.getConnection({ userId, params: { connectionId: first.id } }))).toBe('not-found')
    const body = { provider: 'diary', fields: first.fields, sessionId: person.session.id, reconnects: null }
    await accounts.web.beginConnect({ userId, body })
    expect(await list('revoked')).toMatchObject([{ id: first.id, state: 'active' }])
  })

  test('that were changed elsewhere meanwhile are not overwritten', async () => {
    const { userId, first } = await setUp(accounts)
    const params = { connectionId: first.id }
    const etag = etagOf(await accounts.web.getConnection({ userId, params }))!
    const pause = (paused: boolean, ifMatch?: string) =>
      accounts.web.updateConnection({ userId, params, body: { paused }, ...(ifMatch && { ifMatch }) })
    const changed = await pause(true, etag)
    expect(await errorOf(pause(false, etag))).toMatchObject({ kind: 'conflict', message: 'It was changed meanwhile. Read it again' })
    expect(await accounts.web.getConnection({ userId, params })).toEqual(changed)
    expect(await pause(false, etagOf(await accounts.web.getConnection({ userId, params }))!)).toMatchObject({ state: 'active' })
  })
})

describe('votes', () => {
  const vote = (person: Person, provider: string) => accounts.web.putVote({ userId: person.user.id, params: { provider } })
  const withdraw = (person: Person, provider: string) => accounts.web.withdrawVote({ userId: person.user.id, params: { provider } })
  const votes = async () => (await accounts.web.getTotals({})).votes

  test('count once for each person, can be taken back, and are for what is planned alone', async () => {
    const [alice, bob] = [await accounts.signUp(), await accounts.signUp()]
    await Promise.all([vote(alice, 'instagram'), vote(alice, 'instagram'), vote(bob, 'instagram'), vote(alice, 'onedrive')])
    expect(await votes()).toEqual({ instagram: 2, onedrive: 1 })
    expect(await accounts.web.listVotes({ userId: alice.user.id })).toEqual({ providers: ['instagram', 'onedrive'] })
    await withdraw(alice, 'instagram')
    await withdraw(alice, 'instagram')
    expect(await votes()).toEqual({ instagram: 1, onedrive: 1 })
    for (const provider of ['nowhere', 'diary', 'local']) expect(await kindThrown(vote(alice, provider))).toBe('not-found')
    expect(await kindThrown(vote(alice, 'No Such'))).toBe('invalid')
  })

  test('and connections are counted for the public pages', async () => {
    const before = await accounts.web.getTotals({})
    const { userId } = await setUp(accounts, 2)
    const totals = await accounts.web.getTotals({})
    const [stored] = (await accounts.web.listConnections({ userId, query: { kind: 'storage' } })).connections
    expect(totals.people).toBe(before.people + 1)
    expect(totals.connections['diary']).toBe((before.connections['diary'] ?? 0) + 2)
    expect(totals.storages[stored!.provider]).toBe((before.storages[stored!.provider] ?? 0) + 1)
  })
})
