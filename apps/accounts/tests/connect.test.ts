import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Connection } from '@asheville/clients'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { perServerNetwork, diary } from './scripted-networks.ts'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

let accounts: RunningAccounts
let server: OAuthServer
let alice: Person
let bob: Person

beforeAll(async () => {
  server = await startOAuthServer()
  accounts = await startAccounts({ networks: [perServerNetwork('meadow'), perServerNetwork('prairie'), diary] })
  ;[alice, bob] = await Promise.all([accounts.signUp(), accounts.signUp()])
})
afterAll(async () => {
  await accounts.close()
  await server.close()
})
afterEach(() => {
  Object.assign(server.script, { isDown: false, answersHtml: false })
})

function begin({ user, session }: Person, { provider = 'meadow', written = server.url, reconnects = null as string | null } = {}) {
  const body = { provider, fields: { server: written }, sessionId: session.id, reconnects }
  return accounts.web.beginConnect({ userId: user.id, body })
}

async function authorizeUrl(person: Person, options: Parameters<typeof begin>[1] = {}): Promise<string> {
  const reply = await begin(person, options)
  if (reply.next !== 'authorize') throw new Error('connected at once')
  return reply.url
}

function finish({ user, session }: Person, callback: Record<string, string>, provider = 'meadow') {
  return accounts.web.finishConnect({ userId: user.id, body: { provider, sessionId: session.id, callback } })
}

async function connect(person: Person, account: string, options: Parameters<typeof begin>[1] = {}): Promise<Connection> {
  const url = await authorizeUrl(person, options)
  return (await finish(person, server.authorize(url, account), options.provider)).connection
}

const listOf = async ({ user }: Person) => (await accounts.web.listConnections({ userId: user.id, query: { kind: 'network' } })).connections

