import { setTimeout as sleep } from 'node:timers/promises'

/** The lock under which an account's files are changed: whoever comes while it is held does not wait, but fails. */
export function createLock() {
  let held = false
  let refused = 0
  return {
    /** Holds the lock for `ms` and runs `work` at the end of that; null when the lock is held already. */
    async during<T>(ms: number, work: () => T): Promise<{ value: T } | null> {
      if (held) {
        refused++
        return null
      }
      held = true
      try {
        if (ms > 0) await sleep(ms)
        return { value: work() }
      } finally {
        held = false
      }
    },
    /** Takes the lock as another client of the account would; returns how to let it go. Throws when it is held. */
    hold(): () => void {
      if (held) throw new Error('the lock is held already')
      held = true
      return () => void (held = false)
    },
    refused: () => refused,
  }
}
export type Lock = ReturnType<typeof createLock>
