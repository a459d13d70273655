import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import { connectRedis, disconnect, isReadyWithin, type Redis } from '@asheville/redis'
import { testRedis } from '@asheville/testkit'
import { privatePort } from '../../../scripts/embedded/ports.ts'
import { startRedis } from '../../../scripts/embedded/redis.ts'
import { device, kindThrown, startAccounts, type Accounts, type Person, type RunningAccounts } from './start-accounts.ts'
import { startTunnel } from './start-tunnel.ts'

type Tunnel = Awaited<ReturnType<typeof startTunnel>>

interface Scene {
  accounts: RunningAccounts
  /** The ways to them. */
  postgres: Tunnel
  redis: Tunnel
  /** Redis itself, whatever the way. */
  keys: Redis
}

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.reverse()) await close()
  closing.length = 0
})

/** Accounts with ways to Postgres and Redis that can be cut and frozen. */
async function setTheScene(redisUrl?: string): Promise<Scene> {
  const own = redisUrl === undefined ? await testRedis() : null
  const url = redisUrl ?? own?.url ?? ''
  const redis = await startTunnel(url)
  let postgres: Tunnel | undefined
  const through = async (direct: string) => {
    postgres = await startTunnel(direct)
    return postgres.url
  }
  const accounts = await startAccounts({ through, redisUrl: redis.url })
  const keys = connectRedis(url)
  await isReadyWithin(keys, 5000)
  closing.push(
    () => own?.close(),
    () => redis.close(),
    () => postgres?.close(),
    () => disconnect(keys),
    () => accounts.close(),
  )
  return { accounts, postgres: postgres!, redis, keys }
}

const hashOf = (token: string) => createHash('sha256').update(token).digest()
const keyOf = (token: string) => `accounts:session:${hashOf(token).toString('base64url')}`
const check = (client: Accounts, token: string) => kindThrown(client.checkSession({ body: { token } }))

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It did not happen within 15 s')
    await delay(20)
  }
}

const isMirrored = async (keys: Redis, token: string) => (await keys.hexists(keyOf(token), 'session')) === 1
const isEnded = async (keys: Redis, token: string) => (await keys.hexists(keyOf(token), 'ended')) === 1
const signIn = async ({ web }: Pick<RunningAccounts, 'web'>, { user }: Person) =>
  web.createSession({ body: { email: user.email!, password: 'correct horse', device } })

describe('the mirror', () => {
  test('has each session under the hash of its token, until its end, and the hashes of each person', async () => {
    const { accounts, keys } = await setTheScene()
    const person = await accounts.signUp()
    await until(() => isMirrored(keys, person.token))
    const stored = await keys.hgetall(keyOf(person.token))
    expect(JSON.stringify(stored)).not.toContain(person.token)
    expect(await keys.smembers(`accounts:sessions:${person.user.id}`)).toEqual([hashOf(person.token).toString('base64url')])
    expect(Math.abs((await keys.pexpiretime(keyOf(person.token))) - Date.parse(person.session.expiresAt))).toBeLessThan(1000)
    await accounts.web.endSession({ body: { token: person.token } })
    await until(() => isEnded(keys, person.token))
    expect(await keys.exists(`accounts:sessions:${person.user.id}`)).toBe(0)
    await until(async () => (await accounts.db.query('SELECT FROM ended_sessions')).length === 0)
  }, 60_000)

  test('with Postgres away it answers; use is noted there, and told to Postgres later', async () => {
    const { accounts, postgres, keys } = await setTheScene()
    const person = await accounts.signUp()
    await until(() => isMirrored(keys, person.token))
    for (const mode of ['cut', 'frozen'] as const) {
      postgres.set(mode)
      const session = await accounts.web.checkSession({ body: { token: person.token } })
      expect(session).toEqual(person.session)
      expect((await accounts.web.listSessions({ userId: person.user.id })).sessions.map(({ id }) => id)).toEqual([person.session.id])
      expect(await check(accounts.web, 'x'.repeat(43))).toBe('unavailable')
      postgres.set('open')
      await until(async () => (await fetch(`${accounts.url}/readyz`)).ok)
    }
    postgres.set('cut')
    // As if it had been used last an hour ago.
    const [used, idle] = (await keys.hmget(keyOf(person.token), 'used', 'idle')).map(Number) as [number, number]
    await accounts.db.query(
      "UPDATE sessions SET last_used_at = last_used_at - interval '1 hour', idle_expires_at = idle_expires_at - interval '1 hour'",
    )
    await keys.hset(keyOf(person.token), 'used', used - 3_600_000, 'idle', idle - 3_600_000)
    const moved = await accounts.web.checkSession({ body: { token: person.token } })
    expect(Date.parse(moved.expiresAt)).toBeGreaterThanOrEqual(Date.parse(person.session.expiresAt))
    postgres.set('open')
    await until(async () => {
      const [row] = await accounts.db.query<{ isTold: boolean }>('SELECT idle_expires_at = $1::timestamptz AS "isTold" FROM sessions', [
        moved.expiresAt,
      ])
      return row?.isTold === true
    })
  }, 90_000)

  test('an idle or absolute end counts there as well', async () => {
    const { accounts, postgres, keys } = await setTheScene()
    const [one, two] = [await accounts.signUp(), await accounts.signUp()]
    await until(async () => (await isMirrored(keys, one.token)) && (await isMirrored(keys, two.token)))
    postgres.set('cut')
    await keys.hset(keyOf(one.token), 'idle', Date.now() - 1)
    const stored = JSON.parse((await keys.hget(keyOf(two.token), 'session'))!) as object
    await keys.hset(keyOf(two.token), 'session', JSON.stringify({ ...stored, endsAt: Date.now() - 1 }))
    expect([await check(accounts.web, one.token), await check(accounts.web, two.token)]).toEqual(['unauthenticated', 'unauthenticated'])
  }, 60_000)
})

