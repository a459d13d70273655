import { join } from 'node:path'
import type { LogFile } from '../processes/log-file.ts'
import { lastWordsOf } from '../processes/log-lines.ts'
import { supervise, type Supervised, type SupervisedOptions } from '../processes/supervise.ts'
import type { Secrets } from '../secrets.ts'
import type { Environment } from '../environment.ts'
import { checkDatabase, prepareDatabases } from './databases.ts'
import { privatePort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { checkRedis, startRedis } from './redis.ts'

export interface InfrastructureOptions {
  env: Environment
  dataDir: string
  secrets: Secrets
  logOf(name: string): LogFile
  say(line: string): void
  progress(line: string): void
  onPid(name: 'postgres' | 'redis'): (pid: number | null) => void
}

export interface Addresses {
  /** The superuser's, or the operator's own. */
  databaseUrl: string
  databaseUrls: { accounts: string; platform: string; queue: string }
  redisUrl: string
}

/** Postgres and Redis: the operator's where `DATABASE_URL` / `REDIS_URL` name them, else our own, kept running. */
export function superviseInfrastructure(options: InfrastructureOptions): {
  supervised: { name: 'postgres' | 'redis'; process: Supervised }[]
  ready: Promise<Addresses>
} {
  const { env, progress, secrets } = options
  const supervised: { name: 'postgres' | 'redis'; process: Supervised }[] = []
  const databaseUrl = env['DATABASE_URL'] ?? ''
  const redisUrl = env['REDIS_URL'] ?? ''

  async function database(): Promise<Omit<Addresses, 'redisUrl'>> {
    if (databaseUrl !== '') {
      await checkDatabase(databaseUrl)
      return { databaseUrl, databaseUrls: { accounts: databaseUrl, platform: databaseUrl, queue: databaseUrl } }
    }
    const postgres = embeddedPostgres(options)
    supervised.push({ name: 'postgres', process: postgres.process })
    await postgres.process.ready
    const { admin, ...databaseUrls } = await prepareDatabases(postgres.url(), secrets)
    progress('Postgres is ready')
    return { databaseUrl: admin, databaseUrls }
  }

  async function redis(): Promise<string> {
    if (redisUrl !== '') {
      await checkRedis(redisUrl)
      return redisUrl
    }
    const embedded = embeddedRedis(options)
    supervised.push({ name: 'redis', process: embedded.process })
    await embedded.process.ready
    progress(`Redis is ready (${embedded.kind()})`)
    return embedded.url()
  }

  const ready = Promise.all([database(), redis()]).then(([addresses, url]) => ({ ...addresses, redisUrl: url }))
  // Awaited later, when the rest has been loaded.
  ready.catch(() => undefined)
  return { supervised, ready }
}

function embeddedPostgres({ dataDir, secrets, ...options }: InfrastructureOptions): { process: Supervised; url(): string } {
  const directory = join(dataDir, 'postgres')
  const output = outputOf('postgres', options)
  let port: number | undefined
  let url = ''
  const process = supervise({
    ...output.supervision,
    start: async (onSpawn) => {
      port ??= await privatePort(directory)
      const settings = { max_connections: '200' }
      const postgres = await startPostgres({
        directory,
        port,
        password: secrets.postgresPassword,
        settings,
        onLine: output.onLine,
        onSpawn,
      })
      url = postgres.url
      return postgres
    },
  })
  return { process, url: () => url }
}

function embeddedRedis({ dataDir, secrets, env, ...options }: InfrastructureOptions): {
  process: Supervised
  url(): string
  kind(): string
} {
  const directory = join(dataDir, 'redis')
  const output = outputOf('redis', options)
  const prefer = env['EMBEDDED_REDIS'] === 'wasm' ? { prefer: 'wasm' as const } : {}
  let port: number | undefined
  let url = ''
  let kind = ''
  const process = supervise({
    ...output.supervision,
    start: async (onSpawn) => {
      port ??= await privatePort(directory)
      const path = env['PATH'] ?? ''
      const redis = await startRedis({ directory, port, password: secrets.redisPassword, path, ...prefer, onLine: output.onLine, onSpawn })
      url = redis.url
      kind = redis.durable ? redis.kind : `${redis.kind}, in memory: Postgres has everything that must last`
      return redis
    },
  })
  return { process, url: () => url, kind: () => kind }
}

/** Where one of the two writes its lines, and what the supervisor must know of them. */
function outputOf(
  name: 'postgres' | 'redis',
  { logOf, say, onPid }: Pick<InfrastructureOptions, 'logOf' | 'say' | 'onPid'>,
): { onLine(line: string): void; supervision: Omit<SupervisedOptions, 'start'> } {
  const log = logOf(name)
  const tail: string[] = []
  return {
    onLine: (line) => {
      log.write(line)
      tail.push(line)
      if (tail.length > 20) tail.shift()
    },
    supervision: { name, say, onPid: onPid(name), lastWords: () => lastWordsOf(tail) },
  }
}
