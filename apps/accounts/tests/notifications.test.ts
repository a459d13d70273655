import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { etagOf, notificationKinds, type Outcome } from '@asheville/clients'
import { startMailServer, type MailServer } from '@asheville/testkit/mail-server'
import { diary, disk, perServerNetwork } from './scripted-networks.ts'
import { errorOf, kindThrown, startAccounts, type RunningAccounts } from './start-accounts.ts'
import { setUp } from './sync-kit.ts'

let server: MailServer
let accounts: RunningAccounts
beforeAll(async () => {
  server = await startMailServer({})
  accounts = await startAccounts({ mail: { url: server.url, from: 'post@asheville.example' } })
}, 60_000)
afterAll(async () => {
  await accounts?.close()
  await server?.close()
})

const inbox = (userId: string, query: { unread?: 'true'; limit?: number; cursor?: string } = {}) =>
  accounts.web.listNotifications({ userId, query })
const kindsOf = async (userId: string) => (await inbox(userId)).notifications.map(({ kind }) => kind)
const dead: Outcome = { kind: 'failed', error: 'reconnect-required', reason: 'refused' }
const broken: Outcome = { kind: 'failed', error: 'unexpected', reason: 'It sent what we cannot read.' }
const away: Outcome = { kind: 'failed', error: 'unavailable', reason: 'It does not answer' }
const full: Outcome = { kind: 'failed', error: 'storage-full', reason: 'full' }

/** One sync whose work ends so, having brought so many new items. */
async function run(
  { sync, lease, plan, checkpoint, giveBack, userId }: Awaited<ReturnType<typeof setUp>>,
  outcome: Outcome,
  { brings = 0, trigger = 'person' }: { brings?: number; trigger?: 'person' | 'schedule' } = {},
): Promise<string> {
  const { id } = (await sync()).sync
  await accounts.db.query('UPDATE syncs SET trigger = $2 WHERE id = $1', [id, trigger])
  const { fence } = await lease(id)
  if (brings > 0) {
    await plan(fence, [{ id: `walk ${id}`, kind: 'incremental' }])
    await checkpoint(fence, `walk ${id}`, null, 'head', { tally: { new: brings, changed: 1, unchanged: 0, gone: 0, skipped: 0 } })
  }
  await giveBack(fence, outcome)
  // Asked for again within half a minute, what was just done is not done once more.
  await accounts.db.query("UPDATE sync_jobs SET finished_at = finished_at - interval '1 minute' WHERE user_id = $1", [userId])
  return id
}

/** As if the person had connected it again. */
const reconnect = async ({ userId, first, person }: Awaited<ReturnType<typeof setUp>>) => {
  const body = { provider: 'diary', fields: first.fields, sessionId: person.session.id, reconnects: first.id }
  await accounts.web.beginConnect({ userId, body })
}

