import { setImmediate as breathe } from 'node:timers/promises'
import type { Database } from '@asheville/database'
import { kindOf } from '@asheville/core'
import type { PlatformMetrics } from '../metrics.ts'
import type { KeptReplies } from '../kept-replies.ts'
import type { PageCache } from '../page-cache.ts'
import { objectOf, parsePage, salvage } from '../page-file.ts'
import { claimUnread, noteRead, putOff, saveFound, staleItems, type Found, type UnreadPage } from '../queries/words.ts'
import { readText } from '../read-text.ts'
import { likenessesOf } from '../same/likenesses.ts'
import type { StorageOf } from '../storage-access.ts'
import type { FreshItems, FreshQueue } from './fresh-items.ts'
import { itemText } from './item-text.ts'
import { wordsOf } from './fold-text.ts'
import { markerOf, marksOf } from './marks.ts'
import { placeOf } from './place-of.ts'
import { stemmerOf, stemsOf, type Stem } from './stems.ts'

export interface IndexWordsParts {
  db: Database
  storageOf: StorageOf
  cache: PageCache
  replies: Pick<KeptReplies, 'drop'>
  fresh: FreshQueue
  metrics: Pick<PlatformMetrics, 'wordsCpu' | 'wordsItems'>
}

/** Should we die, another takes the page then; and a page that keeps growing is read no more often than this. */
const holdMs = 15_000
const readMs = 60_000
const firstWaitMs = 60_000
const longestWaitMs = 24 * 3600_000
/** Few enough for what they become to be in memory, and for other requests to be answered in between. */
const portionItems = 100

/**
 * Looks up the words, places and likenesses of what was stored just now, then of pages that changed and have items still to be looked at, one after the
 * other, until there is none. It works for everybody (`asService`). A page that cannot be read now is put off, ever longer; that fails nothing else.
 */
export async function indexWords(parts: IndexWordsParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const fresh = parts.fresh.take()
    if (fresh !== null) {
      await indexItems(parts, fresh, signal)
      continue
    }
    const page = await claimUnread(parts.db, holdMs)
    if (page === null) return
    try {
      await indexPage(parts, page, AbortSignal.any([signal, AbortSignal.timeout(readMs)]))
      await noteRead(parts.db, page)
    } catch (error) {
      if (signal.aborted || (kindOf(error) === 'unavailable' && page.tries === 1)) return
      await putOff(parts.db, page, Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(page.tries, 20)))
    }
  }
}

async function indexPage(parts: IndexWordsParts, page: UnreadPage, signal: AbortSignal): Promise<void> {
  const { userId, storageId, path } = page
  const stale = new Map((await staleItems(parts.db, page)).map((item) => [item.id, item]))
  if (stale.size === 0) return
  const { storage } = await parts.storageOf(userId, storageId)
  const text = (await parts.cache.get(page)) ?? (await readText(storage, path, signal))
  if (text === null) return
  const items = counted(parts, () => {
    const entries = parsePage(text)?.entries ?? salvage(text)
    return entries.flatMap((entry) => {
      const item = entry.id === null ? undefined : stale.get(entry.id)
      return item ? [{ ...item, entry }] : []
    })
  })
  await indexItems(parts, { userId, storageId, items }, signal)
}

async function indexItems(parts: IndexWordsParts, { userId, storageId, items }: FreshItems, signal: AbortSignal): Promise<void> {
  const marker = markerOf(userId)
  for (let at = 0; at < items.length; at += portionItems) {
    signal.throwIfAborted()
    const some = items.slice(at, at + portionItems)
    const read = counted(parts, () => some.map(({ entry }) => lookAt(objectOf(entry) as unknown as Record<string, unknown>)))
    const stems = await stemsOfAll(parts.db, read)
    const found = counted(parts, () =>
      some.map(({ key, hash }, index): Found => {
        const { words, place, likenesses } = read[index]!
        return { key, hash, place, likenesses, marks: marksOf(marker, words, stems[index]!) }
      }),
    )
    await saveFound(parts.db, userId, storageId, found)
    await parts.replies.drop(userId)
    parts.metrics.wordsItems.inc(found.length)
    await breathe()
  }
}

/** Its time is counted as the words' own. */
function counted<T>({ metrics }: IndexWordsParts, work: () => T): T {
  const started = performance.now()
  const result = work()
  metrics.wordsCpu.inc((performance.now() - started) / 1000)
  return result
}

function lookAt(object: Readonly<Record<string, unknown>>) {
  const { text, language } = itemText(object)
  const words = [...new Set(wordsOf(text))]
  return { words, stemmers: words.map((word) => stemmerOf(word, language)), place: placeOf(object), likenesses: likenessesOf(object) }
}

/** Of each item the stems of its words; each word is asked about once. */
async function stemsOfAll(db: Database, items: readonly ReturnType<typeof lookAt>[]): Promise<Stem[][]> {
  const asked = new Map<string, { word: string; stemmer: string }>()
  for (const { words, stemmers } of items)
    words.forEach((word, index) => {
      const stemmer = stemmers[index]!
      if (stemmer !== null) asked.set(`${stemmer} ${word}`, { word, stemmer })
    })
  const stems = await stemsOf(db, [...asked.values()])
  const byName = new Map([...asked.keys()].map((name, index) => [name, stems[index]!]))
  return items.map(({ words, stemmers }) => words.flatMap((word, index) => byName.get(`${stemmers[index]} ${word}`) ?? []))
}
