import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Connection } from '@asheville/clients'
import { connectRedis, disconnect, type Redis } from '@asheville/redis'
import { findTokens } from '../src/queries/credentials.ts'
import { createSealing } from '../src/sealing.ts'
import type { AccountsProcess } from './accounts-process.ts'
import { startOAuthServer, type OAuthServer } from './oauth-server.ts'
import { kindThrown, startAccounts, type Accounts, type Person, type RunningAccounts } from './start-accounts.ts'

/*
 * One refresh per expiry, however many ask and whoever dies, of a provider that takes every refresh token once and ends the grant of
 * one that comes twice. In full: REFRESH_ROUNDS=100 REFRESH_KILLS=50 npm test -- apps/accounts/tests/refresh
 */
const rounds = Number(process.env['REFRESH_ROUNDS'] ?? 6)
const kills = Number(process.env['REFRESH_KILLS'] ?? 1)
const callers = 50
const grantsPerKill = 5

/** The provider's pause in each round: mostly 0.2 s, now and then 3 s, and in the full run 30 s, which nobody's call outlasts. */
const pauseOf = (round: number) => (round % 20 === 19 ? 30_000 : round % 5 === 4 ? 3000 : 200)

let accounts: RunningAccounts
let server: OAuthServer
let alice: Person
let redis: Redis
const processes: { child: ChildProcess; client: Accounts }[] = []

beforeAll(async () => {
  server = await startOAuthServer()
  accounts = await startAccounts()
  alice = await accounts.signUp()
  redis = connectRedis(accounts.redisUrl)
  processes.push(...(await Promise.all(Array.from({ length: 5 }, () => startProcess()))))
}, 120_000)

afterAll(async () => {
  for (const { child } of processes) child.kill('SIGKILL')
  disconnect(redis)
  await accounts.close()
  await server.close()
})

async function startProcess(): Promise<(typeof processes)[number]> {
  const { databaseUrl, redisUrl, publicKeys } = accounts
  const credentialKeys = accounts.credentialKeys.map(({ id, secret }) => `${id}:${secret.toString('base64')}`).join(',')
  const wanted: AccountsProcess = { databaseUrl, redisUrl, publicKeys, credentialKeys }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'accounts-process.ts'), JSON.stringify(wanted)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, client: accounts.clientOf('workers', line.toString().trim()) }
}

let names = 0
async function connect(): Promise<Connection> {
  const { user, session } = alice
  const body = { provider: 'meadow', fields: { server: server.url }, sessionId: session.id, reconnects: null }
  const reply = await accounts.web.beginConnect({ userId: user.id, body })
  if (reply.next !== 'authorize') throw new Error('connected at once')
  const callback = server.authorize(reply.url, `account-${(names += 1)}`)
  const done = await accounts.web.finishConnect({ userId: user.id, body: { provider: 'meadow', sessionId: session.id, callback } })
  return done.connection
}

const expire = ({ id }: Connection) =>
  accounts.db.query("UPDATE credentials SET expires_at = now() - interval '1 second' WHERE connection_id = $1 AND field = 'access_token'", [
    id,
  ])

const grantOf = ({ accountId }: Connection) => server.grants.find(({ account }) => account === accountId)!

const access = (client: Accounts, { id }: Connection) =>
  client.getAccess({ userId: alice.user.id, params: { connectionId: id }, body: { rejected: null } })

/** As a worker does: asks again while it is unavailable. */
async function patiently(client: Accounts, connection: Connection): Promise<string | null> {
  for (;;) {
    try {
      return (await access(client, connection)).accessToken
    } catch (error) {
      if ((error as { kind?: string }).kind !== 'unavailable') throw error
      await delay(200)
    }
  }
}

