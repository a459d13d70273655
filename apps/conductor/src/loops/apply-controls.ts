import { controlQueue } from '@asheville/jobs'
import type { Context } from '../context.ts'

/**
 * Makes the queues what the owner of the server said, as accounts keeps it: a queue that was lost comes back as it was, and so does a network
 * that another conductor was told of.
 */
export async function applyControls({ accounts, networks, queue, paused }: Context, signal: AbortSignal): Promise<void> {
  const { controls } = await accounts.listControls({ signal })
  const byNetwork = new Map(controls.map((control) => [control.network, control]))
  paused.clear()
  for (const { network, isPaused } of controls) if (isPaused) paused.add(network)
  for (const { id } of networks) await controlQueue(queue, id, byNetwork.get(id) ?? { isPaused: false, jobsPerMinute: null })
}
