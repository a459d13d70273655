import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { etagOf, type Connection, type Outcome } from '@asheville/clients'
import type { Stream } from '@asheville/core'
import { returnLease, takeLease } from './lease-calls.ts'
import { diary } from './scripted-networks.ts'
import { errorOf, kindThrown, startAccounts, type RunningAccounts } from './start-accounts.ts'
import { calm, setUp } from './sync-kit.ts'

/** A network like the diary, of two streams. */
const library = {
  ...diary,
  id: 'library',
  title: 'Library',
  streams: ['entries', 'marks'].map((name): Stream => ({ ...diary.streams[0]!, name })),
}

const minute = 60_000
const day = 24 * 60 * minute
/** As the service under test is configured. */
const shortest = 15 * minute

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts({ networks: [diary, library] })
  // The owner: those after need not stand in line.
  await accounts.signUp()
})
afterAll(() => accounts.close())

type Kit = Awaited<ReturnType<typeof setUp>>
const done: Outcome = { kind: 'done' }
const away: Outcome = { kind: 'failed', error: 'unavailable', reason: 'It does not answer' }

/** One sync of the first diary: `walk` brings so many items that were not there, and the work ends so. */
async function run({ sync, lease, plan, checkpoint, giveBack, first, userId }: Kit, { brings = 0, ends = done as Outcome } = {}) {
  const { id } = (await sync([first.id])).sync
  const { fence } = await lease(id)
  if (brings > 0) {
    await plan(fence, [{ id: `walk ${id}`, kind: 'incremental' }])
    await checkpoint(fence, `walk ${id}`, null, 'head', { tally: { new: brings, changed: 0, unchanged: 0, gone: 0, skipped: 0 } })
  }
  await giveBack(fence, ends)
  // Asked for again within half a minute, what was just done is not done once more.
  await accounts.db.query("UPDATE sync_jobs SET finished_at = finished_at - interval '1 minute' WHERE user_id = $1", [userId])
}

/** As if that much time had passed for the person's streams. */
const pass = (userId: string, ms: number) =>
  accounts.db.query(
    `UPDATE streams SET news_at = news_at - $2 * interval '1 ms', last_synced_at = last_synced_at - $2 * interval '1 ms',
       next_due_at = next_due_at - $2 * interval '1 ms', failing_since = failing_since - $2 * interval '1 ms' WHERE user_id = $1`,
    [userId, ms],
  )

/** Minutes until the stream is due; null: it is not. */
async function dueIn({ status }: Pick<Kit, 'status'>): Promise<number | null> {
  const { nextDueAt } = await status()
  return nextDueAt === null ? null : (Date.parse(nextDueAt) - Date.now()) / minute
}

/** A tenth more or less, and what the test took. */
const about = (actual: number | null, expected: number): void => {
  expect(actual).toBeGreaterThan(expected * 0.9 - 1)
  expect(actual).toBeLessThan(expected * 1.1 + 0.1)
}

