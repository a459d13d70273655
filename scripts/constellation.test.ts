import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { serviceNames, type ServiceName } from '@asheville/core'
import pg from 'pg'
import { type Constellation, type ConstellationOptions, startConstellation } from './constellation.ts'
import { freePortBlock, portOf } from './service-ports.ts'
import { alive } from './processes/process-table.ts'

const standIn = join(import.meta.dirname, 'fixtures', 'stand-in.ts')
const broken = join(import.meta.dirname, 'fixtures', 'broken.ts')
const operator = { PATH: process.env['PATH'], AWS_SECRET_ACCESS_KEY: 'not for us', OUTBOUND_ALLOW: '127.0.0.1:9' }

let place: string
let dataDir: string
let lines: string[]
let constellation: Constellation | undefined

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'asheville-start-'))
  dataDir = join(place, 'data')
})
afterEach(async () => {
  await constellation?.close()
  constellation = undefined
})
afterAll(() => rm(place, { recursive: true, force: true }))

async function start(options: Partial<ConstellationOptions> = {}): Promise<Constellation> {
  lines = []
  const onLine = (line: string): void => void lines.push(line)
  constellation = await startConstellation({ env: operator, dataDir, port: 0, onLine, entry: () => standIn, ...options })
  return constellation
}

const pidsOf = (running: Constellation): number[] => running.names.flatMap((name) => running.pids[name] ?? [])

async function ask(running: Constellation, service: ServiceName, path = '/env'): Promise<{ env: Record<string, string>; pid: number }> {
  const response = await fetch(`http://127.0.0.1:${portOf(service, running.port)}${path}`)
  return (await response.json()) as { env: Record<string, string>; pid: number }
}

async function until(condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`It did not happen within ${withinMs} ms; said: ${lines.join(' | ')}`)
    await sleep(30)
  }
}

describe('starting', () => {
  test('gives every service what it needs and no other service its secrets; nothing of it is readable by others', async () => {
    const running = await start()
    const environments = Object.fromEntries(
      await Promise.all(serviceNames.map(async (name) => [name, (await ask(running, name)).env] as const)),
    ) as Record<ServiceName, Record<string, string>>
    const who = (variable: string): string[] => serviceNames.filter((name) => environments[name][variable] !== undefined)
    expect(who('CREDENTIAL_KEYS')).toEqual(['accounts'])
    expect(who('WEB_SECRET')).toEqual(['web'])
    expect(who('DATABASE_URL')).toEqual(['accounts', 'platform'])
    expect(environments.accounts['DATABASE_URL']).not.toBe(environments.platform['DATABASE_URL'])
    expect(who('OUTBOUND_ALLOW')).toEqual(['accounts', 'workers', 'platform'])
    expect(who('AWS_SECRET_ACCESS_KEY')).toEqual([])
    expect(new Set(serviceNames.map((name) => environments[name]['SERVICE_PRIVATE_KEY'])).size).toBe(serviceNames.length)
    for (const file of ['secrets.json', 'run.json']) expect((await stat(join(dataDir, file))).mode & 0o077).toBe(0)
    for (const folder of ['files', 'logs', 'postgres']) expect((await stat(join(dataDir, folder))).mode & 0o077).toBe(0)
    expect(lines.filter((line) => line.includes('web warning: a warning (its cause)'))).toHaveLength(1)
    await running.close()
    expect(await readFile(join(dataDir, 'logs', 'web.log'), 'utf8')).toContain('"msg":"a warning"')
  })

  test('a second one on the same data is refused while the first runs; what was stored is there later, under the same secrets', async () => {
    const first = await start()
    const before = await readFile(join(dataDir, 'secrets.json'), 'utf8')
    const script = `import { startConstellation } from ${JSON.stringify(join(import.meta.dirname, 'constellation.ts'))}
      await startConstellation({ env: {}, dataDir: ${JSON.stringify(dataDir)}, port: 0 })`
    const second = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(second.stderr).toContain('already runs')
    await query(first.env.accounts['DATABASE_URL'] ?? '', 'CREATE SCHEMA accounts; CREATE TABLE accounts.kept AS SELECT 1 AS one')
    await expect(query(first.env.platform['DATABASE_URL'] ?? '', 'SELECT * FROM accounts.kept')).rejects.toThrow(/permission/)
    await first.close()

    const again = await start()
    expect(await query(again.env.accounts['DATABASE_URL'] ?? '', 'SELECT one FROM accounts.kept')).toEqual([{ one: 1 }])
    expect(await readFile(join(dataDir, 'secrets.json'), 'utf8')).toBe(before)
  })

  test('a taken port is named, and nothing is started', async () => {
    const port = await freePortBlock()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(port + 3, '127.0.0.1', resolve))
    await expect(start({ port, dataDir: join(place, 'never') })).rejects.toThrow(`Port ${port + 3} (for platform) is taken`)
    expect(existsSync(join(place, 'never', 'postgres'))).toBe(false)
    await new Promise((resolve) => other.close(resolve))
  })

  test('a taken port is named also where several processes are to share it', async () => {
    const port = await freePortBlock()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen({ port: port + 4, host: '127.0.0.1', reusePort: true }, resolve))
    const never = start({ port, dataDir: join(place, 'never'), processes: { workers: 2 } })
    await expect(never).rejects.toThrow(`Port ${port + 4} (for workers) is taken`)
    await new Promise((resolve) => other.close(resolve))
  })

  test('a service that cannot start is named with its reason, and everything is stopped again', async () => {
    const entry = (name: ServiceName): string => (name === 'conductor' ? broken : standIn)
    await expect(start({ entry })).rejects.toThrow(/conductor could not be started.*The environment is not right/)
    expect(existsSync(join(dataDir, 'run.json'))).toBe(false)
  })

  test("with the operator's own Postgres and Redis nothing is embedded; ones that cannot be used are named", async () => {
    const env = { ...operator, DATABASE_URL: process.env['TEST_DATABASE_URL'], REDIS_URL: process.env['TEST_REDIS_URL'] }
    const running = await start({ env, dataDir: join(place, 'outside') })
    expect(Object.keys(running.pids).sort()).toEqual([...serviceNames].sort())
    expect((await ask(running, 'platform')).env['DATABASE_URL']).toBe(env.DATABASE_URL)
    expect((await ask(running, 'workers')).env['REDIS_URL']).toBe(env.REDIS_URL)
    await running.close()
    const nowhere = { ...env, DATABASE_URL: 'postgres://127.0.0.1:9/none' }
    await expect(start({ env: nowhere, dataDir: join(place, 'outside') })).rejects.toThrow(/DATABASE_URL cannot be used: .*ECONNREFUSED/)
    const deaf = { ...env, REDIS_URL: 'redis://127.0.0.1:9' }
    await expect(start({ env: deaf, dataDir: join(place, 'outside') })).rejects.toThrow(/REDIS_URL cannot be used: .*ECONNREFUSED/)
  })

  test('lost secrets are not made anew over data that needs the old ones', async () => {
    const file = join(dataDir, 'secrets.json')
    const text = await readFile(file, 'utf8')
    await rm(file)
    await expect(start()).rejects.toThrow(/secrets.json is missing/)
    await writeFile(file, text, { mode: 0o600 })
  })
})

