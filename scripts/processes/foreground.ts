/** What runs until somebody ends it. */
export interface Running {
  close(): Promise<void>
}

export interface Foreground {
  /** Aborted by the first Ctrl-C (SIGINT, SIGTERM, SIGHUP, or the end of the npm that started us). */
  stop: AbortSignal
  /** Aborted by the second: whatever still runs is to be killed. */
  kill: AbortSignal
  print(line: string): void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Starts something in a terminal, waits for Ctrl-C and closes it. Answers the exit code; a start that fails tells why on standard error. */
export async function runInForeground(start: (foreground: Foreground) => Promise<Running>): Promise<number> {
  const stop = new AbortController()
  const kill = new AbortController()
  const onStop = (): void => {
    if (stop.signal.aborted) return kill.abort()
    print('Stopping …')
    stop.abort()
  }
  for (const signal of signals) process.on(signal, onStop)
  whenNpmDies(onStop)
  // A terminal that is gone is no reason to die half-way.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

  try {
    const running = await start({ stop: stop.signal, kill: kill.signal, print })
    if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }))
    await running.close()
    return kill.signal.aborted ? 1 : 0
  } catch (error) {
    if (stop.signal.aborted) return kill.signal.aborted ? 1 : 0
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

/** The first of five ports, from `PORT`; 3000 when unset. Throws when it is none. */
export function portFrom(env: Readonly<Record<string, string | undefined>>): number {
  const port = Number(env['PORT'] ?? '3000')
  if (!Number.isInteger(port) || port < 0 || port > 65_531) throw new Error('PORT must be a number from 1 to 65531')
  return port
}

/** npm passes a signal on to the shell between us, which dies of it without telling us. */
function whenNpmDies(then: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    then()
  }, 500)
  timer.unref()
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
