import { setTimeout as sleep } from 'node:timers/promises'
import { AshevilleError, kindOf, type PutResult, type Storage } from '@asheville/core'

const tries = 3
const pauseMs = 200
/** What took longer to fail hangs: that is for later. */
const soonMs = 5_000
/** A longer wait is for the queue, which holds nobody meanwhile. */
const longestWaitMs = 2_000

/**
 * The same storage, where what broke off soon is tried again at once, and a wait of a moment is waited for: else a batch would be pulled and sent
 * all over. Writes are as safe to repeat as reads. They name the version that they replace: of one whose answer was lost, the next says
 * `conflict`, and the file is looked at.
 */
export function withRetry(storage: Storage): Storage {
  async function retrying<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let left = tries - 1; ; left -= 1) {
      const began = performance.now()
      try {
        return await work()
      } catch (error) {
        const waitMs = left === 0 ? null : waitOf(error, performance.now() - began)
        if (waitMs === null) throw error
        await pause(waitMs, signal)
      }
    }
  }

  async function put(...[files, signal]: Parameters<Storage['put']>): Promise<PutResult[]> {
    const results: PutResult[] = []
    let open = files.map((_, index) => index)
    for (let left = tries - 1; ; left -= 1) {
      const began = performance.now()
      const answers = await storage.put(
        open.map((index) => files[index]!),
        signal,
      )
      open.forEach((index, place) => (results[index] = answers[place]!))
      const waits = answers.map((answer) => (answer.outcome === 'failed' ? waitOf(answer.error, performance.now() - began) : null))
      open = open.filter((_, place) => waits[place] !== null)
      if (left === 0 || open.length === 0) return results
      await pause(Math.max(...waits.map((wait) => wait ?? 0)), signal)
    }
  }

  const { removeAll, space, changes, untilChange } = storage
  return {
    can: storage.can,
    put,
    get: (path, want) => retrying(() => storage.get(path, want), want.signal),
    stat: (path, signal) => retrying(() => storage.stat(path, signal), signal),
    // What was told already must not be told again: who lists begins anew.
    list: (prefix, signal) => storage.list(prefix, signal),
    remove: (path, revision, signal) => retrying(() => storage.remove(path, revision, signal), signal),
    ...(removeAll && { removeAll: (signal: AbortSignal) => retrying(() => removeAll.call(storage, signal), signal) }),
    ...(space && { space: (signal: AbortSignal) => retrying(() => space.call(storage, signal), signal) }),
    ...(changes && {
      changes: (since: string | null, signal: AbortSignal) => retrying(() => changes.call(storage, since, signal), signal),
    }),
    ...(untilChange && {
      untilChange: (since: string, maxMs: number, signal: AbortSignal) => untilChange.call(storage, since, maxMs, signal),
    }),
  }
}

/** How long to wait before it is tried again; null: it is not. */
function waitOf(error: unknown, tookMs: number): number | null {
  const told = error instanceof AshevilleError ? error.retryAfterMs : undefined
  // A little more than was asked for: our clock may have begun before theirs.
  if (told !== undefined) return told > longestWaitMs ? null : told + pauseMs / 2
  return kindOf(error) === 'unavailable' && tookMs <= soonMs ? pauseMs * (0.5 + Math.random()) : null
}

/** Aborted, it is over: what is tried then says so. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
