import type { Storage } from '@asheville/core'

/** Whether a file of a storage has not been touched since an instant (ms), as far as the storage tells; false: it may have been. */
export type UntouchedSince = (
  storage: Storage,
  place: { userId: string; storageId: string; path: string },
  instant: number,
  signal: AbortSignal,
) => Promise<boolean>

interface Watch {
  cursor: string
  /** Everything that changed from then on is known. */
  from: number
  askedAt: number
  touched: Map<string, number>
}

/** How long what a storage told is believed. */
const askAgainMs = 60_000
const maxWatches = 10_000
const maxTouched = 5000

/** Asks storages that can tell what changed, each at most once a minute, however many of its files are wanted. */
export function createChangeWatch(now: () => number): UntouchedSince {
  const watches = new Map<string, Watch>()
  const pending = new Map<string, Promise<void>>()

  async function ask(storage: Storage, name: string, signal: AbortSignal): Promise<void> {
    const known = watches.get(name)
    const askedAt = now()
    const { paths, cursor } = await storage.changes!(known?.cursor ?? null, signal)
    if (watches.size >= maxWatches) watches.clear()
    if (!known || paths === 'all' || known.touched.size + paths.length > maxTouched) {
      watches.set(name, { cursor, from: askedAt, askedAt, touched: new Map() })
      return
    }
    for (const path of paths) known.touched.set(path, askedAt)
    watches.set(name, { ...known, cursor, askedAt })
  }

  return async (storage, { userId, storageId, path }, instant, signal) => {
    if (!storage.changes) return false
    const name = `${userId} ${storageId}`
    const known = watches.get(name)
    if (!known || now() - known.askedAt >= askAgainMs) {
      const running = pending.get(name) ?? ask(storage, name, signal).finally(() => pending.delete(name))
      pending.set(name, running)
      await running
    }
    const watch = watches.get(name)
    return watch !== undefined && watch.from <= instant && (watch.touched.get(path) ?? 0) <= instant
  }
}
