import { AshevilleError, type ContentType, type SkippedItem } from '@asheville/core'
import type { MediaState, platformRoutes, PutItemsReply, SeenItem } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { z } from 'zod'
import { itemHash } from './item-hash.ts'
import type { PlatformMetrics } from './metrics.ts'
import { maxPartBytes, monthOfPath } from './month-parts.ts'
import type { PageCache } from './page-cache.ts'
import { bytesOf, toEntry, type ItemEntry } from './page-file.ts'
import { itemKey, monthPath } from './page-path.ts'
import { accountFolder } from './queries/accounts.ts'
import { refusedKeys } from './queries/absent.ts'
import { checkFence, claimFence } from './queries/fences.ts'
import { findByIds, findByKeys, findMissing, moveOrigins, type ItemRow } from './queries/items.ts'
import { findSources, findStored } from './queries/media.ts'
import { notePending } from './queries/pending.ts'
import type { StorageOf } from './storage-access.ts'
import { isOlder, toStoredObject, versionOf } from './stored-object.ts'
import type { FreshQueue } from './words/fresh-items.ts'
import { writeMonths, type ItemChange, type MonthBatch } from './write-months.ts'

export type Batch = z.output<typeof platformRoutes.putItems.body>

export interface StoreParts {
  db: Database
  storageOf: StorageOf
  cache: PageCache
  fresh: FreshQueue
  metrics: Pick<PlatformMetrics, 'items'>
  now(): Date
}

/** An item of the batch, ready for its page. */
interface Delivered {
  key: string
  contentType: ContentType
  entry: ItemEntry
  hash: string
  /** Of its files, if it has any: whether one is to be tried again. */
  files: 'pending' | 'settled' | null
  /** Hashes of its files that are said to be stored. */
  hashes: string[]
}

/**
 * Stores a batch of one stream: into the month pages of the person's storage, then into the index; only then it answers. What the
 * index knows to be unchanged costs no call to the storage.
 */
export async function storeBatch(parts: StoreParts, userId: string, batch: Batch, signal: AbortSignal): Promise<PutItemsReply> {
  const { db, metrics } = parts
  const { storageId, connectionId, stream, network, account } = batch
  checkRanges(batch)
  const claim = { userId, connectionId, stream, fence: batch.fence }
  const { storage } = await parts.storageOf(userId, storageId)
  await claimFence(db, claim)
  const folder = await accountFolder(db, userId, storageId, network, account)

  const skipped: SkippedItem[] = []
  const states = await knownMedia(db, userId, storageId, batch.items)
  const delivered = new Map<string, Delivered>()
  for (const item of batch.items) {
    const one = deliver(item, batch, states)
    if ('reason' in one) skipped.push(one)
    else keepNewer(delivered, one)
  }

  const rows = await knownRows(db, userId, batch, [...delivered.values()])
  const unknown = [...delivered.keys()].filter((key) => !rows.has(key))
  for (const key of await refusedKeys(db, userId, storageId, unknown)) delivered.delete(key)
  const sorted = sortOut([...delivered.values()], rows, { connectionId, stream })
  const gone = await goneRows(db, userId, batch)
  const months = byMonth(batch, folder, sorted, gone, parts.now())
  const outcomes = await writeMonths(
    { ...parts, storage, userId, storageId, signal, origin: { connectionId, stream }, checkFence: () => checkFence(db, claim) },
    months,
  )
  await moveOrigins(db, userId, storageId, { connectionId, stream }, sorted.moved)
  await doubtFiles(db, userId, storageId, [...delivered.values()])
  const keysOf = (files: Delivered['files']) =>
    [...delivered.values()].filter((one) => one.files === files).map(({ key }) => rows.get(key)?.key ?? key)
  await notePending(db, userId, storageId, { connectionId, stream }, { pending: keysOf('pending'), settled: keysOf('settled') })

  const present = [...batch.items.map(({ id }) => id), ...batch.gone]
  const missing = await findMissing(db, userId, storageId, { connectionId, stream }, batch.covers, present)

  const count = (wanted: string) => [...outcomes.values()].filter((outcome) => outcome === wanted).length
  const tally = { new: count('new'), changed: count('changed'), gone: count('gone') }
  const unchanged = batch.items.length - skipped.length - tally.new - tally.changed
  for (const [outcome, number] of Object.entries({ ...tally, unchanged, skipped: skipped.length })) metrics.items.inc({ outcome }, number)
  return { ...tally, unchanged, skipped, missing }
}

