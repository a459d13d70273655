import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whether a process of this number runs (a zombie does not). */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  return statOf(pid)?.state !== 'Z'
}

/**
 * What tells this process from a later one of the same number: when it started. null when there is no such process.
 * Linux tells it in /proc/<pid>/stat (proc(5)), others through ps.
 */
export function identityOf(pid: number): string | null {
  if (!alive(pid)) return null
  if (process.platform === 'linux') return statOf(pid)?.started ?? null
  const ps = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
  return ps.status === 0 && ps.stdout.trim() !== '' ? ps.stdout.trim() : null
}

/** The command line, arguments separated by spaces; null when it cannot be known. */
export function commandOf(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    } catch {
      return null
    }
  }
  const ps = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  return ps.status === 0 ? ps.stdout.trim() : null
}

/** Sends the signal, waits, and kills what is still there after the deadline. For processes that are not our children. */
export async function endProcess(pid: number, signal: NodeJS.Signals, deadlineMs: number): Promise<void> {
  send(pid, signal)
  const deadline = Date.now() + deadlineMs
  while (alive(pid) && Date.now() < deadline) await sleep(50)
  if (!alive(pid)) return
  send(pid, 'SIGKILL')
  while (alive(pid)) await sleep(20)
}

/** Signals a process; one that is gone already is fine. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function statOf(pid: number): { state: string; started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is a name in parentheses that may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', started: fields[19] ?? '' }
  } catch {
    return null
  }
}
