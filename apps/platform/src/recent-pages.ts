import type { PageVersion } from './page-cache.ts'
import type { Page } from './page-file.ts'

/** Pages that this process wrote a moment ago: the next batch of a history goes on where the last one ended. */
export interface RecentPages {
  /** Takes it out: whoever writes it anew puts that. */
  take(version: PageVersion): Page | null
  /** `bytes`: what its items take. */
  put(version: PageVersion, page: Page, bytes: number): void
  forget(page: Omit<PageVersion, 'revision'>): void
}

/** In ms. */
const keptMs = 60_000

/** Of all together no more than `maxBytes` are held, the oldest going first. */
export function createRecentPages(maxBytes = 32 * 1024 ** 2, now: () => number = Date.now): RecentPages {
  const held = new Map<string, { revision: string; page: Page; bytes: number; at: number }>()
  let bytes = 0

  const nameOf = ({ userId, storageId, path }: Omit<PageVersion, 'revision'>) => JSON.stringify([userId, storageId, path])

  function drop(name: string): void {
    bytes -= held.get(name)?.bytes ?? 0
    held.delete(name)
  }

  return {
    take(version) {
      const name = nameOf(version)
      const found = held.get(name)
      drop(name)
      return found?.revision === version.revision && now() - found.at < keptMs ? found.page : null
    },
    put(version, { header, entries }, pageBytes) {
      const name = nameOf(version)
      drop(name)
      // What each line says is not held with it: it takes several times the memory.
      const page = { header, entries: entries.map(({ id, at, line }) => ({ id, at, line })) }
      held.set(name, { revision: version.revision, page, bytes: pageBytes, at: now() })
      bytes += pageBytes
      for (const [oldest, { at }] of held) {
        if (bytes <= maxBytes && now() - at < keptMs) break
        drop(oldest)
      }
    },
    forget: (page) => drop(nameOf(page)),
  }
}