describe('how soon a stream is due again', () => {
  test('goes by how often it has something new; what the first sync brings is history', async () => {
    const kit = await setUp(accounts)
    await run(kit, { brings: 5000 })
    about(await dueIn(kit), 30)
    for (let time = 0; time < 4; time += 1) {
      await pass(kit.userId, 4 * day)
      await run(kit, { brings: 1 })
    }
    const rare = (await dueIn(kit))!
    expect(rare).toBeGreaterThan(100)
    await pass(kit.userId, minute)
    await run(kit, { brings: 3 })
    expect(await dueIn(kit)).toBeLessThan(0.7 * rare)
    await pass(kit.userId, 300 * day)
    await run(kit)
    about(await dueIn(kit), 1440)
  })

  test('counts for each run of a stream what it brought, though a sync of others goes on', async () => {
    const kit = await setUp(accounts, 2)
    await run(kit)
    await kit.sync([kit.connections[1]!.id])
    await pass(kit.userId, 10 * day)
    await run(kit, { brings: 1 })
    await pass(kit.userId, 10 * day)
    await run(kit)
    const [stream] = await accounts.db.query<{ silent: number }>(
      'SELECT extract(epoch FROM now() - news_at)::float8 AS silent FROM streams WHERE connection_id = $1',
      [kit.first.id],
    )
    expect(stream!.silent * 1000).toBeGreaterThan(9 * day)
  })

  test('is computed the same for many at once', async () => {
    const kit = await setUp(accounts, 3)
    const { id } = (await kit.sync()).sync
    const leases = await Promise.all(kit.connections.map((connection) => kit.lease(id, connection)))
    const ended = kit.connections.map((connection, index) => ({
      ...{ userId: kit.userId, connectionId: connection.id, stream: 'entries', fence: leases[index]!.fence, outcome: done },
      quiet: { head: null, pages: 1, available: {} },
    }))
    await accounts.db.query('UPDATE connections SET sync_every_minutes = 360 WHERE id = $1', [kit.connections[1]!.id])
    await accounts.db.query("UPDATE streams SET news_at = now() - interval '60 days' WHERE connection_id = $1", [kit.connections[2]!.id])
    await accounts.workers.returnLeases({ body: { leases: ended } })
    const due = await Promise.all(kit.connections.map((connection) => dueIn({ status: () => kit.status(connection) })))
    about(due[0]!, 30)
    about(due[1]!, 360)
    about(due[2]!, Math.sqrt(15 * 60 * 24 * 60))
  })
})

describe('how often the person wants it', () => {
  const update = (kit: Kit, syncEveryMinutes: number | null, ifMatch?: string) =>
    accounts.web.updateConnection({
      ...{ userId: kit.userId, params: { connectionId: kit.first.id }, body: { settings: { syncEveryMinutes } } },
      ...(ifMatch !== undefined && { ifMatch }),
    })

  test('holds from its last sync on, until they leave it to us again', async () => {
    const kit = await setUp(accounts)
    await run(kit)
    await pass(kit.userId, 20 * minute)
    expect((await update(kit, 360)).settings).toMatchObject({ syncEveryMinutes: 360 })
    about(await dueIn(kit), 340)
    await run(kit)
    about(await dueIn(kit), 360)
    await update(kit, 15)
    about(await dueIn(kit), 15)
    await pass(kit.userId, 60 * minute)
    await update(kit, null)
    expect(await dueIn(kit)).toBeLessThanOrEqual(0.1)
    await run(kit)
    about(await dueIn(kit), Math.sqrt(15 * 80))
  })

  test('holds after they cancelled, too', async () => {
    const kit = await setUp(accounts)
    await update(kit, 1440)
    const { id } = (await kit.sync()).sync
    await accounts.conductor.cancelSync({ userId: kit.userId, params: { syncId: id } })
    about(await dueIn(kit), 1440)
  })

  test('is no more often than this server allows, and no overwriting of what was changed meanwhile', async () => {
    const kit = await setUp(accounts)
    const refused = await errorOf(update(kit, 5))
    expect(refused).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/settings/syncEveryMinutes' }] })
    expect(refused.message).toContain('every 15 minutes')
    expect(await kindThrown(update(kit, 3))).toBe('invalid')
    const { userId, first } = kit
    const before = etagOf(await accounts.web.getConnection({ userId, params: { connectionId: first.id } }))!
    await update(kit, 60, before)
    expect(await kindThrown(update(kit, 15, before))).not.toBe('none')
  })

  test('changes nothing of what fails or waits', async () => {
    const kit = await setUp(accounts)
    await run(kit)
    await run(kit, { ends: away })
    const before = await dueIn(kit)
    await update(kit, 1440)
    expect(await dueIn(kit)).toBeCloseTo(before!, 0)
  })
})

