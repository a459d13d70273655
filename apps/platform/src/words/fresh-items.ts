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
  /** null: there is none, or it is still being added to, and storing goes first. */
  take(): FreshItems | null
}

/** Nothing is taken until so long nothing was added: a sync that is under way needs the machine more than its words. In ms. */
const quietMs = 2000
/** But nothing waits longer than this: from 20 s on its page file would be read for it. In ms. */
const longestMs = 12_000

/** `now` in milliseconds. */
export function createFreshQueue(maxChars = 32 * 1024 ** 2, now: () => number = Date.now): FreshQueue {
  const waiting: { fresh: FreshItems; chars: number; since: number }[] = []
  let chars = 0
  let addedAt = -Infinity
  return {
    add(fresh) {
      const more = fresh.items.reduce((sum, { entry }) => sum + entry.line.length, 0)
      if (more === 0 || chars + more > maxChars) return
      chars += more
      addedAt = now()
      waiting.push({ fresh, chars: more, since: addedAt })
    },
    take() {
      const [first] = waiting
      const mayWait = chars < maxChars / 2 && now() - addedAt < quietMs
      if (!first || (mayWait && now() - first.since < longestMs)) return null
      waiting.shift()
      chars -= first.chars
      return first.fresh
    },
  }
}
