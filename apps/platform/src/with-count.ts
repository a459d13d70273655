import type { Storage } from '@asheville/core'
import type { PlatformMetrics } from './metrics.ts'

/** The same storage, its calls and bytes counted. */
export function withCount(storage: Storage, provider: string, { storageCalls, storageBytes }: PlatformMetrics): Storage {
  const count = (method: string, times = 1) => storageCalls.inc({ provider, method }, times)
  const { space, changes, untilChange, removeAll } = storage
  return {
    can: storage.can,
    put(files, signal) {
      count('put', Math.ceil(files.length / Math.max(1, storage.can.batch)))
      storageBytes.inc(
        { provider, direction: 'sent' },
        files.reduce((sum, { bytes }) => sum + bytes, 0),
      )
      return storage.put(files, signal)
    },
    async get(path, want) {
      count('get')
      const got = await storage.get(path, want)
      if (got !== null && got !== 'unchanged') {
        const bytes = want.range ? Math.min(want.range.end, got.bytes - 1) - want.range.start + 1 : got.bytes
        storageBytes.inc({ provider, direction: 'read' }, Math.max(0, bytes))
      }
      return got
    },
    stat(path, signal) {
      count('stat')
      return storage.stat(path, signal)
    },
    list(prefix, signal) {
      count('list')
      return storage.list(prefix, signal)
    },
    remove(path, revision, signal) {
      count('remove')
      return storage.remove(path, revision, signal)
    },
    ...(removeAll && {
      removeAll(signal: AbortSignal) {
        count('removeAll')
        return removeAll.call(storage, signal)
      },
    }),
    ...(space && {
      space(signal: AbortSignal) {
        count('space')
        return space.call(storage, signal)
      },
    }),
    ...(changes && {
      changes(since: string | null, signal: AbortSignal) {
        count('changes')
        return changes.call(storage, since, signal)
      },
    }),
    ...(untilChange && {
      untilChange(since: string, maxMs: number, signal: AbortSignal) {
        count('untilChange')
        return untilChange.call(storage, since, maxMs, signal)
      },
    }),
  }
}
