import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ServiceName } from '@asheville/core'
import { superviseInfrastructure } from './embedded/infrastructure.ts'
import { processCounts, type ProcessCounts } from './process-counts.ts'
import { createGuard } from './processes/guard.ts'
import { createLogFile, type LogFile } from './processes/log-file.ts'
import { lastWordsOf, readableLine } from './processes/log-lines.ts'
import { takeDataDir } from './processes/run-record.ts'
import { startServiceProcess } from './processes/service-process.ts'
import { supervise, type Supervised } from './processes/supervise.ts'
import { loadSecrets } from './secrets.ts'
import type { Environment } from './environment.ts'
import { checkPorts, freePortBlock, portOf, portOrder } from './service-ports.ts'

export { processCounts, type ProcessCounts }

/** `workers`; where there are several, also `workers-2`, `workers-3` … */
export type ProcessName = ServiceName | `${ServiceName}-${number}` | 'postgres' | 'redis'

export interface ConstellationOptions {
  /** The operator's settings, as in `.env.example`; nothing else is read from this process' environment. */
  env: Environment
  /** Where everything is kept; created when it is not there. */
  dataDir: string
  /** Web's port, the other services' are the four after it; 0 takes any five free ones. */
  port: number
  /** How many processes of each service; one unless said here or in `PROCESSES`. They share the service's port. */
  processes?: Partial<ProcessCounts>
  /** Aborting it while starting stops everything again. */
  signal?: AbortSignal
  /** Aborting it kills whatever still runs, so that a `close` under way ends at once. */
  killSignal?: AbortSignal
  /** Progress, crashes, warnings and errors: one line each, for people. */
  onLine?: (line: string) => void
  /** Restart a service when one of its files changes. */
  watch?: boolean
  /** The file that starts a service, where it is not `apps/<service>/src/main.ts`. */
  entry?: (service: ServiceName) => string
}

export interface Constellation {
  /** What people open: `WEB_URL`. */
  url: string
  port: number
  dataDir: string
  /** What each service was given. */
  env: Readonly<Record<ServiceName, Readonly<Record<string, string>>>>
  /** The superuser's (or the operator's own) and Redis': for tests and tools. */
  databaseUrl: string
  redisUrl: string
  /** By name, of what runs now. */
  readonly pids: Partial<Record<ProcessName, number>>
  /** Every process there should be. */
  readonly names: readonly ProcessName[]
  /** Whether it has started and not ended since; one that hangs or is frozen counts as ready. */
  isReady(name: ProcessName): boolean
  /** Sends a signal (SIGKILL unless said otherwise); what ends is started again. */
  kill(name: ProcessName, signal?: NodeJS.Signals): void
  /** Kills it (SIGKILL) and leaves it down; resolves when it is gone. */
  stop(name: ProcessName): Promise<void>
  /** Starts it without further delay if it is down; resolves when it is ready. */
  start(name: ProcessName): Promise<void>
  /** Services first, then Redis, then Postgres: everything gone within ten seconds. May be called twice. */
  close(): Promise<void>
}

/** Stand for what is known once Postgres and Redis run. */
const placeholders = {
  databaseUrls: {
    accounts: 'postgres://localhost/asheville',
    platform: 'postgres://localhost/asheville',
    queue: 'postgres://localhost/asheville',
  },
  redisUrl: 'redis://localhost',
}

/** The order of ending: who calls others goes before them. */
const closeOrder: readonly (readonly (ServiceName | 'postgres' | 'redis')[])[] = [
  ['web', 'workers'],
  ['conductor'],
  ['accounts', 'platform'],
  ['redis'],
  ['postgres'],
]
const closeDeadlinesMs = [4_000, 1_500, 1_500, 1_000, 1_500]
const readyWithinMs = 60_000

/**
 * Starts Postgres and Redis (unless `DATABASE_URL` / `REDIS_URL` are set) and the five services, and keeps them running.
 * Resolves when all are ready; when that fails, everything is stopped again before it rejects.
 */