describe('a hint', () => {
  const send = (hints: unknown, headers: Record<string, string> = { 'x-diary': 'signed' }, network = 'diary') =>
    accounts.web.takeHook({ params: { network }, body: { headers, body: Buffer.from(JSON.stringify(hints)).toString('base64') } })
  const hint = ({ first }: Kit, stream = 'entries') => send([{ accountId: first.accountId, streams: [stream] }])

  test('makes the stream due at once, or as soon after its last sync as it may be; said again it changes nothing', async () => {
    const kit = await setUp(accounts)
    await run(kit)
    await pass(kit.userId, 5 * minute)
    await hint(kit)
    about(await dueIn(kit), 10)
    const first = await kit.status()
    await hint(kit)
    expect(await kit.status()).toEqual(first)
    await pass(kit.userId, 20 * minute)
    await run(kit)
    await pass(kit.userId, 16 * minute)
    await calm(accounts)
    await accounts.db.query("UPDATE streams SET next_due_at = now() + interval '1 day' WHERE user_id = $1", [kit.userId])
    await hint(kit)
    const { jobs } = await accounts.conductor.claimDue({ body: { limit: 100 } })
    expect(jobs).toMatchObject([{ connectionId: kit.first.id, stream: 'entries' }])
  })

  test('while it is pulled, has it pulled once more, and not sooner than it may be', async () => {
    const kit = await setUp(accounts)
    const { id } = (await kit.sync()).sync
    const { fence } = await kit.lease(id)
    for (let time = 0; time < 20; time += 1) await hint(kit)
    await kit.giveBack(fence)
    about(await dueIn(kit), 15)
    await pass(kit.userId, 2 * shortest)
    await run(kit)
    expect(await dueIn(kit)).toBeGreaterThan(20)
  })

  test('does not hurry what fails, what waits, and what the person has said how often', async () => {
    for (const ends of [away, { kind: 'held', until: new Date(Date.now() + day).toISOString(), reason: 'The day is used up' } as const]) {
      const kit = await setUp(accounts)
      await run(kit, { ends })
      const before = await kit.status()
      await hint(kit)
      expect(await kit.status()).toEqual(before)
    }
    const kit = await setUp(accounts)
    await run(kit)
    await accounts.web.updateConnection({
      userId: kit.userId,
      params: { connectionId: kit.first.id },
      body: { settings: { syncEveryMinutes: 1440 } },
    })
    await hint(kit)
    about(await dueIn(kit), 1440)
  })

  test('is for everybody who connected the account, and for nobody else; of what is not there it is of nothing', async () => {
    const [kit, same, other] = [await setUp(accounts), await setUp(accounts), await setUp(accounts)]
    for (const each of [kit, same, other]) await run(each)
    await accounts.db.query('UPDATE connections SET account_id = $2 WHERE id = $1', [same.first.id, kit.first.accountId])
    const before = await other.status()
    await send([
      { accountId: kit.first.accountId, streams: ['entries', 'marks'] },
      { accountId: 'nobody here', streams: ['entries'] },
    ])
    about(await dueIn(kit), 15)
    about(await dueIn(same), 15)
    expect(await other.status()).toEqual(before)
    await accounts.web.removeConnection({ userId: other.userId, params: { connectionId: other.first.id } })
    await hint(other)
  })

  test('is taken only from whom the adapter believes, and of networks that send', async () => {
    const kit = await setUp(accounts)
    await run(kit)
    const before = await kit.status()
    const hints = [{ accountId: kit.first.accountId, streams: ['entries'] }]
    expect(await kindThrown(send(hints, {}))).toBe('forbidden')
    expect(await kindThrown(send(hints, { 'x-diary': 'signed' }, 'nowhere'))).toBe('not-found')
    expect(await kit.status()).toEqual(before)
    const confirm = (query: Record<string, string>) => accounts.web.confirmHook({ params: { network: 'diary' }, body: { query } })
    expect(await confirm({ word: 'open', please: '1234' })).toEqual({ answer: '1234' })
    expect(await confirm({ word: 'shut', please: '1234' })).toEqual({ answer: null })
  })
})

