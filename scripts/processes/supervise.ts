import type { ChildProcess } from 'node:child_process'
import { send } from './process-table.ts'

/** A process that runs and is ready. */
export interface Running {
  child: ChildProcess
  /** Ends it the gentle way, and kills it after the deadline. */
  close(deadlineMs: number): Promise<void>
}

export interface SupervisedOptions {
  name: string
  /** Spawns it, tells `onSpawn`, and resolves when it is ready; rejects when it ends before or does not get ready. */
  start(onSpawn: (child: ChildProcess) => void): Promise<Running>
  /** Why it ended, for people; from its last lines. */
  lastWords(): string
  say(line: string): void
  onPid(pid: number | null): void
  /** How many starts may fail before the first that succeeds; 3 unless said otherwise. */
  firstTries?: number
}

export interface Supervised {
  readonly name: string
  readonly pid: number | null
  /** Resolves once it is ready for the first time; rejects when it cannot be started. */
  readonly ready: Promise<unknown>
  readonly isReady: boolean
  kill(signal: NodeJS.Signals): void
  /** Kills it; resolves when it is gone, and it stays down until `start`. */
  stop(): Promise<void>
  /** Starts it at once if it is down or about to be started; resolves when it is ready, however often that takes. */
  start(): Promise<void>
  /** Ends it for good. */
  close(deadlineMs: number): Promise<void>
}

const firstDelayMs = 250
const longestDelayMs = 30_000
/** Running for so long, it counts as well again and the next crash as a new one. */
const wellAfterMs = 30_000

/** Keeps a process running: started again when it ends, later each time, said once when it starts failing and once when it is back. */
export function supervise(options: SupervisedOptions): Supervised {
  const { name, say, firstTries = 3 } = options
  let child: ChildProcess | null = null
  let running: Running | null = null
  let failures = 0
  let wasReady = false
  let saidDown = false
  let readyAt = 0
  let timer: NodeJS.Timeout | undefined
  let attempt: Promise<void> = Promise.resolve()
  let isHeld = false
  const awaiting: (() => void)[] = []
  const closing = new AbortController()
  const { promise: ready, resolve, reject } = Promise.withResolvers<undefined>()
  // Whoever asks for it sees the failure; nobody asking is no crash.
  ready.catch(() => undefined)

  function onSpawn(spawned: ChildProcess): void {
    child = spawned
    options.onPid(spawned.pid ?? null)
    spawned.once('exit', () => {
      child = null
      options.onPid(null)
      if (running?.child !== spawned) return
      running = null
      if (Date.now() - readyAt >= wellAfterMs) failures = 0
      if (!closing.signal.aborted) again(spawned.signalCode ?? `exit code ${String(spawned.exitCode)}`)
    })
    if (closing.signal.aborted || isHeld) spawned.kill('SIGKILL')
  }

  async function tryStart(): Promise<void> {
    try {
      const started = await options.start(onSpawn)
      if (started.child.exitCode !== null || started.child.signalCode !== null) throw new Error('it ended at once')
      running = started
      readyAt = Date.now()
      if (saidDown) say(`${name} is back`)
      saidDown = false
      wasReady = true
      resolve(undefined)
      for (const tell of awaiting.splice(0)) tell()
    } catch (error) {
      if (!closing.signal.aborted) again(error instanceof Error ? error.message : String(error))
    }
  }

  function again(reason: string): void {
    if (isHeld) return
    failures += 1
    const words = options.lastWords()
    const why = words === '' || reason.includes(words) ? reason : `${reason}: ${words}`
    if (!wasReady && failures >= firstTries) {
      reject(new Error(`${name} could not be started (${why})`))
      return
    }
    if (!saidDown && wasReady) {
      say(`${name} stopped (${why}); starting it again`)
      saidDown = true
    }
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1))
    timer = setTimeout(() => {
      timer = undefined
      attempt = tryStart()
    }, delay)
  }

  /** With its whole group, for a watcher or a wrapper would die alone. */
  function signalAll(signal: NodeJS.Signals): void {
    if (child?.pid === undefined) return
    if (process.platform === 'win32') child.kill(signal)
    else send(-child.pid, signal)
  }

  attempt = tryStart()
  return {
    name,
    get pid() {
      return child?.pid ?? null
    },
    ready,
    get isReady() {
      return running !== null
    },
    kill: signalAll,
    stop: async () => {
      isHeld = true
      clearTimeout(timer)
      timer = undefined
      const dying = child
      const gone = dying && new Promise<void>((tell) => dying.once('exit', () => tell()))
      signalAll('SIGKILL')
      await gone
      await attempt
    },
    start: async () => {
      const isDown = isHeld || timer !== undefined
      isHeld = false
      if (isDown && !closing.signal.aborted) {
        clearTimeout(timer)
        timer = undefined
        failures = 0
        attempt = tryStart()
      }
      if (running === null) await new Promise<void>((tell) => awaiting.push(tell))
    },
    close: async (deadlineMs) => {
      closing.abort()
      clearTimeout(timer)
      if (running === null) child?.kill('SIGKILL')
      await running?.close(deadlineMs)
      await attempt
      reject(new Error(`${name} was closed before it was ready`))
    },
  }
}
