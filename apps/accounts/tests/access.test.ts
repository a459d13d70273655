import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Connection } from '@asheville/clients'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { errorOf, kindThrown, startAccounts, type Accounts, type Person, type RunningAccounts } from './start-accounts.ts'

let accounts: RunningAccounts
let server: OAuthServer
let alice: Person
let others: Accounts[]
let closeOthers: () => Promise<void>

beforeAll(async () => {
  server = await startOAuthServer()
  accounts = await startAccounts()
  alice = await accounts.signUp()
  const processes = await Promise.all([accounts.startAnother(), accounts.startAnother()])
  others = processes.map(({ url }) => accounts.clientOf('workers', url))
  closeOthers = async () => void (await Promise.all(processes.map((process) => process.close())))
})
afterAll(async () => {
  await closeOthers()
  await accounts.close()
  await server.close()
})
beforeEach(() => {
  Object.assign(server.script, { delayMs: 0, lifetimeSeconds: 3600, hasRefresh: true, isDown: false })
})

let names = 0
async function connect(): Promise<Connection> {
  const body = { provider: 'meadow', fields: { server: server.url }, sessionId: alice.session.id, reconnects: null }
  const reply = await accounts.web.beginConnect({ userId: alice.user.id, body })
  if (reply.next !== 'authorize') throw new Error('connected at once')
  const callback = server.authorize(reply.url, `account-${(names += 1)}`)
  const done = await accounts.web.finishConnect({
    userId: alice.user.id,
    body: { provider: 'meadow', sessionId: alice.session.id, callback },
  })
  return done.connection
}

const expire = ({ id }: Connection) =>
  accounts.db.query("UPDATE credentials SET expires_at = now() - interval '1 second' WHERE connection_id = $1 AND field = 'access_token'", [
    id,
  ])

const access = (client: Accounts, { id }: Connection, rejected: string | null = null) =>
  client.getAccess({ userId: alice.user.id, params: { connectionId: id }, body: { rejected } })

describe('access tokens', () => {
  test('one that is current is handed out as it is; none where none is needed', async () => {
    const connection = await connect()
    const { refreshes } = server.counts
    expect((await access(accounts.workers, connection)).accessToken).toBe(server.grants.at(-1)!.accessToken)
    expect(server.counts.refreshes).toBe(refreshes)
    const diary = await accounts.connectDiary(alice)
    expect(await access(accounts.workers, diary)).toEqual({ accessToken: null, expiresAt: null })
    expect(
      await kindThrown(
        accounts.workers.getAccess({
          userId: (await accounts.signUp()).user.id,
          params: { connectionId: connection.id },
          body: { rejected: null },
        }),
      ),
    ).toBe('not-found')
  })

  test('50 callers of three processes, five expiries: one refresh each, and no refresh token is used twice', async () => {
    const connection = await connect()
    const clients = [accounts.workers, ...others]
    for (const delayMs of [0, 20, 100, 200, 400]) {
      server.script.delayMs = delayMs
      const { refreshes, reuses } = server.counts
      await expire(connection)
      const replies = await Promise.all(Array.from({ length: 50 }, (_, index) => access(clients[index % 3]!, connection)))
      expect(new Set(replies.map(({ accessToken }) => accessToken))).toEqual(new Set([server.grants.at(-1)!.accessToken]))
      expect(server.counts.refreshes - refreshes).toBe(1)
      expect(server.counts.reuses).toBe(reuses)
    }
  })

  test('a rejected token is renewed once for all who report it; a late report of an old one costs nothing', async () => {
    const connection = await connect()
    const { accessToken: old } = await access(accounts.workers, connection)
    const { refreshes } = server.counts
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) => access(index % 2 ? accounts.workers : others[0]!, connection, old)),
    )
    expect(new Set(replies.map(({ accessToken }) => accessToken)).size).toBe(1)
    expect(replies[0]!.accessToken).not.toBe(old)
    expect((await access(accounts.workers, connection, old)).accessToken).toBe(replies[0]!.accessToken)
    expect(server.counts.refreshes - refreshes).toBe(1)
  })

  test('a dead grant: reconnect-required at once and from then on, one call, announced once', async () => {
    const connection = await connect()
    server.grants.at(-1)!.isRevoked = true
    await expire(connection)
    const { refreshes } = server.counts
    const kinds = await Promise.all(Array.from({ length: 10 }, () => kindThrown(access(accounts.workers, connection))))
    expect(new Set(kinds)).toEqual(new Set(['reconnect-required']))
    expect(await kindThrown(access(others[1]!, connection))).toBe('reconnect-required')
    expect(server.counts.refreshes - refreshes).toBe(1)
    const { state, stateReason } = await accounts.web.getConnection({ userId: alice.user.id, params: { connectionId: connection.id } })
    expect({ state, stateReason }).toEqual({
      state: 'reconnect',
      stateReason: 'Meadow no longer accepts our access. Reconnect it to go on',
    })
    const messages = await accounts.db.query("SELECT FROM outbox WHERE kind = 'reconnect-needed' AND payload->>'connectionId' = $1", [
      connection.id,
    ])
    expect(messages).toHaveLength(1)
  })

  test('a token that cannot be renewed and is refused needs reconnecting', async () => {
    Object.assign(server.script, { hasRefresh: false, lifetimeSeconds: null })
    const connection = await connect()
    const { accessToken, expiresAt } = await access(accounts.workers, connection)
    expect(expiresAt).toBeNull()
    expect(await kindThrown(access(accounts.workers, connection, accessToken))).toBe('reconnect-required')
  })

  test('a provider that is down is unavailable, and nothing is lost', async () => {
    const connection = await connect()
    await expire(connection)
    server.script.isDown = true
    expect((await errorOf(access(accounts.workers, connection))).kind).toBe('unavailable')
    server.script.isDown = false
    expect((await access(accounts.workers, connection)).accessToken).toBe(server.grants.at(-1)!.accessToken)
  })

  test('the refresh is finished although the caller went away', async () => {
    const connection = await connect()
    await expire(connection)
    server.script.delayMs = 300
    const { refreshes } = server.counts
    const call = accounts.workers.getAccess({
      userId: alice.user.id,
      params: { connectionId: connection.id },
      body: { rejected: null },
      signal: AbortSignal.timeout(100),
    })
    expect(await kindThrown(call)).toBe('cancelled')
    expect((await access(others[0]!, connection)).accessToken).toBe(server.grants.at(-1)!.accessToken)
    expect(server.counts.refreshes - refreshes).toBe(1)
  })
})