describe('what was ended stays so', () => {
  test('one, and all others, on every process within a second', async () => {
    const { accounts } = await setTheScene()
    const another = await accounts.startAnother()
    closing.push(() => another.close())
    const processes = [accounts.web, accounts.clientOf('web', another.url)]
    const figures: number[] = []
    for (let round = 0; round < 10; round += 1) {
      const person = await accounts.signUp()
      const others = await Promise.all([signIn(accounts, person), signIn(accounts, person)])
      const first = processes[round % 2]!
      if (round < 5) await first.revokeSession({ userId: person.user.id, params: { sessionId: others[0].session.id } })
      else {
        const { ended } = await first.revokeSessions({ userId: person.user.id, body: { except: person.session.id } })
        expect(ended).toBe(2)
      }
      const endedAt = performance.now()
      for (const client of processes) await until(async () => (await check(client, others[0].token)) === 'unauthenticated')
      figures.push(performance.now() - endedAt)
      expect(await check(processes[1]!, others[1].token)).toBe(round < 5 ? 'none' : 'unauthenticated')
      expect(await check(processes[1]!, person.token)).toBe('none')
    }
    process.stderr.write(`ended sessions: dead on 2 processes after ${Math.round(Math.max(...figures))} ms at most, of 10\n`)
    expect(Math.max(...figures)).toBeLessThan(1000)
  }, 120_000)

  test('when Redis was away, and Postgres is when it is back; when it knows, Postgres may go', async () => {
    for (const mode of ['cut', 'frozen'] as const) {
      const { accounts, postgres, redis, keys } = await setTheScene()
      const person = await accounts.signUp()
      const kept = await signIn(accounts, person)
      await until(async () => (await isMirrored(keys, person.token)) && (await isMirrored(keys, kept.token)))
      redis.set(mode)
      expect(await check(accounts.web, person.token)).toBe('none')
      await accounts.web.revokeSession({ userId: person.user.id, params: { sessionId: person.session.id } })
      const endedAt = performance.now()
      expect(await check(accounts.web, person.token)).toBe('unauthenticated')
      process.stderr.write(`ended with Redis ${mode}: dead after ${Math.round(performance.now() - endedAt)} ms\n`)
      // Redis still says otherwise, and nobody is there to tell it.
      expect(await isMirrored(keys, person.token)).toBe(true)
      postgres.set('cut')
      redis.set('open')
      const end = Date.now() + 2500
      const seen = new Set<string>()
      while (Date.now() < end) seen.add(await check(accounts.web, person.token)).add(await check(accounts.web, kept.token))
      expect([...seen]).toEqual(['unavailable'])
      postgres.set('open')
      await until(() => isEnded(keys, person.token))
      expect([await check(accounts.web, person.token), await check(accounts.web, kept.token)]).toEqual(['unauthenticated', 'none'])
      await until(async () => {
        postgres.set('cut')
        const known = await check(accounts.web, kept.token)
        if (known === 'none') return true
        postgres.set('open')
        await delay(500)
        return false
      })
      expect(await check(accounts.web, person.token)).toBe('unauthenticated')
    }
  }, 120_000)

  test('when Redis comes back with what it held before, or with nothing', async () => {
    const port = await privatePort('sessions-mirror')
    const start = () => startRedis({ directory: null, port, password: 'secret', prefer: 'wasm' })
    let server = await start()
    closing.push(() => server.close())
    const { accounts, postgres, keys } = await setTheScene(server.url)
    const person = await accounts.signUp()
    const kept = await signIn(accounts, person)
    await until(async () => (await isMirrored(keys, person.token)) && (await isMirrored(keys, kept.token)))
    const epoch = await keys.get('accounts:sessions-epoch')
    const names = (await keys.keys('accounts:*')).sort()
    const old = await Promise.all(names.map(async (name) => [name, await keys.dumpBuffer(name)] as const))
    expect(names).toHaveLength(4)

    await accounts.web.revokeSession({ userId: person.user.id, params: { sessionId: person.session.id } })
    await until(async () => (await isEnded(keys, person.token)) && (await accounts.db.query('SELECT FROM ended_sessions')).length === 0)
    postgres.set('cut')
    await server.close()
    server = await start()
    await until(() => isReadyWithin(keys, 100))
    for (const [name, value] of old) await keys.restore(name, 0, value)
    expect(await isMirrored(keys, person.token)).toBe(true)
    const seen = new Set<string>()
    for (const end = Date.now() + 2500; Date.now() < end;)
      seen.add(await check(accounts.web, person.token)).add(await check(accounts.web, kept.token))
    expect([...seen]).toEqual(['unavailable'])

    // What it held is not believed any more; what lives is put there again.
    postgres.set('open')
    await until(async () => ![epoch, null].includes(await keys.hget(keyOf(kept.token), 'epoch')))
    expect(await check(accounts.web, person.token)).toBe('unauthenticated')
    postgres.set('cut')
    await until(async () => (await check(accounts.web, kept.token)) === 'none')
    expect(await check(accounts.web, person.token)).toBe('unavailable')
    postgres.set('open')
    await until(async () => (await fetch(`${accounts.url}/readyz`)).ok)

    await keys.flushall()
    await until(() => isMirrored(keys, kept.token))
    postgres.set('cut')
    expect(await check(accounts.web, kept.token)).toBe('none')
  }, 120_000)

  test('with the person who is gone', async () => {
    const { accounts, keys } = await setTheScene()
    const person = await accounts.signUp()
    await until(() => isMirrored(keys, person.token))
    await accounts.db.query('DELETE FROM users WHERE id = $1', [person.user.id])
    expect(await check(accounts.web, person.token)).toBe('unauthenticated')
    await until(() => isEnded(keys, person.token))
    const values = await Promise.all((await keys.keys('accounts:session:*')).map((key) => keys.hgetall(key)))
    expect(JSON.stringify([values, await keys.keys('*')])).not.toContain(person.user.id)
  }, 60_000)
})

