import type { Http } from '@asheville/core'
import type { StorageFault } from './storage-under-test.ts'

/** As the simulators of `@asheville/simulators` have them. */
const faults = {
  'rate-limited': { kind: 'rate-limited', retryAfterSeconds: 1 },
  'server-error': { kind: 'server-error' },
  hang: { kind: 'stall' },
  'cut-off': { kind: 'short-body' },
} as const satisfies Record<StorageFault, unknown>

interface Simulator {
  faults: { add(fault: (typeof faults)[StorageFault]): unknown; clear(): void }
  /** Leaves so many bytes of space. */
  fill(bytesLeft: number): unknown
  free(): unknown
  close(): Promise<void>
}

/**
 * How a storage under test reaches its simulator (`http`), and the hooks of the suite that are the same for all: how its requests go wrong, its space, and
 * `close`, which ends both sides. On a busy machine every answer
 * takes its time: only one that hangs is soon given up.
 *
 * @param createHttp a client that gives up on silence after so many milliseconds
 */
export function behindSimulator(server: Simulator, createHttp: (timeoutMs: number) => Http & { close(): Promise<void> }) {
  const patient = createHttp(20_000)
  const impatient = createHttp(400)
  let isHanging = false
  const http: Http = { ...patient, fetch: (input, init) => (isHanging ? impatient : patient).fetch(input, init) }
  return {
    http,
    hooks: {
      fault(fault: StorageFault | null): void {
        isHanging = fault === 'hang'
        server.faults.clear()
        if (fault) server.faults.add(faults[fault])
      },
      async fillQuota(): Promise<void> {
        server.fill(32 * 1024)
      },
      async freeQuota(): Promise<void> {
        server.free()
      },
      async close(): Promise<void> {
        await server.close()
        await Promise.all([patient.close(), impatient.close()])
      },
    },
  }
}

/** A token of a simulator that issues them as OAuth 2 does, for `io.token`; `renew` makes the one before worth nothing. */
export function tokenOf(server: { issueTokens(): { accessToken: string }; expireTokens(): unknown }) {
  let token = server.issueTokens().accessToken
  return {
    token: () => Promise.resolve(token),
    currentToken: () => token,
    renew(): void {
      server.expireTokens()
      token = server.issueTokens().accessToken
    },
  }
}
