import { Registry, collectDefaultMetrics, Histogram } from 'prom-client'
import { errorFields } from './error-fields.ts'
import { maskText } from './mask-secrets.ts'
import type { Logger } from './logger.ts'

/** Reaches one backend; throws when it does not answer. Must stop when the signal aborts. */
export type Check = (signal: AbortSignal) => Promise<void>

export interface CheckResult {
  ok: boolean
  ms: number
  error?: string
}

export interface Readiness {
  status: 'ready' | 'not ready'
  checks: Record<string, CheckResult>
}

const checkMs = 1000

/** Runs every check side by side, each with a deadline of a second. */
export async function readReadiness(checks: Readonly<Record<string, Check>>, log: Logger): Promise<Readiness> {
  const results = await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await runCheck(name, check, log)] as const))
  const isReady = results.every(([, result]) => result.ok)
  return { status: isReady ? 'ready' : 'not ready', checks: Object.fromEntries(results) }
}

async function runCheck(name: string, check: Check, log: Logger): Promise<CheckResult> {
  const started = performance.now()
  const controller = new AbortController()
  const late = new Error(`No answer within ${checkMs} ms`)
  const deadline = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    controller.abort(late)
    deadline.reject(late)
  }, checkMs)
  try {
    await Promise.race([check(controller.signal), deadline.promise])
    return { ok: true, ms: Math.round(performance.now() - started) }
  } catch (error) {
    log.debug({ check: name, error }, 'not ready')
    return { ok: false, ms: Math.round(performance.now() - started), error: maskText(errorFields(error).message).slice(0, 200) }
  } finally {
    clearTimeout(timer)
  }
}

let processMetrics: Registry | undefined

/** Metrics of one service: its own, with those of the process, which are collected once however many services it holds. */
export function createMetrics(
  service: string,
  more: Registry | undefined,
): {
  observe(labels: HttpLabels, seconds: number): void
  contentType: string
  read(): Promise<string>
} {
  if (!processMetrics) {
    processMetrics = new Registry()
    collectDefaultMetrics({ register: processMetrics })
  }
  const own = new Registry()
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time until an HTTP answer was sent, by route',
    labelNames: ['service', 'method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers: [own],
  })
  const all = processMetrics
  return {
    observe: (labels, seconds) => durations.observe({ service, ...labels }, seconds),
    contentType: own.contentType,
    read: async () => [await own.metrics(), await all.metrics(), ...(more ? [await more.metrics()] : [])].join('\n'),
  }
}

export interface HttpLabels {
  method: string
  route: string
  status: number
}
