import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { startConstellation } from './constellation.ts'

// npm start: everything on one machine. npm run dev (--watch): the same, restarting what changes.

const root = join(import.meta.dirname, '..')
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

process.exitCode = await main()

async function main(): Promise<number> {
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

  if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'))
  const port = Number(process.env['PORT'] ?? '3000')
  if (!Number.isInteger(port) || port < 0 || port > 65_531) {
    process.stderr.write('PORT must be a number from 1 to 65531\n')
    return 1
  }
  const watch = process.argv.includes('--watch')
  try {
    const constellation = await startConstellation({
      env: watch ? { NODE_ENV: 'development', ...process.env } : process.env,
      dataDir: process.env['DATA_DIR'] ?? join(root, '.data'),
      port,
      signal: stop.signal,
      killSignal: kill.signal,
      onLine: print,
      watch,
    })
    print(`Asheville is ready at ${constellation.url}`)
    if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }))
    await constellation.close()
    return kill.signal.aborted ? 1 : 0
  } catch (error) {
    if (stop.signal.aborted) return kill.signal.aborted ? 1 : 0
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
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
