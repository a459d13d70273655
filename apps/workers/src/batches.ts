import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AccountNames, ContentType, Covered, Cursor, Item, Page, SkippedItem, WalkKind } from '@asheville/core'

/** An item and when its page arrived. */
export interface Seen {
  item: Item
  seenAt: string
}

/** Consecutive pages of one walk, stored together and checkpointed once. */
export interface Batch {
  items: Seen[]
  gone: string[]
  skipped: SkippedItem[]
  covers: Covered[]
  available: Partial<Record<ContentType, number>>
  head: Cursor | null
  /** What the person is called there now, where a page told. */
  account: AccountNames | null
  /** The last page's: where the walk goes on once this batch is stored; null: it is complete. */
  cursor: Cursor | null
  pages: number
}

/** When a batch is full. The first is cut early, so that a person sees something soon. */
export interface BatchLimits {
  items: number
  /** Of the items as JSON. */
  bytes: number
  media: number
  firstMs: number
  ms: number
}

export const defaultLimits: BatchLimits = { items: 2000, bytes: 2 * 1024 ** 2, media: 200, firstMs: 1000, ms: 5000 }

/**
 * Groups pages into batches by count, size and time. What arrived before an error or the end is delivered first, at once:
 * nothing that was pulled is dropped. A page is never split.
 */
export async function* inBatches(pages: AsyncIterable<Page>, kind: WalkKind, limits: BatchLimits): AsyncGenerator<Batch, void, undefined> {
  const iterator = pages[Symbol.asyncIterator]()
  let next = settle(iterator.next())
  let ms = limits.firstMs
  try {
    for (;;) {
      const first = await next
      if ('error' in first) throw first.error
      if (first.result.done) return
      const deadline = createDeadline(ms)
      ms = limits.ms
      next = settle(iterator.next())
      const batch = startBatch(first.result.value, kind)
      while (!isFull(batch, limits)) {
        const arrived = await Promise.race([next, deadline.passed])
        if (arrived === null || 'error' in arrived || arrived.result.done) break
        // Asked for first, and let out, so that what is done with a page is done while the next one is on its way.
        next = settle(iterator.next())
        await nextTurn()
        addPage(batch, arrived.result.value, kind)
      }
      deadline.clear()
      yield batch.batch
    }
  } finally {
    await next
    await iterator.return?.()
  }
}

type Settled<T> = { result: IteratorResult<T> } | { error: unknown }

function settle<T>(promise: Promise<IteratorResult<T>>): Promise<Settled<T>> {
  return promise.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  )
}

function createDeadline(ms: number): { passed: Promise<null>; clear(): void } {
  const { promise, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(resolve, ms, null)
  return { passed: promise, clear: () => clearTimeout(timer) }
}

interface Growing {
  batch: Batch
  bytes: number
  media: number
}

function startBatch(page: Page, kind: WalkKind): Growing {
  const batch: Batch = { items: [], gone: [], skipped: [], covers: [], available: {}, head: null, account: null, cursor: null, pages: 0 }
  const growing = { batch, bytes: 0, media: 0 }
  addPage(growing, page, kind)
  return growing
}

function addPage(growing: Growing, page: Page, kind: WalkKind): void {
  const { batch } = growing
  const seenAt = new Date().toISOString()
  for (const item of page.items) {
    batch.items.push({ item, seenAt })
    growing.bytes += JSON.stringify(item).length
    growing.media += item.media.length
  }
  batch.gone.push(...page.gone)
  batch.skipped.push(...page.skipped)
  batch.covers.push(...(page.covers ?? []))
  Object.assign(batch.available, page.available)
  // Of a backfill the first head given counts, of an incremental walk the last.
  if (page.head !== undefined && !(kind === 'backfill' && batch.head !== null)) batch.head = page.head
  batch.account = page.account ?? batch.account
  batch.cursor = page.cursor
  batch.pages += 1
}

function isFull({ batch, bytes, media }: Growing, limits: BatchLimits): boolean {
  return batch.items.length >= limits.items || bytes >= limits.bytes || media >= limits.media
}
