import { readFile } from 'node:fs/promises'
import type { Instance } from '@asheville/e2e/instance.ts'

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
