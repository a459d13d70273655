import { rebuildRunning as rebuild, streamKey } from '@asheville/jobs'
import type { Context } from '../context.ts'

/** Makes `running:<user_id>` what the leases at accounts say. */
export async function rebuildRunning({ accounts, redis }: Context, signal: AbortSignal): Promise<void> {
  const { leases } = await accounts.listLeases({ signal })
  await rebuild(
    redis,
    leases.map(({ userId, connectionId, stream }) => ({ userId, key: streamKey(connectionId, stream) })),
  )
}
