import { repeat } from '@asheville/service'
import type { Context } from './context.ts'
import { announce } from './loops/announce.ts'
import { applyControls } from './loops/apply-controls.ts'
import { claimDue } from './loops/claim-due.ts'
import { claimRenditions } from './loops/claim-renditions.ts'
import { rebuildRunning } from './loops/rebuild-running.ts'

export interface Loops {
  /** Resolves when each has ended its round. */
  close(): Promise<void>
}

/** What the conductor does by itself; each also at once, for everything may have been lost before the start. */
export function startLoops(context: Context): Loops {
  const controller = new AbortController()
  const { signal } = controller
  const how = { log: context.log, signal }
  const loops = [
    repeat('claim-due', 2000, () => claimDue(context, signal), how),
    repeat('claim-renditions', 5000, () => claimRenditions(context, signal), how),
    repeat('apply-controls', 2000, () => applyControls(context, signal), how),
    repeat('announce', 2000, () => announce(context, signal), how),
    repeat('rebuild-running', 30_000, () => rebuildRunning(context, signal), how),
  ]
  return {
    async close() {
      controller.abort()
      await Promise.all(loops)
    },
  }
}
