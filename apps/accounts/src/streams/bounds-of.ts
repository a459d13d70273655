import type { ConnectionSettings } from '@asheville/clients'
import type { Context } from '../context.ts'
import type { Bounds } from './pace.ts'

/** How often a connection with these settings may be synced by itself. */
export function boundsOf(
  { syncIntervalMs }: Pick<Context, 'syncIntervalMs'>,
  { syncEveryMinutes }: Pick<ConnectionSettings, 'syncEveryMinutes'>,
): Bounds {
  return { shortestMs: syncIntervalMs, fixedMs: syncEveryMinutes === null ? null : syncEveryMinutes * 60_000 }
}
