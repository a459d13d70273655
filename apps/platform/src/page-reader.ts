import type { Storage } from '@asheville/core'
import { createChangeWatch } from './change-watch.ts'
import type { PageCache } from './page-cache.ts'
import { parsePage, salvage, type Entry } from './page-file.ts'
import { textOf } from './read-text.ts'

/** Items of a page file by their ids. */
export type PageItems = ReadonlyMap<string, Entry>

export interface PagePlace {
  userId: string
  storageId: string
  path: string
  /** As the index knows it. */
  revision: string
}

/** Reads page files for readers; `isAsked`: the storage is asked, whatever was read a moment ago. */
export type ReadPage = (storage: Storage, place: PagePlace, isAsked?: boolean) => Promise<PageItems>

interface Held {
  /** What the index knew when it was read. */
  asked: string
  /** What the storage had. */
  revision: string
  items: PageItems
  bytes: number
  checkedAt: number
}

const deadlineMs = 25_000
/** A person may edit their files at any time: what is held is asked about again after this. */
const freshMs = 60_000

/**
 * Holds page files that were read lately, up to `maxBytes` of them, the least lately used going first. However many ask for one at the
 * same time, the storage is asked once. What was not looked at for a minute is asked about again: a storage that tells changes is asked for those, once
 * for all of its pages, any other for the page if it is another.
 */
export function createPageReader(cache: Pick<PageCache, 'get' | 'put'>, { maxBytes = 64 * 1024 ** 2, now = Date.now } = {}): ReadPage {
  const untouchedSince = createChangeWatch(now)
  const held = new Map<string, Held>()
  const pending = new Map<string, Promise<PageItems>>()
  let bytes = 0

  function hold(name: string, page: Held): PageItems {
    bytes += page.bytes - (held.get(name)?.bytes ?? 0)
    held.delete(name)
    held.set(name, page)
    for (const [oldest, { bytes: freed }] of held) {
      if (bytes <= maxBytes || oldest === name) break
      held.delete(oldest)
      bytes -= freed
    }
    return page.items
  }

  async function load(storage: Storage, place: PagePlace, name: string, isAsked: boolean): Promise<PageItems> {
    const known = held.get(name)
    const signal = AbortSignal.timeout(deadlineMs)
    const asked = place.revision
    const checkedAt = now()
    if (!isAsked && known?.asked === asked && (await untouchedSince(storage, place, known.checkedAt, signal)))
      return hold(name, { ...known, checkedAt })
    if (!isAsked && known?.asked !== asked) {
      const cached = await cache.get(place)
      if (cached !== null) return hold(name, { asked, revision: asked, ...parsed(cached), checkedAt })
    }
    const got = await storage.get(place.path, { ...(known && { unless: known.revision }), signal })
    if (got === 'unchanged' && known) return hold(name, { ...known, asked, checkedAt })
    if (got === null || got === 'unchanged') {
      bytes -= known?.bytes ?? 0
      held.delete(name)
      return new Map()
    }
    const text = await textOf(got.body)
    if (got.revision === asked) void cache.put(place, text)
    return hold(name, { asked, revision: got.revision, ...parsed(text), checkedAt })
  }

  return async (storage, place, isAsked = false) => {
    const name = JSON.stringify([place.userId, place.storageId, place.path])
    const known = held.get(name)
    if (!isAsked && known && known.asked === place.revision && now() - known.checkedAt < freshMs) return hold(name, known)
    const flight = `${name} ${place.revision} ${isAsked}`
    const running = pending.get(flight) ?? load(storage, place, name, isAsked).finally(() => pending.delete(flight))
    pending.set(flight, running)
    return running
  }
}

function parsed(text: string): Pick<Held, 'items' | 'bytes'> {
  const entries = parsePage(text)?.entries ?? salvage(text)
  const items = new Map(entries.flatMap((entry) => (entry.id === null ? [] : [[entry.id, entry] as const])))
  return { items, bytes: Buffer.byteLength(text) + 1024 }
}