describe('outages', () => {
  test('sign-in needs Postgres and not Redis; readiness names which is away; with neither nobody is let in', async () => {
    const { accounts, postgres, redis, keys } = await setTheScene()
    const person = await accounts.signUp()
    await until(() => isMirrored(keys, person.token))
    const readiness = async () => {
      const response = await fetch(`${accounts.url}/readyz`)
      const { checks } = (await response.json()) as { checks: Record<string, { ok: boolean }> }
      return [response.status, checks['postgres']?.ok, checks['redis']?.ok]
    }
    for (const mode of ['cut', 'frozen'] as const) {
      redis.set(mode)
      const { token } = await signIn(accounts, person)
      expect(await check(accounts.web, token)).toBe('none')
      expect(await readiness()).toEqual([503, true, false])
      redis.set('open')
      await until(() => isMirrored(keys, token))
    }
    const figures: number[] = []
    const calls = [
      () => check(accounts.web, person.token),
      () => check(accounts.web, 'x'.repeat(43)),
      () => kindThrown(signIn(accounts, person)),
      () => kindThrown(accounts.web.listSessions({ userId: person.user.id })),
      () => kindThrown(accounts.web.revokeSessions({ userId: person.user.id, body: { except: null } })),
      () => kindThrown(accounts.web.endSession({ body: { token: person.token } })),
    ]
    for (const mode of ['cut', 'frozen'] as const) {
      postgres.set(mode)
      redis.set(mode)
      for (let round = 0; round < 3; round += 1) {
        const kinds = await Promise.all(
          calls.map(async (call) => {
            const startedAt = performance.now()
            const kind = await call()
            figures.push(performance.now() - startedAt)
            return kind
          }),
        )
        // Before it is noticed Redis may still tell who has which session.
        expect(kinds.slice(1)).toEqual(calls.slice(1).map(() => 'unavailable'))
        expect(kinds[0]).toBe('unavailable')
      }
      redis.set('open')
      postgres.set('open')
      await until(async () => (await fetch(`${accounts.url}/readyz`)).ok)
    }
    process.stderr.write(
      `Postgres and Redis both away: ${figures.length} replies, the slowest after ${Math.round(Math.max(...figures))} ms\n`,
    )
    expect(Math.max(...figures)).toBeLessThan(2500)
    expect(await check(accounts.web, person.token)).toBe('none')
  }, 120_000)
})
