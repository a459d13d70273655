import { errorFields } from './error-fields.ts'
import { maskText } from './mask-secrets.ts'
import type { Logger } from './logger.ts'

const closeMs = 10_000

/**
 * Runs a process: `main` starts it and says how to close it. SIGTERM and SIGINT abort `main`'s signal and close, within
 * 10 s; a second one changes nothing. A start that fails, an uncaught error or a rejection that nobody handled is reported, and
 * the exit code is 1. A parent with an IPC channel is told `ready`. With `logger` in what `main` returns, reports after the start go to it, before that to standard error.
 */
export function runService(main: (signal: AbortSignal) => Promise<{ close(): Promise<void>; logger?: Logger }>): void {
  const controller = new AbortController()
  let logger: Logger | undefined
  let isStopping = false

  const report = (error: unknown, message: string) => {
    if (logger) logger.fatal({ error }, message)
    else process.stderr.write(`${message}: ${describe(error)}\n`)
  }

  const stop = async (code: number) => {
    // A terminal tells the whole group, and then the launcher tells its children again.
    if (isStopping) return
    isStopping = true
    setTimeout(() => {
      report(new Error(`Not closed within ${closeMs / 1000} s`), 'cannot stop cleanly')
      process.exit(1)
    }, closeMs)
    try {
      controller.abort()
      const running = await started.catch(() => null)
      await running?.close()
      process.exit(code)
    } catch (error) {
      report(error, 'cannot stop cleanly')
      process.exit(1)
    }
  }

  const crash = (error: unknown) => {
    report(error, 'uncaught')
    // What the process holds may be broken now; the supervisor starts it afresh.
    process.exit(1)
  }

  process.on('SIGTERM', () => void stop(0))
  process.on('SIGINT', () => void stop(0))
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)

  const started = main(controller.signal)
  started.then(
    (running) => {
      logger = running.logger
      // A launcher cannot ask a port that several share whether this one listens. One that is gone needs no answer.
      process.send?.('ready', undefined, undefined, () => undefined)
    },
    (error: unknown) => {
      if (isStopping) return
      report(error, 'cannot start')
      process.exit(1)
    },
  )
}

function describe(error: unknown): string {
  const { message, causes = [], stack } = errorFields(error)
  // Faults of the environment are for people: many lines, and no place in our code to look at.
  return maskText(message.includes('\n') ? message : [stack ?? message, ...causes].join('\n  caused by '))
}