function checkRanges({ covers }: Batch): void {
  const isInstant = (text: string | null) => text === null || !Number.isNaN(Date.parse(text))
  if (covers.some(({ by, from, to }) => by === 'at' && !(isInstant(from) && isInstant(to))))
    throw new AshevilleError('invalid', 'A covered range of dates is not made of dates')
}

/** What the worker could not get now may have been stored before: that place counts. */
async function knownMedia(
  db: Database,
  userId: string,
  storageId: string,
  items: readonly SeenItem[],
): Promise<(item: SeenItem) => Record<string, MediaState>> {
  const wanted = items.flatMap(({ media, mediaStates }) =>
    media.map(({ url }) => url).filter((url) => mediaStates[url]?.state !== 'stored'),
  )
  const known = await findSources(db, userId, storageId, [...new Set(wanted)])
  return ({ media, mediaStates }) => {
    const found = media.flatMap(({ url }) => {
      const place = known.get(url)
      return place ? [[url, { state: 'stored', ...place }] as const] : []
    })
    return found.length === 0 ? mediaStates : { ...mediaStates, ...Object.fromEntries(found) }
  }
}

function deliver(
  item: SeenItem,
  { network, account, stream }: Batch,
  states: (item: SeenItem) => Record<string, MediaState>,
): Delivered | SkippedItem {
  const { id, contentType } = item
  const skip = (reason: string) => ({ id, reason })
  if (item.object.id !== id) return skip('its object has another id')
  if (!id.isWellFormed() || id.includes('\0')) return skip('its id has characters that cannot be stored')
  if (item.at !== null && item.at < '0001') return skip('its date is before the first year')
  const mediaStates = states(item)
  const object = toStoredObject({ ...item, mediaStates }, stream)
  const hash = itemHash(object)
  const entry = toEntry({ ...object, 'asheville:hash': hash })
  if (bytesOf(entry) > maxPartBytes) return skip(`it is larger than ${maxPartBytes / 1024 / 1024} MiB`)
  const media = item.media.map(({ url }) => mediaStates[url])
  const isPending = media.some((state) => state === undefined || state.state === 'pending')
  const files = media.length === 0 ? null : isPending ? 'pending' : 'settled'
  const hashes = media.flatMap((state) => (state?.state === 'stored' ? [state.sha256] : []))
  return {
    key: itemKey({ network, accountId: account.id, contentType, id }),
    contentType,
    entry,
    hash,
    files,
    hashes,
  }
}

/** A file that was stored may have been removed with what else showed it, before this item's page did: then it is to be had again. */
async function doubtFiles(db: Database, userId: string, storageId: string, delivered: readonly Delivered[]): Promise<void> {
  const hashes = [...new Set(delivered.flatMap((one) => one.hashes))]
  const there = await findStored(db, userId, storageId, hashes)
  if (there.size === hashes.length) return
  for (const one of delivered) if (one.hashes.some((hash) => !there.has(hash))) one.files = 'pending'
}

/** Of an item that comes twice in a batch, the newer version; of equals the later one. */
function keepNewer(delivered: Map<string, Delivered>, one: Delivered): void {
  const before = delivered.get(one.key)
  if (!before || !isOlder(versionOf(one.entry.object), versionOf(before.entry.object))) delivered.set(one.key, one)
}

/**
 * What the index knows of the items, by their key. An item stays what it was first stored as: when an edit makes its stream deliver it
 * as another content type, it is found by its id, and stays at its place.
 */
