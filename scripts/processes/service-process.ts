import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { linesOf } from './lines.ts'
import type { Running } from './supervise.ts'
import { send } from './process-table.ts'

export interface ServiceProcessOptions {
  entry: string
  env: Record<string, string>
  /** Restart it whenever a file that it imports changes. */
  watch: boolean
  /** Others of the service listen on the same port, so that it has to tell by itself (`ready`, over IPC) that it listens too. */
  isOneOfSeveral: boolean
  /** Where it tells that it is ready. */
  readyUrl: string
  readyWithinMs: number
  onLine(line: string): void
  onSpawn(child: ChildProcess): void
}

/**
 * Keeps V8 from taking memory merely because it is there: a worker peaks at the same size for 1,000 and for 100,000 items
 * (measured; without it at 1.6 times), and a leak ends as a restart, not as a machine that swaps.
 */
const heapArgs = ['--max-semi-space-size=8', '--max-old-space-size=384']

/**
 * Keeps glibc from holding on to what was freed: big buffers go back to the system at once, and threads share few arenas
 * (mallopt(3); no other C library reads these). It is a fifth of a worker's peak.
 */
const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' }

/** Starts one service under the Node that runs us; resolves when `/readyz` says so. Rejects when it ends before. */
export async function startServiceProcess(options: ServiceProcessOptions): Promise<Running> {
  const { entry, env, watch, isOneOfSeveral, readyUrl, readyWithinMs, onLine, onSpawn } = options
  const args = [...(watch ? ['--watch', '--watch-preserve-output'] : []), '--disable-warning=ExperimentalWarning', ...heapArgs, entry]
  // A group of its own: Ctrl-C in the terminal is the launcher's to handle, and a watcher ends with what it watches.
  const stdio = ['ignore', 'pipe', 'pipe', ...(isOneOfSeveral ? (['ipc'] as const) : [])] as const
  const child = spawn(process.execPath, args, { env: { ...allocator, ...env }, detached: true, stdio: [...stdio] })
  const ended = new AbortController()
  child.once('error', () => ended.abort())
  child.once('exit', () => ended.abort())
  onSpawn(child)
  linesOf(child, onLine)
  const told = isOneOfSeveral ? untilTold(child, readyWithinMs, ended.signal) : Promise.resolve()
  await told
    .then(() => untilReady(readyUrl, readyWithinMs, ended.signal))
    .catch((error: unknown) => {
      signalGroup(child, 'SIGKILL')
      throw error
    })
  return {
    child,
    close: async (deadlineMs) => {
      if (ended.signal.aborted) return
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      child.kill('SIGTERM')
      const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), deadlineMs)
      await exited
      clearTimeout(timer)
    },
  }
}

async function untilTold(child: ChildProcess, withinMs: number, ended: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([ended, AbortSignal.timeout(withinMs)])
  await new Promise<void>((resolve, reject) => {
    const fail = (): void =>
      reject(new Error(ended.aborted ? 'it ended while starting' : `it was not ready within ${Math.round(withinMs / 1000)} s`))
    child.on('message', (message) => {
      if (message === 'ready') resolve()
    })
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}

async function untilReady(url: string, withinMs: number, ended: AbortSignal): Promise<void> {
  const deadline = Date.now() + withinMs
  while (Date.now() < deadline) {
    if (ended.aborted) throw new Error('it ended while starting')
    const response = await fetch(url, { signal: AbortSignal.any([ended, AbortSignal.timeout(2_000)]) }).catch(() => null)
    await response?.body?.cancel()
    if (response?.ok === true) return
    await sleep(75, undefined, { signal: ended }).catch(() => undefined)
  }
  throw new Error(`it was not ready within ${Math.round(withinMs / 1000)} s`)
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  if (process.platform === 'win32') child.kill(signal)
  else send(-child.pid, signal)
}