describe('people are told', () => {
  test('once that a connection is to be reconnected, until it has worked again', async () => {
    const kit = await setUp(accounts)
    const { userId, first } = kit
    await run(kit, dead)
    const data = { connectionId: first.id, provider: 'diary', handle: first.handle }
    expect(await inbox(userId)).toMatchObject({
      notifications: [{ kind: 'reconnect-needed', data, readAt: null, settledAt: null }],
      unread: 1,
      next: null,
    })
    await reconnect(kit)
    expect((await inbox(userId)).unread).toBe(0)
    await run(kit, dead)
    expect(await kindsOf(userId)).toEqual(['reconnect-needed'])
    await reconnect(kit)
    await run(kit, { kind: 'done' })
    await run(kit, dead)
    expect(await kindsOf(userId)).toEqual(['reconnect-needed', 'sync-finished', 'reconnect-needed'])
    expect((await inbox(userId)).notifications.map(({ settledAt }) => settledAt === null)).toEqual([true, true, false])
  })

  test('once that a storage is full, until something could be stored again', async () => {
    const kit = await setUp(accounts, 2)
    const { userId, first, connections, sync, lease, giveBack } = kit
    const { id } = (await sync()).sync
    await giveBack((await lease(id)).fence, full)
    await giveBack((await lease(id, connections[1])).fence, full, connections[1])
    expect((await inbox(userId)).notifications).toMatchObject([
      { kind: 'storage-full', data: { connectionId: first.storageId, title: 'this server’s disk' } },
    ])
    await accounts.db.query("UPDATE sync_jobs SET finished_at = finished_at - interval '1 minute' WHERE user_id = $1", [userId])
    const again = (await sync([first.id])).sync.id
    await giveBack((await lease(again)).fence)
    const told = (await inbox(userId)).notifications
    expect(told.map(({ kind, settledAt }) => [kind, settledAt !== null])).toEqual([
      ['sync-finished', false],
      ['storage-full', true],
    ])
  })

  test('once of a problem, at once where waiting does not help, else after three syncs; until all of it worked', async () => {
    const kit = await setUp(accounts)
    await run(kit, broken)
    await run(kit, broken)
    expect((await inbox(kit.userId)).notifications).toMatchObject([
      { kind: 'sync-problem', data: { connectionId: kit.first.id, reason: 'It sent what we cannot read.' } },
    ])
    await run(kit, { kind: 'done' }, { trigger: 'schedule' })
    expect((await inbox(kit.userId)).unread).toBe(0)
    for (const told of [0, 0, 1, 1]) {
      await run(kit, away)
      expect((await inbox(kit.userId)).unread).toBe(told)
    }
  })

  test('of syncs that they began, and of scheduled ones that brought something, by the day until they have read it', async () => {
    const kit = await setUp(accounts)
    const { userId } = kit
    const own = await run(kit, { kind: 'done' })
    await run(kit, { kind: 'done' }, { trigger: 'schedule' })
    await run(kit, { kind: 'done' }, { trigger: 'schedule', brings: 3 })
    const last = await run(kit, { kind: 'done' }, { trigger: 'schedule', brings: 4 })
    const { notifications } = await inbox(userId)
    expect(notifications).toMatchObject([
      { kind: 'sync-finished', data: { trigger: 'schedule', syncId: last, syncs: 2, new: 7, changed: 2 } },
      { kind: 'sync-finished', data: { trigger: 'person', syncId: own, syncs: 1, new: 0 } },
    ])
    await accounts.web.markAllRead({ userId, body: { upTo: notifications[0]!.id } })
    await run(kit, { kind: 'done' }, { trigger: 'schedule', brings: 5 })
    expect((await inbox(userId, { unread: 'true' })).notifications).toMatchObject([{ data: { syncs: 1, new: 5 } }])
  })

  test('of nothing when a sync was cancelled', async () => {
    const kit = await setUp(accounts)
    const { id } = (await kit.sync()).sync
    await accounts.conductor.cancelSync({ userId: kit.userId, params: { syncId: id } })
    expect(await kindsOf(kit.userId)).toEqual([])
  })

  test('of nothing any more about what they disconnected', async () => {
    const kit = await setUp(accounts)
    await run(kit, dead)
    await accounts.web.removeConnection({ userId: kit.userId, params: { connectionId: kit.first.id } })
    expect(await inbox(kit.userId)).toMatchObject({ unread: 0, notifications: [{ settledAt: expect.any(String) }] })
  })

  test('when what they voted for is there', async () => {
    const voter = await accounts.signUp()
    await accounts.db.query("INSERT INTO votes (provider, user_id) VALUES ('diary', $1), ('instagram', $1)", [voter.user.id])
    const { announceAvailable } = await import('../src/votes/announce-available.ts')
    const context = { db: accounts.db, networks: [perServerNetwork('meadow'), diary], storages: [disk] }
    await announceAvailable(context)
    await announceAvailable(context)
    expect((await inbox(voter.user.id)).notifications).toMatchObject([
      { kind: 'network-available', data: { provider: 'diary', title: 'Diary' } },
    ])
    expect(await accounts.web.listVotes({ userId: voter.user.id })).toEqual({ providers: ['instagram'] })
  })
})

describe('the inbox', () => {
  const fill = (userId: string, count: number) =>
    accounts.db.query(
      `INSERT INTO notifications (user_id, kind, subject, data, in_inbox)
       SELECT $1, 'network-available', 'planned ' || gen_random_uuid(), '{"provider": "diary", "title": "Diary"}', true
       FROM generate_series(1, $2)`,
      [userId, count],
    )

  test('is walked through page by page, each once, while more come in', async () => {
    const { user } = await accounts.signUp()
    // In one statement, so at one and the same time.
    await fill(user.id, 57)
    const before = await accounts.db.query<{ id: string }>('SELECT id FROM notifications WHERE user_id = $1', [user.id])
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await inbox(user.id, { limit: 10, ...(cursor && { cursor }) })
      seen.push(...page.notifications.map(({ id }) => id))
      cursor = page.next ?? undefined
      await fill(user.id, 3)
    } while (cursor)
    expect(seen.length).toBe(new Set(seen).size)
    expect([...seen].sort()).toEqual(before.map(({ id }) => id).sort())
    for (const wrong of ['x', Buffer.from('2024-01-01 00:00:00+00 x').toString('base64url'), 'A'.repeat(100)])
      expect(await errorOf(inbox(user.id, { cursor: wrong }))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/query/cursor' }] })
  })

  test('knows what was read, one by one or up to what was seen', async () => {
    const [{ user }, stranger] = [await accounts.signUp(), await accounts.signUp()]
    await fill(user.id, 2)
    const shown = (await inbox(user.id)).notifications
    await delay(5)
    await fill(user.id, 1)
    const { id } = shown[1]!
    await accounts.web.markRead({ userId: user.id, params: { notificationId: id } })
    await accounts.web.markRead({ userId: user.id, params: { notificationId: id } })
    expect(await accounts.web.countUnread({ userId: user.id })).toEqual({ unread: 2 })
    await accounts.web.markAllRead({ userId: user.id, body: { upTo: shown[0]!.id } })
    expect(await inbox(user.id, { unread: 'true' })).toMatchObject({ unread: 1, notifications: [{ readAt: null }] })

    const userId = stranger.user.id
    expect(await kindThrown(accounts.web.markRead({ userId, params: { notificationId: id } }))).toBe('not-found')
    expect(await kindThrown(accounts.web.markAllRead({ userId, body: { upTo: id } }))).toBe('not-found')
    expect(await inbox(userId)).toEqual({ notifications: [], unread: 0, next: null })
  })
})

