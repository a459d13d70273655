import { createHash } from 'node:crypto'
import type { Database } from '@asheville/database'
import { itemRow } from './item-row.ts'
import { idOf } from './merge-page.ts'
import { closedBytes, type Part } from './month-parts.ts'
import { printPage } from './page-file.ts'
import type { PageCache } from './page-cache.ts'
import { dropPages, noteAbsent, settleAbsent, type AbsenceCause } from './queries/absent.ts'
import { takeTurn } from './queries/changes.ts'
import { addItems, saveItems, type ItemRow } from './queries/items.ts'
import { savePages } from './queries/pages.ts'
import type { FreshItems, FreshQueue } from './words/fresh-items.ts'
import type { MonthBatch } from './write-months.ts'

interface IndexScope {
  db: Database
  cache: PageCache
  fresh: FreshQueue
  userId: string
  storageId: string
  origin: { connectionId: string; stream: string }
}

/**
 * Brings the index to what now lies in the storage, in one transaction: the items that were written, those that were found in a file
 * whose last write nobody saw end, and the files themselves.
 */
export async function indexParts(scope: IndexScope, works: readonly { batch: MonthBatch; parts: readonly Part[] }[]): Promise<void> {
  const { db, userId, storageId } = scope
  const saved: ItemRow[] = []
  const fresh: FreshItems['items'][number][] = []
  const found: ItemRow[] = []
  const finished: { part: Part; text: string }[] = []
  for (const { batch, parts } of works) {
    const changes = new Map(batch.changes.flatMap((one) => (one.change.kind === 'refresh' ? [] : [[idOf(one.change), one] as const])))
    for (const part of parts) {
      // A file that is there and needed no write counts as well, unless a write of it failed.
      if (part.page === null || part.revision === null || part.draft !== null || !(part.isStored || part.isHealing)) continue
      finished.push({ part, text: part.text ?? printPage(part.page) })
      for (const entry of part.page.entries) {
        if (entry.id === null) continue
        const change = changes.get(entry.id)
        if (change) {
          const row = itemRow(scope.origin, batch.about, part.path, entry, change)
          saved.push(row)
          fresh.push({ key: row.key, hash: row.hash, entry })
        } else if (part.isHealing) found.push(itemRow(scope.origin, batch.about, part.path, entry, null))
      }
    }
  }
  const vanished = works.flatMap(({ parts }) =>
    parts.filter((part) => (part.isDeleted || part.isEmptied) && part.revision === null && part.draft === null),
  )
  if (finished.length === 0 && vanished.length === 0) return
  const [foundRows, savedRows] = [uniqueByKey(found), uniqueByKey(saved)]
  await db.transaction(async (transaction) => {
    await takeTurn(transaction, userId)
    for (const part of [...finished.map((each) => each.part), ...vanished]) {
      const cause = causeOf(part)
      const there = part.page?.entries.flatMap(({ id }) => (id === null ? [] : [id])) ?? []
      if (cause) await noteAbsent(transaction, userId, storageId, { path: part.path, there, cause })
    }
    const paths = vanished.map(({ path }) => path)
    if (paths.length > 0) await dropPages(transaction, userId, storageId, paths)
    await addItems(transaction, userId, storageId, foundRows)
    await saveItems(transaction, userId, storageId, savedRows)
    await settleAbsent(
      transaction,
      userId,
      storageId,
      [...foundRows, ...savedRows].map(({ key }) => key),
    )
    await savePages(transaction, userId, storageId, finished.map(pageRow))
  })
  scope.fresh.add({ userId, storageId, items: fresh })
  await cacheLikely(scope, finished)
}

/** What became of items that the index has of a page and the page has not; null: there can be none. */
function causeOf(part: Part): AbsenceCause | null {
  if (part.isRescued) return 'damaged'
  if (part.isDeleted) return 'page-deleted'
  // A mirror's own removals are marked as gone, so that of these none is left behind as anybody's decision.
  return part.isHealing || part.removed.size > 0 ? 'taken-out' : null
}

function uniqueByKey(rows: readonly ItemRow[]): ItemRow[] {
  return [...new Map(rows.map((row) => [row.key, row])).values()]
}

function pageRow({ part, text }: { part: Part; text: string }) {
  const { path, month, number, revision, bytes, page } = part
  const sha256 = part.sha256 ?? createHash('sha256').update(text).digest('hex')
  return { path, month, part: number, revision, sha256, bytes, items: page?.entries.length ?? 0 }
}

/** Of what was written, the first and the last month of a run: the next batch goes on there. */
async function cacheLikely({ cache, userId, storageId }: IndexScope, finished: readonly { part: Part; text: string }[]): Promise<void> {
  const byFolder = Map.groupBy(finished, ({ part }) => part.month.slice(0, part.month.lastIndexOf('/')))
  for (const pages of byFolder.values()) {
    const open = pages.filter(({ part }) => part.isStored && part.bytes < closedBytes)
    for (const { part, text } of new Set([open[0], open.at(-1)].filter((page) => page !== undefined)))
      if (part.revision !== null && part.page !== null)
        await cache.putPage({ userId, storageId, path: part.path, revision: part.revision }, part.page, text, part.bytes)
  }
}
