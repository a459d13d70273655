import { adminRoutes } from './admin.ts'
import { appTokenRoutes } from './app-tokens.ts'
import { closingRoutes } from './closing.ts'
import { connectionRoutes } from './connections.ts'
import { hookRoutes } from './hooks.ts'
import { identityRoutes } from './identities.ts'
import { leaseRoutes } from './leases.ts'
import { notificationRoutes } from './notifications.ts'
import { passkeyRoutes } from './passkeys.ts'
import { peopleRoutes } from './people.ts'
import { profileRoutes } from './profile.ts'
import { sessionRoutes } from './sessions.ts'
import { parkedRoutes } from './parked.ts'
import { signInRoutes } from './sign-in.ts'
import { syncRoutes } from './syncs.ts'
import { voteRoutes } from './votes.ts'

export * from './admin.ts'
export * from './app-tokens.ts'
export * from './closing.ts'
export * from './connections.ts'
export * from './identities.ts'
export * from './leases.ts'
export * from './notifications.ts'
export * from './passkeys.ts'
export * from './people.ts'
export * from './profile.ts'
export * from './sessions.ts'
export * from './sign-in.ts'
export * from './syncs.ts'

/** Accounts' HTTP API. */
export const accountsRoutes = {
  ...peopleRoutes,
  ...profileRoutes,
  ...sessionRoutes,
  ...passkeyRoutes,
  ...signInRoutes,
  ...identityRoutes,
  ...connectionRoutes,
  ...hookRoutes,
  ...parkedRoutes,
  ...syncRoutes,
  ...notificationRoutes,
  ...voteRoutes,
  ...appTokenRoutes,
  ...adminRoutes,
  ...leaseRoutes,
  ...closingRoutes,
} as const
