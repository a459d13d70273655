import { accountsRoutes, appRoutes, conductorRoutes, platformRoutes } from '@asheville/clients'
import type { RouteContract, ServiceName } from '@asheville/core'
import type { RouteRow } from '@asheville/service'
import { webTable } from '../../apps/web/src/routes.ts'

/** A route of one service's HTTP API. */
export interface ApiRoute {
  service: ServiceName
  /** As its client's function is called: `getConnection`. */
  name: string
  contract: RouteContract
}

const apis: Partial<Record<ServiceName, Record<string, RouteContract>>> = {
  accounts: accountsRoutes,
  conductor: conductorRoutes,
  platform: platformRoutes,
}

/** Every route that services offer each other. That it is all of them, and as they run, is compared with their `/openapi.json`. */
export const apiRoutes: readonly ApiRoute[] = Object.entries(apis).flatMap(([service, routes]) =>
  Object.entries(routes).map(([name, contract]) => ({ service: service as ServiceName, name, contract })),
)

/** What the website hands on to platform: `GET /v1/items`. */
export const handedOn: ReadonlySet<string> = new Set(Object.values(appRoutes).map(labelOf))

/** Every page of the website. What it only hands on to another service is tried there and here (`services.ts`). */
export const pageRoutes: readonly RouteRow[] = webTable().filter(({ kind }) => kind !== 'forward')

/** What every service answers about itself, to anyone who reaches its port; nobody's data is in it. */
export const ownEndpoints = ['/livez', '/readyz', '/version', '/metrics', '/openapi.json'] as const

/** `GET /v1/connections/:connectionId`, for messages and lists. */
export function labelOf({ method, path }: { method: string; path: string }): string {
  return `${method} ${path}`
}