export async function startConstellation(options: ConstellationOptions): Promise<Constellation> {
  const { env, signal, onLine = () => undefined, watch = false } = options
  const dataDir = resolve(options.dataDir)
  const started = Date.now()
  const progress = (line: string): void => onLine(`${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${line}`)

  await makeDataDir(dataDir)
  const counts = processCounts(watch ? undefined : env['PROCESSES'], options.processes)
  const processes = portOrder.flatMap((service) => namesOf(service, counts[service]))
  const all: ProcessName[] = [...processes.map(({ name }) => name), 'redis', 'postgres']
  const order = closeOrder.flatMap((names) => names.flatMap((name) => all.filter((one) => partOf(one) === name)))
  const record = await takeDataDir(dataDir, order, progress)
  const port = options.port === 0 ? await freePortBlock() : options.port
  await checkPorts(port, env['HOST'] ?? '127.0.0.1').catch((error: unknown) => {
    record.remove()
    throw error
  })
  const guard = createGuard()
  const logs = new Map<string, LogFile>()
  const supervised = new Map<ProcessName, Supervised>()
  const stop = new AbortController()
  const stopped = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  let closing: Promise<void> | undefined
  let isStarting = true

  function onPid(name: ProcessName): (pid: number | null) => void {
    let last: number | null = null
    return (pid) => {
      if (pid === null) {
        if (last !== null) guard.forget(last)
        record.unset(name)
      } else {
        // Those for SIGTERM go first: services still write to both while they end.
        guard.watch(pid, name === 'postgres' || name === 'redis' ? 'SIGINT' : 'SIGTERM')
        record.set(name, pid)
      }
      last = pid
    }
  }

  function logOf(name: string): LogFile {
    const log = logs.get(name) ?? createLogFile(join(dataDir, 'logs', `${name}.log`))
    logs.set(name, log)
    return log
  }

  async function close(): Promise<void> {
    for (const [index, names] of closeOrder.entries()) {
      const group = [...supervised].filter(([name]) => names.includes(partOf(name)))
      await Promise.all(group.map(async ([, process]) => process.close(closeDeadlinesMs[index] ?? 1_000)))
    }
    guard.release()
    record.remove()
    await Promise.all([...logs.values()].map((log) => log.close()))
  }
  const closeOnce = (): Promise<void> => (closing ??= close())

  async function start(): Promise<Pick<Constellation, 'env' | 'databaseUrl' | 'redisUrl'>> {
    const secrets = await loadSecrets(dataDir)
    stopped.throwIfAborted()
    const infrastructure = superviseInfrastructure({ env, dataDir, secrets, logOf, say: onLine, progress, onPid })
    for (const { name, process } of infrastructure.supervised) supervised.set(name, process)
    // Knows every adapter, and loads while Postgres and Redis start.
    const { entryOf, environmentOf, environments } = await import('./services.ts')
    const { checkSettings } = await import('./check-settings.ts')
    checkSettings(environments(env, secrets, { dataDir, port, ...placeholders }))
    const addresses = await infrastructure.ready
    stopped.throwIfAborted()
    const environment = environments(env, secrets, { dataDir, port, ...addresses })
    for (const { name, service, number } of processes) {
      const isOneOfSeveral = counts[service] > 1
      const log = logOf(name)
      const tail: string[] = []
      const onServiceLine = (line: string): void => {
        log.write(line)
        tail.push(line)
        if (tail.length > 50) tail.shift()
        const readable = readableLine(name, line, isStarting)
        if (readable !== null) onLine(readable)
      }
      const process = supervise({
        name,
        say: onLine,
        onPid: onPid(name),
        lastWords: () => lastWordsOf(tail),
        ...(watch ? { firstTries: Infinity } : {}),
        start: (onSpawn) =>
          startServiceProcess({
            entry: (options.entry ?? entryOf)(service),
            env: isOneOfSeveral ? environmentOf(environment[service], number) : environment[service],
            watch,
            isOneOfSeveral,
            readyUrl: `http://127.0.0.1:${portOf(service, port)}/readyz`,
            readyWithinMs,
            onLine: onServiceLine,
            onSpawn,
          }),
      })
      supervised.set(name, process)
    }
    await Promise.all(
      processes.map(async ({ name }) => {
        await supervised.get(name)?.ready
        progress(`${name} is ready`)
      }),
    )
    return { env: environment, databaseUrl: addresses.databaseUrl, redisUrl: addresses.redisUrl }
  }

  options.killSignal?.addEventListener('abort', () => {
    for (const process of supervised.values()) process.kill('SIGKILL')
  })
  const starting = start()
  try {
    const parts = await Promise.race([starting, rejectOnAbort(stopped)])
    isStarting = false
    return {
      ...parts,
      url: parts.env.web['WEB_URL'] ?? `http://localhost:${port}`,
      port,
      dataDir,
      get pids() {
        return Object.fromEntries([...supervised].flatMap(([name, { pid }]) => (pid === null ? [] : [[name, pid]])))
      },
      names: [...supervised.keys()],
      isReady: (name) => supervised.get(name)?.isReady ?? false,
      kill: (name, signalName = 'SIGKILL') => supervised.get(name)?.kill(signalName),
      stop: async (name) => supervised.get(name)?.stop(),
      start: async (name) => supervised.get(name)?.start(),
      close: closeOnce,
    }
  } catch (error) {
    stop.abort()
    await closeOnce()
    // What it was about to do ends at its next step; its failure is the one that we have.
    await starting.catch(() => undefined)
    throw error
  }
}

/** The first of several has the service's own name, so that it is the same process whether it is alone or not. */
function namesOf(service: ServiceName, count: number): { name: ProcessName; service: ServiceName; number: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    name: index === 0 ? service : `${service}-${index + 1}`,
    service,
    number: index + 1,
  }))
}

/** `workers` of `workers-2`. */
function partOf(name: ProcessName): ServiceName | 'postgres' | 'redis' {
  return name.replace(/-\d+$/, '') as ServiceName | 'postgres' | 'redis'
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(new Error('Stopped while starting', { cause: signal.reason }))
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}

async function makeDataDir(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  // What people own is for them alone, also where Postgres' user may pass through the folder above.
  for (const name of ['files', 'scratch', 'logs']) await mkdir(join(dataDir, name), { recursive: true, mode: 0o700 })
}
