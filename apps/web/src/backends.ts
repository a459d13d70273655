import { accountsRoutes, type Client, conductorRoutes, createClient, platformRoutes } from '@asheville/clients'
import type { ServiceName } from '@asheville/core'

export interface Backends {
  accounts: Client<typeof accountsRoutes>
  conductor: Client<typeof conductorRoutes>
  platform: Client<typeof platformRoutes>
}

export interface BackendUrls {
  accounts: string
  conductor: string
  platform: string
}

/** For one visit: its request id travels on, what it asked for stops when it goes away, each answer has `timeoutMs`. */
export interface BackendsOptions {
  urls: BackendUrls
  sign(audience: ServiceName, userId: string | null): Promise<string>
  requestId: string
  signal: AbortSignal
  timeoutMs: number
}

/** Typed callers of the other services. Errors: what they answered; `unavailable` when they do not within the time. */
export function createBackends({ urls, sign, requestId, signal, timeoutMs }: BackendsOptions): Backends {
  const options = (service: keyof BackendUrls) => ({ service, baseUrl: urls[service], sign, requestId, signal, timeoutMs })
  return {
    accounts: createClient(accountsRoutes, options('accounts')),
    conductor: createClient(conductorRoutes, options('conductor')),
    platform: createClient(platformRoutes, options('platform')),
  }
}