describe('running', () => {
  test('what crashes is started again, said once down and once back: a service, Postgres, Redis', async () => {
    const running = await start()
    for (const name of ['accounts', 'postgres', 'redis'] as const) {
      const before = running.pids[name]
      running.kill(name)
      await until(() => lines.includes(`${name} is back`))
      expect(running.pids[name]).not.toBe(before)
      expect(lines.filter((line) => line.startsWith(`${name} stopped`))).toHaveLength(1)
      expect(lines.filter((line) => line === `${name} is back`)).toHaveLength(1)
    }
    expect(await query(running.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('several processes of a service share its port; each is one of its own, and the others go on without it', async () => {
    const running = await start({ env: { ...operator, PROCESSES: 'workers:3' }, processes: { accounts: 2 } })
    expect(running.names.filter((name) => /workers|accounts/.test(name)).sort()).toEqual([
      'accounts',
      'accounts-2',
      'workers',
      'workers-2',
      'workers-3',
    ])
    expect(new Set(pidsOf(running)).size).toBe(10)
    const answered = async (): Promise<Map<string, number>> => {
      const found = new Map<string, number>()
      for (let asked = 0; asked < 60 && found.size < 3; asked += 1) {
        const { env, pid } = await ask(running, 'workers', '/close')
        found.set(`${env['INSTANCE']} ${env['SCRATCH_DIR']?.split('/').at(-1)}`, pid)
      }
      return found
    }
    const before = await answered()
    expect([...before.keys()].sort()).toEqual(['1 workers', '2 workers-2', '3 workers-3'])
    expect((await ask(running, 'web')).env['INSTANCE']).toBeUndefined()

    await running.stop('workers-2')
    expect(running.isReady('workers-2')).toBe(false)
    await sleep(600)
    expect(running.pids['workers-2']).toBeUndefined()
    for (let asked = 0; asked < 20; asked += 1) expect((await ask(running, 'workers', '/close')).env['INSTANCE']).not.toBe('2')
    await running.start('workers-2')
    expect(running.isReady('workers-2')).toBe(true)
    expect(running.pids['workers-2']).not.toBe(before.get('2 workers-2'))
    expect(lines).not.toContainEqual(expect.stringContaining('workers stopped'))
  })

  test('what is stopped stays down until it is started: a service, Postgres, Redis', async () => {
    const running = await start()
    for (const name of ['platform', 'postgres', 'redis'] as const) {
      await running.stop(name)
      await sleep(600)
      expect(running.pids[name]).toBeUndefined()
      await running.start(name)
      expect(running.isReady(name)).toBe(true)
      // Up already: nothing to do.
      const pid = running.pids[name]
      await running.start(name)
      expect(running.pids[name]).toBe(pid)
    }
    await running.stop('postgres')
  })

  test('close ends everything, also what hangs, within ten seconds', async () => {
    const running = await start()
    const pids = pidsOf(running)
    expect(pids).toHaveLength(7)
    running.kill('workers', 'SIGSTOP')
    const started = Date.now()
    await running.close()
    expect(Date.now() - started).toBeLessThan(10_000)
    expect(pids.filter(alive)).toEqual([])
  })
})

describe('a launcher that is killed', () => {
  test('takes everything with it; the next start finds the data as they were', async () => {
    const script = `import { startConstellation } from ${JSON.stringify(join(import.meta.dirname, 'constellation.ts'))}
      const { pids } = await startConstellation({ env: process.env, dataDir: ${JSON.stringify(dataDir)}, port: 0, entry: () => ${JSON.stringify(standIn)} })
      process.stdout.write(JSON.stringify(Object.values(pids)))`
    const launcher = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [output] = (await once(launcher.stdout, 'data')) as [Buffer]
    const pids = JSON.parse(output.toString()) as number[]
    expect(pids.filter(alive)).toHaveLength(7)
    launcher.kill('SIGKILL')
    lines = []
    await until(() => pids.filter(alive).length === 0)
    const again = await start()
    expect(lines.filter((line) => line.includes('left behind'))).toEqual([])
    expect(await query(again.databaseUrl, 'SELECT one FROM accounts.kept')).toEqual([{ one: 1 }])
  })
})

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