describe('fields', () => {
  test('tested before it is saved; what is wrong is told at its field', async () => {
    const connection = await accounts.connectDiary(alice, 'alice')
    expect(connection).toMatchObject({ kind: 'network', provider: 'diary', accountId: 'alice', state: 'active' })
    const { connections } = await accounts.web.listConnections({ userId: alice.user.id, query: { kind: 'storage' } })
    expect(connection.storageId).toBe(connections[0]?.id)
    const before = (await listOf(alice)).length
    expect(await errorOf(accounts.connectDiary(alice, 'nobody'))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/name' }] })
    expect(await errorOf(accounts.connectDiary(alice, ' '))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/name' }] })
    expect(await errorOf(begin(alice, { provider: 'unheard-of' }))).toMatchObject({ kind: 'invalid' })
    expect(await listOf(alice)).toHaveLength(before)
  })

  test('the same account again is the same connection', async () => {
    const first = await accounts.connectDiary(alice, 'again')
    const second = await accounts.connectDiary(alice, 'again')
    expect(second.id).toBe(first.id)
    expect((await accounts.connectDiary(bob, 'again')).id).not.toBe(first.id)
  })
})

describe('OAuth with a server of the person’s choice', () => {
  test('registers once, uses state and PKCE, tests the account, seals the tokens', async () => {
    const registrations = server.counts.registrations
    const urls = await Promise.all([authorizeUrl(alice), authorizeUrl(alice), authorizeUrl(bob)])
    expect(server.counts.registrations).toBe(registrations + 1)
    const { searchParams } = new URL(urls[0]!)
    expect(searchParams.get('code_challenge_method')).toBe('S256')
    expect(searchParams.get('redirect_uri')).toBe('http://localhost:3000/connect/meadow/callback')
    expect(searchParams.get('scope')).toBe('read')

    const { connection } = await finish(alice, server.authorize(urls[0]!, 'alice'))
    expect(connection).toMatchObject({ accountId: 'alice', handle: '@alice', server: server.url, state: 'active' })
    const rows = await accounts.db.query<{ all: string }>('SELECT credentials::text AS all FROM credentials WHERE connection_id = $1', [
      connection.id,
    ])
    const { accessToken, refreshToken } = server.grants.at(-1)!
    expect(rows).toHaveLength(2)
    for (const { all } of rows)
      for (const token of [accessToken, refreshToken]) expect(all).not.toContain(Buffer.from(token).toString('hex'))
    const { streams } = await accounts.web.listStreams({ userId: alice.user.id })
    expect(streams.filter(({ connectionId }) => connectionId === connection.id).map(({ stream }) => stream)).toEqual(['likes', 'posts'])
  })

  test('without PKCE where the server does not know it', async () => {
    const url = await authorizeUrl(alice, { written: `${server.url}#nopkce` })
    expect(new URL(url).searchParams.has('code_challenge')).toBe(false)
    expect((await finish(alice, server.authorize(url, 'plain'))).connection.accountId).toBe('plain')
  })

  test('two tabs and two networks at once all succeed', async () => {
    const [one, two, three] = await Promise.all([authorizeUrl(alice), authorizeUrl(alice), authorizeUrl(alice, { provider: 'prairie' })])
    const connections = await Promise.all([
      finish(alice, server.authorize(three, 'tab'), 'prairie'),
      finish(alice, server.authorize(two, 'tab-two')),
      finish(alice, server.authorize(one, 'tab-one')),
    ])
    expect(connections.map(({ connection }) => connection.accountId)).toEqual(['tab', 'tab-two', 'tab-one'])
  })

  test('forged, replayed, late, another session’s, person’s or provider’s answers are refused and link nothing', async () => {
    const before = [await listOf(alice), await listOf(bob)]
    const refused = async (call: Promise<unknown>) => expect(await kindThrown(call)).toBe('forbidden')
    const mallory = server.authorize(await authorizeUrl(bob), 'mallory')
    await refused(finish(alice, mallory))
    await refused(finish(alice, { ...mallory, state: 'made-up' }))
    await refused(finish(alice, { code: mallory['code']! }))
    const mine = server.authorize(await authorizeUrl(alice), 'mine')
    await refused(finish(alice, mine, 'prairie'))
    const { session } = await accounts.web.createSession({
      body: { email: alice.user.email!, password: 'correct horse', device: { userAgent: 'Other', address: '192.0.2.2' } },
    })
    await refused(finish({ ...alice, session }, mine))
    await refused(finish({ ...bob, session: alice.session }, mine))
    await refused(finish(alice, { ...mine, iss: 'https://elsewhere.example' }))
    const late = server.authorize(await authorizeUrl(alice), 'late')
    await accounts.db.query("UPDATE oauth_transactions SET expires_at = now() - interval '1 second' WHERE user_id = $1", [alice.user.id])
    await refused(finish(alice, late))
    expect([await listOf(alice), await listOf(bob)]).toEqual(before)

    const once = server.authorize(await authorizeUrl(alice), 'once')
    const kinds = await Promise.all([kindThrown(finish(alice, once)), kindThrown(finish(alice, once)), kindThrown(finish(alice, once))])
    expect(kinds.sort()).toEqual(['forbidden', 'forbidden', 'none'])
  })

  test('an answer that arrives after signing out is refused', async () => {
    const person = await accounts.signUp()
    const callback = server.authorize(await authorizeUrl(person), 'gone')
    await accounts.web.endSession({ body: { token: person.token } })
    expect(await kindThrown(finish(person, callback))).toBe('forbidden')
    expect(await kindThrown(begin(person))).toBe('forbidden')
  })

  test('the person may decline; a code may be bad; the server may forget us', async () => {
    const state = new URL(await authorizeUrl(alice)).searchParams.get('state')!
    const declined = await errorOf(finish(alice, { state, error: 'access_denied' }))
    expect(declined).toMatchObject({ kind: 'invalid', message: `You did not allow access at ${server.host}, so nothing was connected` })
    const callback = server.authorize(await authorizeUrl(alice), 'bad')
    expect(await errorOf(finish(alice, { ...callback, code: 'other' }))).toMatchObject({ kind: 'invalid' })

    const forgotten = server.authorize(await authorizeUrl(alice), 'forgotten')
    server.forgetClients()
    expect((await errorOf(finish(alice, forgotten))).message).toContain('Connect again')
    const registrations = server.counts.registrations
    expect((await connect(alice, 'remembered')).accountId).toBe('remembered')
    expect(server.counts.registrations).toBe(registrations + 1)
  })

  test('a wrong server is told at its field', async () => {
    server.script.answersHtml = true
    const html = await errorOf(begin(alice))
    expect(html).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/server' }] })
    expect(html.message).toContain('does not look like Meadow')
    Object.assign(server.script, { answersHtml: false, isDown: true })
    expect(await kindThrown(begin(alice))).toBe('unavailable')
    expect(await errorOf(begin(alice, { written: '' }))).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/server' }] })
  })

  test('reconnect: the same account keeps its connection, another is a conflict that says so', async () => {
    const first = await connect(alice, 'kept')
    await accounts.db.query("UPDATE connections SET state = 'reconnect' WHERE id = $1", [first.id])
    await accounts.db.query("UPDATE streams SET head = 'mark' WHERE connection_id = $1", [first.id])
    const error = await errorOf(connect(alice, 'other', { reconnects: first.id }))
    expect(error).toMatchObject({ kind: 'conflict' })
    expect(error.message).toContain('@other')
    expect((await listOf(alice)).some(({ accountId }) => accountId === 'other')).toBe(false)
    const again = await connect(alice, 'kept', { reconnects: first.id })
    expect(again).toMatchObject({ id: first.id, state: 'active', stateReason: null })
    expect(await accounts.db.query("SELECT FROM streams WHERE connection_id = $1 AND head = 'mark'", [first.id])).toHaveLength(2)
    expect(await kindThrown(begin(bob, { reconnects: first.id }))).toBe('not-found')
    expect(await kindThrown(begin(alice, { provider: 'prairie', reconnects: first.id }))).toBe('conflict')
  })
})

describe('disconnecting', () => {
  test('revokes upstream, deletes the tokens, and is gone; connected again it is the same one', async () => {
    const connection = await connect(alice, 'leaver')
    const grant = server.grants.at(-1)!
    const path = { userId: alice.user.id, params: { connectionId: connection.id } }
    expect(await kindThrown(accounts.web.removeConnection({ ...path, userId: bob.user.id }))).toBe('not-found')
    await accounts.web.removeConnection(path)
    expect(grant.isRevoked).toBe(true)
    expect(await accounts.db.query('SELECT FROM credentials WHERE connection_id = $1', [connection.id])).toEqual([])
    expect(await kindThrown(accounts.web.getConnection(path))).toBe('not-found')
    expect(await kindThrown(accounts.web.removeConnection(path))).toBe('not-found')
    expect(await kindThrown(accounts.workers.getAccess({ ...path, body: { rejected: null } }))).toBe('not-found')
    expect((await listOf(alice)).some(({ id }) => id === connection.id)).toBe(false)
    expect((await connect(alice, 'leaver')).id).toBe(connection.id)
  })

  test('goes through although the provider is down', async () => {
    const connection = await connect(alice, 'unreachable')
    server.script.isDown = true
    await accounts.web.removeConnection({ userId: alice.user.id, params: { connectionId: connection.id } })
    expect(await accounts.db.query('SELECT FROM credentials WHERE connection_id = $1', [connection.id])).toEqual([])
  })

  test('a storage that networks are copied to stays', async () => {
    const { connections } = await accounts.web.listConnections({ userId: alice.user.id, query: { kind: 'storage' } })
    const error = await errorOf(accounts.web.removeConnection({ userId: alice.user.id, params: { connectionId: connections[0]!.id } }))
    expect(error).toMatchObject({ kind: 'conflict' })
    expect(error.message).toContain('Disconnect it first')
  })
})

test('no token, code, secret or password is in any log line', () => {
  const all = accounts.lines.join('\n')
  for (const { accessToken, refreshToken } of server.grants) {
    expect(all).not.toContain(accessToken)
    expect(all).not.toContain(refreshToken)
  }
  expect(all).not.toContain(alice.token)
  expect(all).not.toContain('correct horse')
})
