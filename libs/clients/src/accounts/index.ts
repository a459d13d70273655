import { connectionRoutes } from './connections.ts'
import { leaseRoutes } from './leases.ts'
import { passkeyRoutes } from './passkeys.ts'
import { peopleRoutes } from './people.ts'
import { sessionRoutes } from './sessions.ts'
import { syncRoutes } from './syncs.ts'

export * from './connections.ts'
export * from './leases.ts'
export * from './passkeys.ts'
export * from './people.ts'
export * from './sessions.ts'
export * from './syncs.ts'

/** Accounts' HTTP API. */
export const accountsRoutes = {
  ...peopleRoutes,
  ...sessionRoutes,
  ...passkeyRoutes,
  ...connectionRoutes,
  ...syncRoutes,
  ...leaseRoutes,
} as const
