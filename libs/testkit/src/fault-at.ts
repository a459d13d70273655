import type { WorldFault } from './network-world.ts'

/** As the simulators of `@asheville/simulators` have them. */
const faults = {
  unauthorized: { kind: 'unauthorized' },
  'rate-limited': { kind: 'rate-limited', retryAfterSeconds: 7 },
  'server-error': { kind: 'server-error' },
  hang: { kind: 'stall' },
} as const satisfies Record<WorldFault, unknown>

interface Simulator {
  faults: { add(fault: (typeof faults)[WorldFault]): { remove(): void } }
}

/** The `fault` of a world at a simulator: each takes the place of the one before, null of all; faults from elsewhere stay. */
export function faultAt(server: Simulator): (fault: WorldFault | null) => void {
  let planned: { remove(): void } | null = null
  return (fault) => {
    planned?.remove()
    planned = fault && server.faults.add(faults[fault])
  }
}
