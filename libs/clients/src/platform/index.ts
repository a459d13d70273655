import type { RouteContract } from '@asheville/core'
import { coverageRoutes } from './coverage.ts'
import { itemRoutes } from './items.ts'
import { mediaRoutes } from './media.ts'
import { storingRoutes } from './storing.ts'

export * from './coverage.ts'
export * from './items.ts'
export * from './media.ts'
export * from './reactions-of.ts'
export * from './storing.ts'

/** Platform's HTTP API. */
export const platformRoutes = { ...storingRoutes, ...mediaRoutes, ...itemRoutes, ...coverageRoutes } as const

/** Those that people's programs may call, with a token. */
export const appRoutes: Readonly<Record<string, RouteContract>> = Object.fromEntries(
  Object.entries<RouteContract>(platformRoutes).filter(([, { policy }]) => policy.who === 'app'),
)
