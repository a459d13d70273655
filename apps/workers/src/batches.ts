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

/**
 * When a batch is full. The first is cut early, so that a person sees something soon. Any other may grow to twice of this, up to where a month ends: a month's
 * file is written by every batch that has something of the month.
 */
export interface BatchLimits {
  items: number
  /** Of the items as JSON. */
  bytes: number
  media: number
  firstMs: number
  ms: number
}

export const defaultLimits: BatchLimits = { items: 2000, bytes: 4 * 1024 ** 2, media: 200, firstMs: 1000, ms: 5000 }

/**
 * Groups pages into batches by count, size and time. What arrived before an error or the end is delivered first, at once:
 * nothing that was pulled is dropped. A page is never split.
 */
export async function* inBatches(pages: AsyncIterable<Page>, kind: WalkKind, limits: BatchLimits): AsyncGenerator<Batch, void, undefined> {
  const iterator = pages[Symbol.asyncIterator]()
  let next = settle(iterator.next())
  let { most, mayGrow } = { most: { ...limits, ms: limits.firstMs }, mayGrow: false }
  try {
    for (;;) {
      const first = await next
      if ('error' in first) throw first.error
      if (first.result.done) return
      const began = performance.now()
      const deadline = createDeadline(most.ms)
      next = settle(iterator.next())
      const batch = startBatch(first.result.value, kind)
      while (!isFull(batch, most)) {
        const arrived = await Promise.race([next, deadline.passed])
        if (arrived === null || 'error' in arrived || arrived.result.done) break
        const page = arrived.result.value
        const isEnough = mayGrow && (isFull(batch, limits) || performance.now() - began >= limits.ms)
        if (isEnough && bringsAnotherMonth(batch, page)) {
          borrow(batch, page)
          break
        }
        // Asked for first, and let out, so that what is done with a page is done while the next one is on its way.
        next = settle(iterator.next())
        await nextTurn()
        addPage(batch, page, kind)
      }
      most = twice(limits)
      mayGrow = true
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

const twice = ({ items, bytes, media, ms, firstMs }: BatchLimits): BatchLimits => ({
  items: items * 2,
  bytes: bytes * 2,
  media: media * 2,
  ms: ms * 2,
  firstMs,
})

/** What lies in one page file together; null: it has no month that could end. */
const monthOf = ({ contentType, at }: Item): string | null => (at === null ? null : `${contentType} ${at.slice(0, 7)}`)

const monthsOf = ({ batch }: Growing): Set<string | null> => new Set(batch.items.map(({ item }) => monthOf(item)))

function bringsAnotherMonth(growing: Growing, { items }: Page): boolean {
  const months = monthsOf(growing)
  return items.some((item) => monthOf(item) === null || !months.has(monthOf(item)))
}

/** Takes what the batch's months lack from the page after it, which comes whole with the next batch all the same: there it is nothing new. */
function borrow(growing: Growing, page: Page): void {
  const months = monthsOf(growing)
  const seenAt = new Date().toISOString()
  for (const item of page.items) if (item.at !== null && months.has(monthOf(item))) growing.batch.items.push({ item, seenAt })
}

function isFull({ batch, bytes, media }: Growing, limits: BatchLimits): boolean {
  return batch.items.length >= limits.items || bytes >= limits.bytes || media >= limits.media
}
