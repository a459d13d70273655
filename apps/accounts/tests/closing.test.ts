import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Closing } from '@asheville/clients'
import { testRedis } from '@asheville/testkit'
import { addClosing } from '../src/closing/closings.ts'
import { goOtherwise, personTables } from '../src/closing/person-tables.ts'
import { returnLease, takeLease } from './lease-calls.ts'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { device, errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'
import { setUp } from './sync-kit.ts'

let accounts: RunningAccounts
let redis: Awaited<ReturnType<typeof testRedis>>
let server: OAuthServer
let owner: Person
beforeAll(async () => {
  ;[server, redis] = await Promise.all([startOAuthServer(), testRedis()])
  accounts = await startAccounts({ redisUrl: redis.url })
  owner = await accounts.signUp()
})
afterAll(async () => {
  await accounts.close()
  await Promise.all([server.close(), redis.close()])
})

const nothing = { items: 0, pages: 0, media: 0, others: 0, jobs: 0 }

async function connect({ user, session }: Person, account: string = randomUUID()) {
  const sessionId = session.id
  const body = { provider: 'meadow', fields: { server: server.url }, sessionId, reconnects: null }
  const step = await accounts.web.beginConnect({ userId: user.id, body })
  if (step.next !== 'authorize') throw new Error('connected at once')
  const callback = server.authorize(step.url, account)
  return (await accounts.web.finishConnect({ userId: user.id, body: { provider: 'meadow', sessionId, callback } })).connection
}

async function close({ user, session }: Person, more: object = {}): Promise<string> {
  const linkToken = randomBytes(32).toString('base64url')
  const body = { current: 'correct horse', sessionId: session.id, linkToken, removesFiles: false, ...more }
  await accounts.web.closeAccount({ userId: user.id, body })
  return body.linkToken
}

const report = (linkToken: string) => accounts.web.findClosing({ body: { linkToken } })

async function until(linkToken: string, holds: (closing: Closing) => boolean): Promise<Closing> {
  for (;;) {
    const closing = await report(linkToken)
    if (holds(closing)) return closing
    await delay(100)
  }
}

const isDone = ({ step }: Closing) => step === 'done'

/** What the conductor does with what it finds in the outbox for this person; answers what it was told. */
async function forget({ user }: Person, linkToken: string): Promise<unknown> {
  await until(linkToken, ({ step }) => step === 'forget')
  const { messages } = await accounts.conductor.claimOutbox({ body: { limit: 500 } })
  await accounts.conductor.acknowledgeOutbox({ body: { ids: messages.map(({ id }) => id) } })
  await accounts.conductor.noteForgotten({ userId: user.id, body: { ...nothing, items: 7 } })
  return messages.find(({ kind, userId }) => kind === 'forget-person' && userId === user.id)?.payload
}

/** Every table and column where this text stands. */
async function placesOf(text: string): Promise<string[]> {
  const columns = await accounts.db.query<{ table: string; column: string }>(
    `SELECT table_name AS table, column_name AS column FROM information_schema.columns WHERE table_schema = 'accounts'`,
  )
  const found: string[] = []
  for (const { table, column } of columns) {
    const rows = await accounts.db.query(`SELECT FROM "${table}" WHERE "${column}"::text LIKE $1`, [`%${text}%`])
    if (rows.length > 0) found.push(`${table}.${column}`)
  }
  return found
}

describe('which tables have rows of people', () => {
  test('all are known, each once', async () => {
    const rows = await accounts.db.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'accounts' AND column_name = 'user_id'`,
    )
    const known = personTables.map(({ name }) => name)
    expect([...known].sort()).toEqual([...rows.map(({ name }) => name), 'walks'].sort())
    expect(goOtherwise.every((name) => known.includes(name))).toBe(true)
  })

  test('whoever points at a person, or at something of theirs, goes with it', async () => {
    const rows = await accounts.db.query<{ place: string }>(
      `SELECT conrelid::regclass || ' → ' || confrelid::regclass AS place FROM pg_constraint
       WHERE contype = 'f' AND connamespace = 'accounts'::regnamespace AND confdeltype NOT IN ('c', 'n')`,
    )
    expect(rows).toEqual([])
  })
})

test('an account is closed: nothing goes on, access is given back, and a tombstone is left', async () => {
  const email = `${randomUUID()}@example.org`
  const alice = await accounts.signUp(email)
  const userId = alice.user.id
  const connection = await connect(alice)
  await connect(alice)
  const grants = server.grants.slice(-2)
  const { sync } = await accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })
  const at = { userId, params: { connectionId: connection.id, stream: 'posts' } }
  const stream = { userId, ...at.params }
  const take = () => takeLease(accounts.workers, 'a worker', { ...stream, syncId: sync.id, streamVersion: 1 })
  const { lease } = await take()

  const linkToken = await close(alice)
  expect(await report(linkToken)).toMatchObject({
    jobs: 4,
    sessions: 1,
    forgotten: null,
    finishedAt: null,
    storages: [{ provider: 'local', files: 'kept' }],
  })
  expect(await kindThrown(accounts.web.checkSession({ body: { token: alice.token } }))).toBe('unauthenticated')
  expect(await errorOf(accounts.web.createSession({ body: { email, password: 'correct horse', device } }))).toMatchObject({
    kind: 'unauthenticated',
    message: 'This account is closed',
  })
  expect(await take()).toEqual({ lease: null })
  expect(await kindThrown(accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } }))).toBe('conflict')
  expect(await kindThrown(accounts.workers.getAccess({ userId, params: { connectionId: connection.id }, body: { rejected: null } }))).toBe(
    'conflict',
  )
  const told = await accounts.conductor.claimOutbox({ body: { limit: 500 } })
  expect(told.messages.filter((message) => message.userId === userId)).toMatchObject([{ kind: 'stop-work' }])

  // Whoever holds a stream is told so, and waited for.
  expect(await accounts.workers.renewLease({ ...at, body: { fence: lease!.fence } })).toMatchObject({ mustStop: true })
  await delay(1500)
  expect((await report(linkToken)).step).toBe('stop')
  await returnLease(accounts.workers, { ...stream, fence: lease!.fence, outcome: { kind: 'yielded' } })

  expect(await forget(alice, linkToken)).toEqual({
    networks: ['meadow'],
    connections: [expect.any(String), expect.any(String)],
    removes: [],
  })
  const closing = await until(linkToken, isDone)
  const given = { provider: 'meadow', server: server.url, outcome: 'revoked', reason: null, tries: 1 }
  expect(closing).toMatchObject({ forgotten: { items: 7 }, grants: [given, given] })
  expect(closing.rows).toMatchObject({ users: 1, connections: 3, sync_jobs: 4, syncs: 1 })
  expect(grants.map(({ isRevoked }) => isRevoked)).toEqual([true, true])
  for (const known of [userId, email, connection.id, connection.accountId, alice.session.id]) expect(await placesOf(known)).toEqual([])
  expect(await accounts.db.query('SELECT step FROM closings WHERE user_id IS NULL AND token_hash IS NOT NULL')).toEqual([{ step: 'done' }])
  expect(await kindThrown(accounts.web.getUser({ userId }))).toBe('not-found')
  // Said again: the same closing, nothing more.
  await close(alice, { linkToken })

  await accounts.db.query("UPDATE closings SET finished_at = now() - interval '31 days' WHERE token_hash IS NOT NULL")
  expect(await kindThrown(report(linkToken))).toBe('not-found')
})

test('a provider that does not answer is asked again; then the report says so, and the tokens go all the same', async () => {
  const bob = await accounts.signUp()
  await connect(bob)
  const before = server.counts.revocations
  const linkToken = await close(bob)
  server.script.isDown = true
  try {
    await forget(bob, linkToken)
    const trying = await until(linkToken, ({ grants }) => grants[0]!.tries >= 2)
    expect(trying).toMatchObject({ step: 'revoke', grants: [{ outcome: 'pending', reason: expect.stringContaining('did not answer') }] })
    // What needs no token is gone already.
    expect(await placesOf(bob.user.email!)).toEqual([])
    expect(await accounts.db.query('SELECT FROM credentials WHERE user_id = $1', [bob.user.id])).toHaveLength(2)
    await accounts.db.query("UPDATE closings SET created_at = now() - interval '25 hours', claimable_at = now() WHERE user_id = $1", [
      bob.user.id,
    ])
    const closing = await until(linkToken, isDone)
    expect(closing.grants).toMatchObject([{ outcome: 'failed', reason: expect.stringContaining('did not answer') }])
    expect(server.counts.revocations).toBe(before)
    expect(await placesOf(bob.user.id)).toEqual([])
  } finally {
    server.script.isDown = false
  }
})

test('a provider that is back is told', async () => {
  const bob = await accounts.signUp()
  await connect(bob)
  const linkToken = await close(bob)
  server.script.isDown = true
  await forget(bob, linkToken)
  await until(linkToken, ({ grants }) => grants[0]!.tries >= 1)
  server.script.isDown = false
  const { grants } = await until(linkToken, isDone)
  expect(grants).toMatchObject([{ outcome: 'revoked', reason: null }])
  expect(server.grants.at(-1)).toMatchObject({ isRevoked: true })
})

test('access that is given while the account is being closed is given back too', async () => {
  const eve = await accounts.signUp()
  const sessionId = eve.session.id
  const body = { provider: 'meadow', fields: { server: server.url }, sessionId, reconnects: null }
  const step = await accounts.web.beginConnect({ userId: eve.user.id, body })
  if (step.next !== 'authorize') throw new Error('connected at once')
  const before = server.grants.length
  const linkToken = randomBytes(32).toString('base64url')
  // Whoever comes back from the network waits for the person's row, which the one who closes has.
  const connecting = accounts.db.transaction(async (tx) => {
    await tx.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [eve.user.id])
    const callback = server.authorize(step.url, randomUUID())
    const finished = accounts.web.finishConnect({ userId: eve.user.id, body: { provider: 'meadow', sessionId, callback } })
    const kind = kindThrown(finished)
    while (server.grants.length === before) await delay(10)
    await tx.query('UPDATE users SET closing_at = now() WHERE id = $1', [eve.user.id])
    const report = { jobs: 0, sessions: 1, grants: [], storages: [], forgotten: null, rows: null }
    await addClosing(tx, eve.user.id, { id: randomUUID(), linkToken, removesFiles: false, report })
    return { kind }
  })
  expect(await (await connecting).kind).toBe('conflict')
  await accounts.db.query('DELETE FROM sessions WHERE user_id = $1', [eve.user.id])
  await forget(eve, linkToken)
  expect(await until(linkToken, isDone)).toMatchObject({ grants: [{ provider: 'meadow', outcome: 'revoked' }] })
  expect(server.grants.at(-1)).toMatchObject({ isRevoked: true })
  expect(await placesOf(eve.user.id)).toEqual([])
})

test('a worker that never answers again holds nothing up for long, and an outbox message that is lost is written again', async () => {
  const { person, userId, sync, lease } = await setUp(accounts)
  await lease((await sync()).sync.id)
  const linkToken = await close(person)
  await accounts.db.query("UPDATE closings SET created_at = now() - interval '46 seconds' WHERE user_id = $1", [userId])
  await until(linkToken, ({ step }) => step === 'forget')
  const asked = () => accounts.db.query<{ kind: string }>('SELECT kind FROM outbox WHERE user_id = $1', [userId])
  await accounts.db.query('DELETE FROM outbox WHERE user_id = $1', [userId])
  await accounts.db.query('UPDATE closings SET attempts = 18 WHERE user_id = $1', [userId])
  while ((await asked()).length === 0) await delay(100)
  expect(await asked()).toEqual([{ kind: 'forget-person' }])
  await accounts.conductor.noteForgotten({ userId, body: nothing })
  expect(await until(linkToken, isDone)).toMatchObject({ grants: [], forgotten: nothing })
})

test('it takes the person: their password, and their own session', async () => {
  const carol = await accounts.signUp()
  expect(await errorOf(close(carol, { current: 'wrong horse' }))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/current' }] })
  expect(await errorOf(close(carol, { current: null }))).toMatchObject({ kind: 'invalid' })
  expect(await kindThrown(close(carol, { sessionId: owner.session.id }))).toBe('not-found')
  expect((await accounts.web.checkSession({ body: { token: carol.token } })).user.id).toBe(carol.user.id)
})

test('the owner stays while others have accounts; the last one may go, and whoever comes next is the owner', async () => {
  expect(await errorOf(close(owner))).toMatchObject({ kind: 'conflict', message: expect.stringContaining('the last') })
  const alone = await startAccounts()
  try {
    const { user, session } = await alone.signUp()
    const linkToken = randomBytes(32).toString('base64url')
    const body = { current: 'correct horse', sessionId: session.id, linkToken, removesFiles: true }
    await alone.web.closeAccount({ userId: user.id, body })
    expect((await alone.signUp()).user.role).toBe('owner')
    while ((await alone.web.findClosing({ body: { linkToken } })).step !== 'forget') await delay(100)
    const { messages } = await alone.conductor.claimOutbox({ body: { limit: 10 } })
    expect(messages).toMatchObject([{ kind: 'forget-person', payload: { networks: [], connections: [], removes: [expect.any(String)] } }])
    expect(await alone.web.findClosing({ body: { linkToken } })).toMatchObject({ storages: [{ files: 'removed' }] })
  } finally {
    await alone.close()
  }
})

test('an export has everything of the person, nothing of others, and no secrets', async () => {
  const dora = await accounts.signUp()
  const connection = await connect(dora)
  const { accessToken, refreshToken } = server.grants.at(-1)!
  await accounts.conductor.createSync({ userId: dora.user.id, body: { trigger: 'person', connectionIds: null } })
  const response = await accounts.web.exportPerson({ userId: dora.user.id })
  expect(response.headers.get('cache-control')).toBe('no-store')
  const text = await response.text()
  const document = JSON.parse(text) as Record<string, Record<string, unknown>[]>
  expect(document['person']).toMatchObject({ id: dora.user.id, email: dora.user.email })
  expect(document['connections']).toHaveLength(2)
  expect(document['connections']).toContainEqual(expect.objectContaining({ id: connection.id, accountId: connection.accountId }))
  expect(document['sessions']).toMatchObject([{ device: 'Test', address: '192.0.2.1' }])
  expect(document['identities']).toMatchObject([{ provider: 'local', providerUserId: dora.user.email }])
  expect(document['syncJobs']).toHaveLength(2)
  expect(document['streams']).toHaveLength(2)
  for (const table of personTables)
    if ('not' in table.exported) expect(document['leftOut']).toHaveProperty(table.name)
    else expect(document).toHaveProperty(table.exported.as)

  const secrets = [accessToken, refreshToken, dora.token, owner.user.id, 'correct horse', '$argon2', '$scrypt']
  const [{ hash }] = (await accounts.db.query<{ hash: string }>('SELECT hash FROM passwords WHERE user_id = $1', [dora.user.id])) as [
    { hash: string },
  ]
  for (const secret of [...secrets, hash]) expect(text).not.toContain(secret)
  const bytes = await accounts.db.query<{ sealed: Uint8Array }>(
    'SELECT sealed FROM credentials WHERE user_id = $1 UNION ALL SELECT token_hash FROM sessions WHERE user_id = $1',
    [dora.user.id],
  )
  for (const { sealed } of bytes) {
    expect(text).not.toContain(Buffer.from(sealed).toString('hex'))
    expect(text).not.toContain(Buffer.from(sealed).toString('base64'))
  }
})