describe('what fails', () => {
  const told = async (userId: string) =>
    (await accounts.web.listNotifications({ userId, query: {} })).notifications.map(({ kind, settledAt }) =>
      settledAt === null ? kind : `(${kind})`,
    )
  const stateOf = async ({ userId, first }: Pick<Kit, 'userId' | 'first'>): Promise<Connection> =>
    accounts.web.getConnection({ userId, params: { connectionId: first.id } })

  test('is tried ever more seldom, told of, warned of, and paused in the end; tried again, it begins anew', async () => {
    const kit = await setUp(accounts)
    await run(kit)
    const waits: number[] = []
    for (let time = 0; time < 6; time += 1) {
      await run(kit, { ends: away })
      waits.push((await dueIn(kit))!)
    }
    for (const [index, longest] of [15, 30, 60, 120, 240, 360].entries()) {
      expect(waits[index]).toBeGreaterThan(longest / 2 - 1)
      expect(waits[index]).toBeLessThanOrEqual(longest)
    }
    expect(await told(kit.userId)).toContain('sync-problem')
    await pass(kit.userId, 15 * day)
    await run(kit, { ends: away })
    await run(kit, { ends: away })
    expect((await told(kit.userId)).filter((kind) => kind === 'sync-pausing')).toHaveLength(1)
    expect(await stateOf(kit)).toMatchObject({ state: 'active' })
    await pass(kit.userId, 14 * day)
    await run(kit, { ends: away })
    const paused = await stateOf(kit)
    expect(paused).toMatchObject({ state: 'paused' })
    expect(paused.stateReason).toBe('Nothing of Diary came through for 29 days. It does not answer')
    expect(await told(kit.userId)).toEqual(expect.arrayContaining(['sync-paused', '(sync-pausing)', '(sync-problem)']))
    expect(await dueIn(kit)).toBeNull()
    await accounts.web.updateConnection({ userId: kit.userId, params: { connectionId: kit.first.id }, body: { paused: false } })
    expect(await told(kit.userId)).toContain('(sync-paused)')
    await run(kit, { ends: away })
    expect(await stateOf(kit)).toMatchObject({ state: 'active', stateReason: null })
    expect(await dueIn(kit)).toBeLessThanOrEqual(15)
  })

  test('after something came through, begins anew', async () => {
    const kit = await setUp(accounts)
    for (let time = 0; time < 5; time += 1) await run(kit, { ends: away })
    await pass(kit.userId, 27 * day)
    await run(kit, { brings: 1, ends: away })
    expect(await dueIn(kit)).toBeLessThanOrEqual(15)
    await pass(kit.userId, 2 * day)
    await run(kit, { ends: away })
    expect(await stateOf(kit)).toMatchObject({ state: 'active' })
    expect(await dueIn(kit)).toBeLessThanOrEqual(30)
  })

  test('because its storage is full, is asked again every hour, and no network is paused for it', async () => {
    const kit = await setUp(accounts)
    for (let time = 0; time < 3; time += 1) {
      await run(kit, { ends: { kind: 'failed', error: 'storage-full', reason: 'full' } })
      await pass(kit.userId, 30 * day)
    }
    await run(kit, { ends: { kind: 'failed', error: 'storage-full', reason: 'full' } })
    about(await dueIn(kit), 60)
    expect(await stateOf(kit)).toMatchObject({ state: 'full' })
  })

  test('neither pauses a connection of which something comes through, nor any other', async () => {
    const person = await accounts.signUp()
    const userId = person.user.id
    const body = { provider: 'library', fields: { name: randomUUID() }, sessionId: person.session.id, reconnects: null }
    const reply = await accounts.web.beginConnect({ userId, body })
    if (reply.next !== 'connected') throw new Error('not connected')
    const first = reply.connection
    const end = async (outcomes: Record<string, Outcome>) => {
      const { id } = (await accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: [first.id] } })).sync
      for (const [stream, outcome] of Object.entries(outcomes)) {
        const at = { userId, connectionId: first.id, stream }
        const { lease } = await takeLease(accounts.workers, randomUUID(), { ...at, syncId: id, streamVersion: 1 })
        await returnLease(accounts.workers, { ...at, fence: lease!.fence, outcome })
      }
    }
    const refused: Outcome = { kind: 'failed', error: 'invalid', reason: 'It says no' }
    await end({ entries: done, marks: refused })
    await pass(userId, 60 * day)
    await end({ entries: done, marks: refused })
    expect(await stateOf({ userId, first })).toMatchObject({ state: 'active' })
    expect(await told(userId)).toContain('sync-problem')
    await end({ entries: refused, marks: refused })
    expect(await stateOf({ userId, first })).toMatchObject({ state: 'active' })
    await pass(userId, 15 * day)
    const other = await accounts.connectDiary(person)
    await end({ entries: refused })
    expect(await stateOf({ userId, first })).toMatchObject({ state: 'paused' })
    expect(await stateOf({ userId, first: other })).toMatchObject({ state: 'active' })
  })
})

