import type { Entry } from '../page-file.ts'

/** Items of one person that were stored just now, with the key and the hash that the index has of each. */
export interface FreshItems {
  userId: string
  storageId: string
  items: readonly { key: string; hash: string; entry: Entry }[]
}

/** What was stored a moment ago, until its words are looked up: its page files need not be read again for that. */
export interface FreshQueue {
  /** What there is no room for is left out: then the page file is read, later. */
  add(fresh: FreshItems): void
  take(): FreshItems | null
}

export function createFreshQueue(maxChars = 32 * 1024 ** 2): FreshQueue {
  const waiting: { fresh: FreshItems; chars: number }[] = []
  let chars = 0
  return {
    add(fresh) {
      const more = fresh.items.reduce((sum, { entry }) => sum + entry.line.length, 0)
      if (more === 0 || chars + more > maxChars) return
      chars += more
      waiting.push({ fresh, chars: more })
    },
    take() {
      const next = waiting.shift()
      chars -= next?.chars ?? 0
      return next?.fresh ?? null
    },
  }
}
