import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@asheville/service'
import type { Context } from '../context.ts'
import { listOpen, waitFor } from './closings.ts'
import { takeStep } from './take-step.ts'

const everyMs = 500
const againMs = 2000
/** Few: each may keep a connection until a provider has answered. */
const batch = 4

/**
 * Closes the accounts that are to be closed, step by step, until stopped; any number of processes share them. One that fails
 * is tried again, and holds up no other.
 */
export function startClosing(context: Context, log: Logger): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const failing = new Set<string>()

  async function goOn(id: string): Promise<void> {
    try {
      while (!stopping.signal.aborted && (await takeStep(context, id)));
      failing.delete(id)
    } catch (error) {
      if (!failing.has(id)) log.warn({ error, closingId: id }, 'closing an account does not go on for now')
      failing.add(id)
      await waitFor(context.db, { id }, againMs).catch(() => undefined)
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await Promise.all((await listOpen(context.db, batch)).map(goOn))
      } catch (error) {
        log.debug({ error }, 'accounts to be closed could not be listed')
      }
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