describe('after a time in which nothing could be claimed', () => {
  test('what became due is spread over an hour, but for some that is done at once and what nobody has pulled yet', async () => {
    await calm(accounts)
    const kit = await setUp(accounts)
    await run(kit)
    const many = 600
    await accounts.db.query(
      `INSERT INTO connections SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'account_id', gen_random_uuid()))).*
       FROM connections c, generate_series(1, $2) WHERE c.id = $1`,
      [kit.first.id, many],
    )
    await accounts.db.query(
      `INSERT INTO streams (connection_id, name, user_id, last_synced_at, next_due_at)
       SELECT id, 'entries', user_id, due - interval '1 hour' * (1 + random() * 23), due FROM (
         SELECT *, now() - interval '8 hours' * (0.1 + 0.9 * random()) AS due FROM connections WHERE user_id = $1 AND id <> $2) c`,
      [kit.userId, kit.first.id],
    )
    await accounts.db.query(
      'INSERT INTO leases (connection_id, stream, user_id) SELECT connection_id, name, user_id FROM streams ON CONFLICT DO NOTHING',
    )
    const fresh = await accounts.connectDiary(kit.person)
    await accounts.db.query("UPDATE streams SET next_due_at = now() - interval '8 hours' WHERE connection_id = $1", [fresh.id])
    let started = 0
    for (let claims = 0; claims < 20; claims += 1) {
      const before = await countJobs(kit.userId)
      await accounts.conductor.claimDue({ body: { limit: 500 } })
      const begun = (await countJobs(kit.userId)) - before
      started += begun
      if (begun === 0) break
    }
    const minutes = await accounts.db.query<{ due: number }>(
      `SELECT count(*)::int AS due FROM streams WHERE user_id = $1 AND next_due_at > now()
       GROUP BY floor(extract(epoch FROM next_due_at - now()) / 60) ORDER BY 1 DESC`,
      [kit.userId],
    )
    const put = minutes.reduce((sum, { due }) => sum + due, 0)
    process.stdout.write(`${many} late: ${started} at once, then ${minutes[0]!.due} a minute at most, over ${minutes.length} minutes\n`)
    expect(started).toBeLessThanOrEqual(201 + 20)
    expect(put).toBeGreaterThan(many - 221)
    expect(minutes.length).toBeGreaterThan(45)
    expect(minutes[0]!.due).toBeLessThan(30)
    const [begun] = await accounts.db.query('SELECT FROM sync_jobs WHERE connection_id = $1', [fresh.id])
    expect(begun).toBeDefined()
  })

  const countJobs = async (userId: string): Promise<number> => {
    const [row] = await accounts.db.query<{ jobs: number }>('SELECT count(*)::int AS jobs FROM sync_jobs WHERE user_id = $1', [userId])
    return row!.jobs
  }
})
