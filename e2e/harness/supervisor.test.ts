import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createDatabase, type Database } from '@asheville/database'
import { startConstellation, type Constellation } from '@asheville/scripts'
import { Redis } from 'ioredis'
import { createSupervisor, planOf, type Supervisor } from './index.ts'

const standIn = join(import.meta.dirname, '..', '..', 'scripts', 'fixtures', 'stand-in.ts')

let dataDir: string
let constellation: Constellation
let supervisor: Supervisor
let database: Database

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'asheville-harness-'))
  constellation = await startConstellation({
    env: { PATH: process.env['PATH'] },
    dataDir,
    port: 0,
    processes: { workers: 2 },
    entry: () => standIn,
  })
  supervisor = createSupervisor(() => constellation)
  database = createDatabase({ url: constellation.databaseUrl, schema: 'public', poolSize: 1, queryTimeoutMs: 700 })
}, 60_000)

afterAll(async () => {
  await database?.close()
  await supervisor?.release()
  await constellation?.close()
  await rm(dataDir, { recursive: true, force: true })
}, 60_000)

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/env`, { signal: AbortSignal.timeout(700), headers: { connection: 'close' } }).then(
    ({ ok }) => ok,
    () => false,
  )
const isThere = (): Promise<boolean> =>
  database.query('SELECT 1', []).then(
    () => true,
    () => false,
  )
const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (const deadline = Date.now() + 15_000; !(await condition()); await sleep(50))
    if (Date.now() > deadline) throw new Error('It did not happen')
}

describe('a supervisor', () => {
  test('knows every process by name, and no other', async () => {
    expect([...supervisor.names].sort()).toEqual(['accounts', 'conductor', 'platform', 'postgres', 'redis', 'web', 'workers', 'workers-2'])
    expect(supervisor.names.every(supervisor.isReady)).toBe(true)
    await expect(supervisor.kill('workers-3')).rejects.toThrow('There is no process workers-3')
  })

  test('kills: another process takes its place', async () => {
    for (const name of ['workers-2', 'redis', 'postgres'] as const) {
      const before = constellation.pids[name]
      await supervisor.kill(name)
      expect(supervisor.isReady(name)).toBe(false)
      await supervisor.untilReady()
      expect(constellation.pids[name]).not.toBe(before)
    }
    await until(isThere)
  })

  test('freezes and thaws: the process is the same and says nothing meanwhile; Postgres with all its backends', async () => {
    const before = { ...constellation.pids }
    expect(await isThere()).toBe(true)
    for (const name of ['web', 'postgres']) supervisor.freeze(name)
    expect([supervisor.isReady('web'), supervisor.isReady('postgres'), supervisor.isReady('accounts')]).toEqual([false, false, true])
    expect(await Promise.all([answers(constellation.port), isThere(), answers(constellation.port + 1)])).toEqual([false, false, true])
    for (const name of ['web', 'postgres']) supervisor.thaw(name)
    await until(() => answers(constellation.port))
    await until(isThere)
    expect(constellation.pids).toEqual(before)
  })

  test('stops: it stays down until it is started', async () => {
    await Promise.all(['platform', 'postgres'].map(supervisor.stop))
    await sleep(500)
    expect([constellation.pids.platform, constellation.pids.postgres, await isThere()]).toEqual([undefined, undefined, false])
    await supervisor.release()
    expect([supervisor.isReady('platform'), supervisor.isReady('postgres')]).toEqual([true, true])
    await until(isThere)
  })

  test('restarts gently, and wipes Redis', async () => {
    const before = constellation.pids.conductor
    await supervisor.restart('conductor')
    expect(constellation.pids.conductor).not.toBe(before)
    const redis = new Redis(constellation.redisUrl)
    await redis.set('kept', 'until wiped')
    await supervisor.wipeRedis()
    expect(await redis.dbsize()).toBe(0)
    redis.disconnect()
  })

  test('carries a plan out: every blow at its moment, none on what is down; the same seed strikes the same again', async () => {
    const plan = planOf('plan', {
      kills: 7,
      over: 900,
      among: ['web', 'workers', 'workers-2'],
      once: ['redis'],
      acts: ['kill', 'stop'],
      forMs: [50, 100],
    })
    const struck = await supervisor.carryOut(plan)
    expect(struck.map(({ pid: _, position: __, ...blow }) => blow)).toEqual(plan)
    struck.forEach(({ at, position }) => expect(position).toBeGreaterThanOrEqual(at))
    expect(new Set(struck.map(({ pid }) => pid)).size).toBe(plan.length)
    await supervisor.untilReady()
  })

  test('what is over is struck no more', async () => {
    const over = new AbortController()
    setTimeout(() => over.abort(), 200)
    const blow = { name: 'web', act: 'kill', forMs: 0 } as const
    expect(
      await supervisor.carryOut(
        [
          { ...blow, at: 50 },
          { ...blow, at: 60_000 },
        ],
        { signal: over.signal },
      ),
    ).toHaveLength(1)
    await supervisor.untilReady()
  })
})