async function knownRows(db: Database, userId: string, batch: Batch, delivered: Delivered[]): Promise<Map<string, ItemRow>> {
  const { storageId, connectionId, stream } = batch
  const keys = delivered.map(({ key }) => key)
  const rows = new Map((await findByKeys(db, userId, storageId, keys)).map((row) => [row.key, row]))
  const others = delivered.filter(({ key }) => !rows.has(key))
  const ids = others.map(({ entry }) => entry.id)
  const elsewhere = new Map((await findByIds(db, userId, storageId, { connectionId, stream }, ids)).map((row) => [row.id, row]))
  for (const one of others) {
    const row = elsewhere.get(one.entry.id)
    if (row) rows.set(one.key, row)
  }
  return rows
}

interface Sorted {
  /** To be written: new, or changed as far as the index knows. */
  put: { one: Delivered; row: ItemRow | null }[]
  /** Unchanged, but perhaps with newer counts. */
  same: { one: Delivered; row: ItemRow }[]
  /** Keys of unchanged items that come from another connection or stream than before. */
  moved: string[]
}

function sortOut(
  delivered: readonly Delivered[],
  rows: ReadonlyMap<string, ItemRow>,
  origin: { connectionId: string; stream: string },
): Sorted {
  const sorted: Sorted = { put: [], same: [], moved: [] }
  for (const one of delivered) {
    const row = rows.get(one.key) ?? null
    if (row === null) {
      sorted.put.push({ one, row })
      continue
    }
    const { object } = one.entry
    const isBack = row.goneAt !== null && object['asheville:seenAt'] > row.goneAt
    const isLate = isOlder(versionOf(object), { updatedMs: Date.parse(row.updatedAt), seenMs: Date.parse(row.seenAt) })
    if (isBack || (row.hash !== one.hash && !isLate)) sorted.put.push({ one, row })
    else {
      sorted.same.push({ one, row })
      if (row.connectionId !== origin.connectionId || row.stream !== origin.stream) sorted.moved.push(row.key)
    }
  }
  return sorted
}

/** What the network says is gone, and is not marked so yet, or still there where copies mirror it. Whatever the batch also delivers is there. */
async function goneRows(db: Database, userId: string, batch: Batch): Promise<ItemRow[]> {
  const { storageId, connectionId, stream } = batch
  const there = new Set(batch.items.map(({ id }) => id))
  const ids = [...new Set(batch.gone)].filter((id) => !there.has(id))
  const rows = await findByIds(db, userId, storageId, { connectionId, stream }, ids)
  return rows.filter(({ goneAt }) => goneAt === null || batch.copies === 'mirror')
}

/** The changes by month file. A month in which nothing changed is not touched, whatever its counts. */
function byMonth(batch: Batch, folder: string, sorted: Sorted, gone: readonly ItemRow[], now: Date): MonthBatch[] {
  const { network, account, copies } = batch
  const months = new Map<string, MonthBatch>()
  const add = (month: string, contentType: ContentType, change: ItemChange) => {
    const known = months.get(month)
    if (known) known.changes.push(change)
    else months.set(month, { month, about: { network, account, contentType }, copies, changes: [change] })
  }
  for (const { one, row } of sorted.put) {
    const { entry, hash } = one
    const month = row ? monthOfPath(row.path) : monthPath({ network, folder, contentType: one.contentType, at: entry.at })
    const change = { kind: 'put', entry } as const
    add(month, row?.contentType ?? one.contentType, { key: row?.key ?? one.key, change, bytes: bytesOf(entry), hash })
  }
  for (const row of gone) {
    // The mark is never older than the last time that we saw the item, whatever the clocks say.
    const goneAt = row.seenAt > now.toISOString() ? row.seenAt : now.toISOString()
    const change = { kind: 'gone', id: row.id, goneAt } as const
    add(monthOfPath(row.path), row.contentType, { key: row.key, change, bytes: 0, hash: null })
  }
  for (const { one, row } of sorted.same) {
    const month = months.get(monthOfPath(row.path))
    month?.changes.push({ key: row.key, change: { kind: 'refresh', entry: one.entry }, bytes: 0, hash: null })
  }
  return [...months.values()]
}