const say = (what: string, figures: object) => process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`)

test(
  `${callers} callers of 5 processes, ${rounds} expiries: one refresh each`,
  async () => {
    const connection = await connect()
    const before = { ...server.counts }
    const pauses = new Map<number, number>()
    for (let round = 0; round < rounds; round += 1) {
      const delayMs = pauseOf(round)
      server.script.delayMs = delayMs
      pauses.set(delayMs, (pauses.get(delayMs) ?? 0) + 1)
      await expire(connection)
      const asked = Array.from({ length: callers }, (_, index) => patiently(processes[index % 5]!.client, connection))
      if (round % 2 === 1) await redis.flushdb()
      expect(new Set(await Promise.all(asked))).toEqual(new Set([grantOf(connection).accessToken]))
    }
    const refreshes = server.counts.refreshes - before.refreshes
    const reuses = server.counts.reuses - before.reuses
    say('Refresh', { expiries: rounds, refreshes, reuses, callers, processes: 5, pauses: Object.fromEntries(pauses) })
    expect({ refreshes, reuses }).toEqual({ refreshes: rounds, reuses: 0 })
  },
  120_000 + rounds * 30_000,
)

test(
  `${kills} kills of the holder of ${grantsPerKill} refreshes: no grant is lost but what the provider had renewed and nobody could store`,
  async () => {
    const sealing = createSealing(accounts.credentialKeys)
    const figures = { kills, refreshesInFlight: 0, betweenReplyAndCommit: 0, lost: 0, lostOtherwise: 0 }
    server.script.delayMs = 200
    for (let kill = 0; kill < kills; kill += 1) {
      const connections = await Promise.all(Array.from({ length: grantsPerKill }, connect))
      await Promise.all(connections.map(expire))
      const holder = processes[0]!
      const { refreshes } = server.counts
      const abandoned = connections.map((connection) => access(holder.client, connection).catch(() => null))
      while (server.counts.refreshes < refreshes + grantsPerKill) await delay(1)
      const others = connections.map((connection, index) => {
        const token = patiently(processes[1 + (index % 4)]!.client, connection)
        return token.then(
          (accessToken) => ({ accessToken, kind: 'none' }),
          (error: { kind?: string }) => ({ accessToken: null, kind: error.kind }),
        )
      })
      // Around the reply, where it hurts.
      await delay(150 + Math.random() * 70)
      holder.child.kill('SIGKILL')
      await Promise.all([once(holder.child, 'exit'), ...abandoned])
      const stored = await Promise.all(
        connections.map((connection) => findTokens(accounts.db, alice.user.id, { id: connection.id, provider: 'meadow' }, sealing)),
      )
      const isUnstored = connections.map((connection, index) => stored[index]!.refreshToken !== grantOf(connection).refreshToken)
      const unfinished = stored.filter((tokens) => tokens!.refreshing !== null).length
      figures.refreshesInFlight += unfinished
      figures.betweenReplyAndCommit += isUnstored.filter(Boolean).length
      const [fresh, ends] = await Promise.all([startProcess(), Promise.all(others)])
      processes[0] = fresh
      for (const [index, { accessToken, kind }] of ends.entries()) {
        const isLost = kind === 'reconnect-required'
        if (isLost) figures.lost += 1
        else expect(accessToken).toBe(grantOf(connections[index]!).accessToken)
        if (isLost && !isUnstored[index]) figures.lostOtherwise += 1
      }
    }
    say('Refresh, holder killed', figures)
    expect(figures.lostOtherwise).toBe(0)
    expect(figures.lost).toBeLessThanOrEqual(figures.betweenReplyAndCommit)
  },
  120_000 + kills * 60_000,
)

test('a dead grant: reconnect after one call, and none from then on', async () => {
  const connection = await connect()
  grantOf(connection).isRevoked = true
  await expire(connection)
  const { refreshes } = server.counts
  server.script.delayMs = 200
  const kinds = await Promise.all(
    Array.from({ length: callers }, (_, index) => kindThrown(patiently(processes[index % 5]!.client, connection))),
  )
  expect(new Set(kinds)).toEqual(new Set(['reconnect-required']))
  for (const { client } of processes) expect(await kindThrown(patiently(client, connection))).toBe('reconnect-required')
  say('Refresh, dead grant', { calls: server.counts.refreshes - refreshes })
  expect(server.counts.refreshes - refreshes).toBe(1)
  const { state } = await accounts.web.getConnection({ userId: alice.user.id, params: { connectionId: connection.id } })
  expect(state).toBe('reconnect')
}, 120_000)