describe('preferences', () => {
  const set = (userId: string, kind: (typeof notificationKinds)[number], channels: { inbox?: boolean; mail?: boolean }, ifMatch?: string) =>
    accounts.web.updateNotificationPreferences({ userId, body: { preferences: { [kind]: channels } }, ...(ifMatch && { ifMatch }) })
  const verify = (userId: string) => accounts.db.query('UPDATE users SET email_verified_at = now() WHERE id = $1', [userId])

  test('are obeyed: what is off is not told, what is on is', async () => {
    const kit = await setUp(accounts)
    const { userId } = kit
    await set(userId, 'sync-finished', { inbox: false })
    await set(userId, 'sync-unchanged', { inbox: true })
    await run(kit, { kind: 'done' }, { brings: 3 })
    await run(kit, { kind: 'done' }, { trigger: 'schedule' })
    expect(await kindsOf(userId)).toEqual(['sync-unchanged'])
    const { preferences } = await accounts.web.getNotificationPreferences({ userId })
    expect(Object.keys(preferences).sort()).toEqual([...notificationKinds].sort())
    expect([preferences['sync-finished'], preferences['reconnect-needed']]).toEqual([
      { inbox: false, mail: false },
      { inbox: true, mail: true },
    ])
  })

  test('bring one mail, to who has confirmed an address, in words', async () => {
    const kit = await setUp(accounts)
    const { userId, person, first } = kit
    await verify(userId)
    expect((await accounts.web.getNotificationPreferences({ userId })).mail).toBe('works')
    await run(kit, dead)
    const mail = await server.mailTo(person.user.email!, /^Reconnect Diary$/)
    expect(mail.text).toContain(`Diary (${first.handle}) no longer accepts our access`)
    expect(mail.text).toContain('http://localhost:3000/settings/notifications')
    expect(mail.links).toContain(`http://localhost:3000/connect/diary?reconnects=${first.id}`)
    await reconnect(kit)
    await run(kit, dead)
    await delay(4000)
    expect(server.mails.filter(({ to, subject }) => to.includes(person.user.email!) && subject === 'Reconnect Diary')).toHaveLength(1)
  })

  test('bring none to who has confirmed none, wants none, or has read it', async () => {
    const kits = [await setUp(accounts), await setUp(accounts)]
    const [unverified, unwilling] = kits as [(typeof kits)[0], (typeof kits)[0]]
    await verify(unwilling.userId)
    await set(unwilling.userId, 'reconnect-needed', { mail: false })
    for (const kit of kits) await run(kit, dead)
    expect((await accounts.web.getNotificationPreferences({ userId: unverified.userId })).mail).toBe('unverified')
    await delay(4000)
    const rows = await accounts.db.query('SELECT FROM notifications WHERE mail_due_at IS NOT NULL AND user_id = ANY ($1)', [
      kits.map(({ userId }) => userId),
    ])
    expect(rows).toEqual([])
    for (const { person } of kits)
      expect(server.mails.filter(({ to, subject }) => to.includes(person.user.email!) && subject === 'Reconnect Diary')).toEqual([])
  })

  test('that were changed elsewhere meanwhile are not overwritten', async () => {
    const { user } = await accounts.signUp()
    const seen = await accounts.web.getNotificationPreferences({ userId: user.id })
    const etag = etagOf(seen)!
    await set(user.id, 'storage-full', { mail: false }, etag)
    expect(await kindThrown(set(user.id, 'storage-full', { mail: true }, etag))).toBe('conflict')
    expect((await accounts.web.getNotificationPreferences({ userId: user.id })).preferences['storage-full'].mail).toBe(false)
    expect((await set(user.id, 'storage-full', { mail: true })).preferences['storage-full'].mail).toBe(true)
  })
})
