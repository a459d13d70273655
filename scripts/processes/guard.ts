import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface Guard {
  /** From now on, the process gets this signal when we die. Later ones are ended first. */
  watch(pid: number, signal: 'SIGTERM' | 'SIGINT'): void
  /** It ended by itself, or we ended it. */
  forget(pid: number): void
  /** Nothing is to be ended any more. */
  release(): void
}

/**
 * Ends our children when we cannot: a small shell that reads from us, and so notices when we are gone, however that came
 * (SIGKILL, out of memory). Where there is no shell, children that outlive us are ended by the next start.
 */
export function createGuard(): Guard {
  const child = spawn('/bin/sh', [join(import.meta.dirname, 'guard.sh')], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  child.unref()
  const tell = (line: string) => child.stdin.write(`${line}\n`)
  return {
    watch: (pid, signal) => tell(`watch ${pid} ${signal.slice(3)}`),
    forget: (pid) => tell(`forget ${pid} -`),
    release: () => child.stdin.end('release - -\n'),
  }
}
