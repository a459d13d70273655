import { fork, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Instance } from '@asheville/e2e/instance.ts'
import { linesOf } from '../scripts/processes/lines.ts'
import { createLogFile } from '../scripts/processes/log-file.ts'

/** Starts a file beside this one in a process of its own, as the launcher starts those of our services: with as much memory, and its log kept beside theirs. */
export function forkLikeService({ files }: Pick<Instance, 'files'>, file: string, args: readonly string[]): ChildProcess {
  const child = fork(join(import.meta.dirname, file), args, {
    execArgv: ['--max-semi-space-size=8', '--max-old-space-size=384'],
    env: { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const log = createLogFile(join(files, '../logs', `${basename(file, '.ts')}.log`))
  linesOf(child, log.write)
  child.once('exit', () => void log.close())
  return child
}

/** CPU time that the processes of all services have used since they started, in ms: proc_pid_stat(5), of which a tick is 10 ms. */
export async function cpuOfServices({ constellation }: Instance): Promise<number> {
  const { pids, names } = constellation
  const services = names.filter((name) => name !== 'redis' && name !== 'postgres')
  const times = await Promise.all(services.map((name) => cpuOf(pids[name])))
  return times.reduce((sum, one) => sum + one, 0)
}

/** The same of one process. */
export function cpuOf(pid: number | undefined): Promise<number> {
  return sumOfTicks(pid, [11, 12])
}

/** The same of one process and its children who have ended and were waited for. */
export function cpuWithChildren(pid: number | undefined): Promise<number> {
  return sumOfTicks(pid, [11, 12, 13, 14])
}

async function sumOfTicks(pid: number | undefined, fieldsOfTimes: readonly number[]): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The second field is a name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fieldsOfTimes.reduce((sum, field) => sum + Number(fields[field]), 0) * 10
}

/** The peak resident set of a process since it started, in bytes: proc_pid_status(5). */
export async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  if (kibibytes === undefined) throw new Error('The kernel does not tell the peak')
  return Number(kibibytes) * 1024
}
