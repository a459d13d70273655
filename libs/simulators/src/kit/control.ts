import type { Counters } from './counters.ts'
import type { Fault, Faults } from './faults.ts'
import type { RequestLog } from './request-log.ts'
import type { Handler } from './router.ts'
import type { Vendor } from './simulator.ts'

type Parts = { faults: Faults; counters: Counters; log: RequestLog }

/**
 * The control routes of a simulator that runs as a process of its own; no vendor has such paths, and they are not counted.
 * `GET /__sim/{health,counters,log,truth}`, `POST /__sim/{faults,latency,reset}`, `DELETE /__sim/faults`,
 * `POST /__sim/script/:name` with a JSON array of arguments. Bodies and answers are JSON.
 */
export function addControl(
  add: (method: string, pattern: string, handler: Handler) => void,
  vendor: Vendor,
  { faults, counters, log }: Parts,
  state: { latencyMs: number },
): void {
  add('GET', '/__sim/health', () => ({ json: { vendor: vendor.name } }))
  add('GET', '/__sim/counters', () => ({ json: counters.snapshot() }))
  add('GET', '/__sim/log', () => ({ json: log.entries() }))
  add('GET', '/__sim/truth', async () => ({ json: await vendor.truth() }))
  add('POST', '/__sim/reset', () => {
    counters.reset()
    log.clear()
    return { json: {} }
  })
  add('POST', '/__sim/latency', ({ body }) => {
    state.latencyMs = Number((JSON.parse(body.toString()) as { ms: number }).ms)
    return { json: {} }
  })
  add('POST', '/__sim/faults', ({ body }) => {
    const planned = JSON.parse(body.toString()) as Fault | Fault[]
    for (const fault of [planned].flat()) faults.add(fault)
    return { json: {} }
  })
  add('DELETE', '/__sim/faults', () => {
    faults.clear()
    return { json: {} }
  })
  add('POST', '/__sim/script/:name', async ({ params, body }) => {
    const script = Object.hasOwn(vendor.script ?? {}, params.name!) ? vendor.script![params.name!]! : null
    if (!script) return { status: 404, json: { error: `no script function ${params.name}` } }
    const args = body.length === 0 ? [] : (JSON.parse(body.toString()) as never[])
    return { json: (await script(...args)) ?? null }
  })
}
