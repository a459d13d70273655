import { controlQueue, publishCancel, streamKey } from '@asheville/jobs'
import type { Context } from '../context.ts'

/**
 * Makes the queues what the owner of the server said, as accounts keeps it: a queue that was lost comes back as it was, and so does a network
 * that another conductor was told of. Whoever works on what has just been paused gives it back at its checkpoint.
 */
export async function applyControls({ accounts, networks, queue, redis, paused }: Context, signal: AbortSignal): Promise<void> {
  const { controls } = await accounts.listControls({ signal })
  const byNetwork = new Map(controls.map((control) => [control.network, control]))
  const before = new Set(paused)
  paused.clear()
  for (const { network, isPaused } of controls) if (isPaused) paused.add(network)
  for (const { id } of networks) await controlQueue(queue, id, byNetwork.get(id) ?? { isPaused: false, jobsPerMinute: null })
  const added = [...paused].filter((network) => !before.has(network))
  if (added.length === 0) return
  const { leases } = await accounts.listLeases({ signal })
  const held = leases.filter(({ network }) => added.includes(network))
  // They learn of it by their next checkpoint or heartbeat in any case.
  await publishCancel(
    redis,
    held.map(({ connectionId, stream }) => streamKey(connectionId, stream)),
  ).catch(() => undefined)
}
