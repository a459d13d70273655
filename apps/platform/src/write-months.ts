import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { AshevilleError, fewAtOnce, kindOf, throwIfAborted, type ContentType, type Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { holding, holdMs } from './holding.ts'
import { indexParts } from './index-parts.ts'
import { lookForFolder } from './look-for-folder.ts'
import { idOf, mergePage, type Change, type Copies } from './merge-page.ts'
import {
  closedBytes,
  draftOf,
  freshPart,
  loadPart,
  maxPartBytes,
  partOfRow,
  sizeOf,
  unknownPart,
  uploadOf,
  type About,
  type Part,
  type PartIo,
} from './month-parts.ts'
import { objectOf, type Page } from './page-file.ts'
import { beginRemoving } from './queries/absent.ts'
import { findByKeys, type ItemRow } from './queries/items.ts'
import { doubtMedia } from './queries/media.ts'
import type { FreshQueue } from './words/fresh-items.ts'
import { beginWriting, holdMonths, pagesOfMonths } from './queries/pages.ts'
import { pathsOf } from './stored-object.ts'

/** A change of one item, by its key in the index. */
export interface ItemChange {
  key: string
  change: Change
  /** What it adds to a page. */
  bytes: number
  /** The content's, where it brings any. */
  hash: string | null
}

/** All changes that a batch brings to one month of one content type. */
export interface MonthBatch {
  month: string
  about: About & { contentType: ContentType }
  copies: Copies
  changes: ItemChange[]
}

export interface WriteScope extends Omit<PartIo, 'signal'> {
  db: Database
  fresh: FreshQueue
  origin: { connectionId: string; stream: string }
  signal: AbortSignal
  /** Throws when another worker has taken the stream over. */
  checkFence(): Promise<void>
}

export type Outcome = 'new' | 'changed' | 'unchanged' | 'gone'

/** What waiting for another writer may take in all; longer than a dead one's hold. */
const waitMs = 25_000
/** Of new items and pages to read, what is in memory at once. */
const chunkBytes = 24 * 1024 * 1024
const maxRounds = 5
const readers = 4

/**
 * Writes changes into the page files of their months, then into the index. Each month has one writer at a time. What could be
 * stored is indexed also when the rest fails; repeating the whole is harmless.
 *
 * @returns what became of each item, by key
 * Errors: the storage's; `conflict` when the fence is stale; `unavailable` when another writer does not come to an end
 */
export async function writeMonths(scope: WriteScope, batches: readonly MonthBatch[]): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const holder = randomUUID()
  let waiting = [...batches].sort((one, other) => (one.month < other.month ? -1 : 1))
  let waitedMs = 0
  while (waiting.length > 0) {
    throwIfAborted(scope.signal)
    const chunk = await takeChunk(scope, waiting)
    const names = chunk.map(({ month }) => month)
    const held = new Set(await holdMonths(scope.db, scope.userId, scope.storageId, names, holder, holdMs))
    if (held.size === 0) {
      if (waitedMs >= waitMs) throw new AshevilleError('unavailable', 'Another sync writes the same files', { retryAfterMs: 5000 })
      const pauseMs = Math.min(500, 20 + waitedMs / 4) * (0.5 + Math.random())
      await sleep(pauseMs, undefined, { signal: scope.signal }).catch(() => undefined)
      waitedMs += pauseMs
      // Others may have what stands first; the rest is tried meanwhile.
      waiting = [...waiting.slice(chunk.length), ...waiting.slice(0, chunk.length)]
      continue
    }
    waitedMs = 0
    const mine = chunk.filter(({ month }) => held.has(month))
    await holding(scope, holder, [...held], (signal) => writeHeld({ ...scope, signal }, mine, outcomes))
    waiting = waiting.filter((batch) => !mine.includes(batch))
  }
  return outcomes
}

/** The first of the months, as many as fit into memory together. */
async function takeChunk(scope: WriteScope, waiting: readonly MonthBatch[]): Promise<MonthBatch[]> {
  const months = waiting.map(({ month }) => month)
  const pages = await pagesOfMonths(scope.db, scope.userId, scope.storageId, months)
  const chunk: MonthBatch[] = []
  let bytes = 0
  for (const batch of waiting) {
    const isNew = batch.changes.every(({ change }) => change.kind === 'put')
    const parts = pages.filter(({ month }) => month === batch.month)
    const toRead = isNew ? parts.filter((page) => page.bytes < closedBytes) : parts
    bytes += [...toRead, ...batch.changes].reduce((sum, one) => sum + one.bytes, 0)
    if (chunk.length > 0 && bytes > chunkBytes) break
    chunk.push(batch)
  }
  return chunk
}

interface Work {
  readonly batch: MonthBatch
  parts: Part[]
  /** A part that should have been absent is there: so may be others that the index does not know. */
  isProbing: boolean
  /** Files that a mirror shows no longer, as far as this page goes. */
  droppedMedia: Set<string>
}

async function writeHeld(scope: WriteScope, batches: readonly MonthBatch[], outcomes: Map<string, Outcome>): Promise<void> {
  const { db, userId, storageId, storage, signal } = scope
  const keys = batches.flatMap(({ changes }) => changes.map(({ key }) => key))
  const [rows, known] = await Promise.all([
    pagesOfMonths(
      db,
      userId,
      storageId,
      batches.map(({ month }) => month),
    ),
    findByKeys(db, userId, storageId, keys),
  ])
  const places = new Map(known.map((row) => [row.key, row]))
  const works = batches.map((batch): Work => ({
    batch,
    parts: rows.filter(({ month }) => month === batch.month).map(partOfRow),
    isProbing: false,
    droppedMedia: new Set(),
  }))
  const keyOf = new Map(
    batches.flatMap(({ month, changes }) => changes.map(({ key, change }) => [`${month} ${idOf(change)}`, key] as const)),
  )

  let looking: Promise<void> | null = null
  const look = () => (looking ??= lookForFolder(scope, batches[0]!.about))
  let failure: Error | null = null
  let open = works
  for (let round = 0; open.length > 0; round++) {
    if (round === maxRounds) {
      failure ??= new AshevilleError('unavailable', 'The files in the storage keep changing while they are written', { retryAfterMs: 5000 })
      break
    }
    await fewAtOnce(readers, open, (work) => prepare(scope, work, places, look))
    const drafts = open.flatMap(({ parts }) => parts.filter((part) => part.draft !== null))
    if (drafts.length === 0) break
    await scope.checkFence()
    await beginWriting(
      db,
      userId,
      storageId,
      drafts.map(({ path, month, number }) => ({ path, month, part: number })),
    )
    // First the media are doubted, then the page that shows them goes: a doubt too many is only looked into.
    const dropped = open.flatMap(({ droppedMedia }) => [...droppedMedia])
    if (dropped.length > 0) await doubtMedia(db, userId, storageId, dropped)
    const leaving = drafts.flatMap(({ month, removed }) => [...removed].flatMap((id) => keyOf.get(`${month} ${id}`) ?? []))
    await beginRemoving(db, userId, storageId, leaving)
    throwIfAborted(signal)
    const { stale, failed, error } = await send(storage, drafts, signal)
    if (error) failure = worse(failure, error)
    open = open.filter(({ parts }) => parts.some((part) => stale.has(part)) && !parts.some((part) => failed.has(part)))
    for (const work of open) forgetStale(work, stale)
  }
  await indexParts(scope, works)
  for (const { batch, parts } of works) report(batch, parts, places, outcomes)
  if (failure) throw failure
}

interface Sent {
  /** Somebody else wrote these meanwhile. */
  stale: Set<Part>
  failed: Set<Part>
  /** The failure that a person can do something about, if any. */
  error: Error | null
}

/** Writes the drafts, and removes the files in which nothing is left. */
async function send(storage: Storage, drafts: readonly Part[], signal: AbortSignal): Promise<Sent> {
  const [emptied, written] = [drafts.filter(({ isEmptied }) => isEmptied), drafts.filter(({ isEmptied }) => !isEmptied)]
  const uploads = written.map((part) => uploadOf(part.path, part.draft!.text, part.revision))
  const results = uploads.length === 0 ? [] : await storage.put(uploads, signal)
  const sent: Sent = { stale: new Set(), failed: new Set(), error: null }
  const fail = (part: Part, error: Error) => {
    sent.failed.add(part)
    sent.error = worse(sent.error, error)
  }
  written.forEach((part, index) => {
    const result = results[index]
    if (result?.outcome === 'stored') stored(part, result.revision, uploads[index]!.sha256)
    else if (result?.outcome === 'conflict') sent.stale.add(part)
    else fail(part, result?.error ?? new AshevilleError('unexpected', 'The storage did not say what became of a file'))
  })
  await fewAtOnce(readers, emptied, async (part) => {
    try {
      await storage.remove(part.path, part.revision, signal)
      Object.assign(part, { page: part.draft!.page, revision: null, draft: null, isStored: true })
    } catch (error) {
      if (kindOf(error) === 'conflict') sent.stale.add(part)
      else fail(part, error as Error)
    }
  })
  return sent
}

function stored(part: Part, revision: string, sha256: string): void {
  const { draft } = part
  if (!draft) return
  Object.assign(part, {
    revision,
    page: draft.page,
    text: draft.text,
    sha256,
    bytes: sizeOf(draft.page),
    draft: null,
    isStored: true,
    isBelieved: true,
  })
}

/** Somebody else wrote these files since we read them: they are read again. */
function forgetStale(work: Work, stale: ReadonlySet<Part>): void {
  for (const part of work.parts) {
    if (!stale.has(part)) continue
    work.isProbing ||= part.revision === null
    Object.assign(part, {
      page: null,
      text: null,
      sha256: null,
      draft: null,
      revision: null,
      isBelieved: false,
      isStored: false,
      isEmptied: false,
      removed: new Set(),
    })
  }
}

/** Brings a month's changes to its parts: reads what must be read, and drafts what is to be written. */
async function prepare(scope: WriteScope, work: Work, places: ReadonlyMap<string, ItemRow>, look: () => Promise<void>): Promise<void> {
  const { batch } = work
  const load = (part: Part) => loadPart(part, batch.about, scope)
  for (const part of work.parts) if (!part.isBelieved && part.page === null) await load(part)
  // When the first file of a month needs a second at once, whatever the index forgot must be known before either is written.
  const newBytes = batch.changes.reduce((sum, { bytes }) => sum + bytes, 0)
  if (work.isProbing || (work.parts.length === 0 && newBytes > maxPartBytes)) await probe(work, load)

  const { targets, expected } = assign(work, places)
  for (const [part, all] of targets) {
    if (all.every(({ kind }) => kind === 'refresh') && !part.isRescued) continue
    if (part.page === null) await load(part)
    const before = part.page!
    const changes = withoutAbsent(part, all, expected)
    const page = mergePage(before, changes, { isDated: !batch.month.endsWith('/undated'), copies: batch.copies })
    if (page !== before || part.isRescued) part.draft = draftOf(page)
    if (page !== before && batch.copies === 'mirror') noteMirrored(work, part, before, page, changes)
  }
  if (work.parts.some(({ isDeleted }) => isDeleted)) await look()
  for (const part of work.parts) if (part.isRescued && !part.isStored && part.page) part.draft ??= draftOf(part.page)
}

/** What the index has and the file has not, somebody took out, and an edit on its network does not bring it back. */
function withoutAbsent(part: Part, changes: readonly Change[], expected: ReadonlySet<string>): readonly Change[] {
  if ((!part.isHealing && !part.isDeleted) || part.isRescued) return changes
  const there = new Set(part.page?.entries.map(({ id }) => id))
  return changes.filter((change) => there.has(idOf(change)) || !expected.has(idOf(change)))
}

/** What a mirror takes away with these changes: items, and files of what they were before. */
function noteMirrored(work: Work, part: Part, before: Page, after: Page, changes: readonly Change[]): void {
  const entriesOf = (page: Page) => new Map(page.entries.map((entry) => [entry.id, entry]))
  const [were, are] = [entriesOf(before), entriesOf(after)]
  const ids = changes.map(idOf).filter((id) => were.has(id))
  part.removed = new Set(ids.filter((id) => !are.has(id)))
  // Of several parts only the last can go: the others are found by their numbers.
  part.isEmptied = after.entries.length === 0 && part.revision !== null && part === work.parts.at(-1)
  for (const id of ids) {
    const [old, now] = [were.get(id), are.get(id)]
    if (!old || old === now) continue
    const shown = now ? pathsOf(objectOf(now)) : new Set()
    for (const path of pathsOf(objectOf(old))) if (!shown.has(path)) work.droppedMedia.add(path)
  }
}

async function probe(work: Work, load: (part: Part) => Promise<boolean>): Promise<void> {
  work.isProbing = false
  for (let number = (work.parts.at(-1)?.number ?? 0) + 1; ; number++) {
    const part = unknownPart(work.batch.month, number)
    if (!(await load(part))) return
    work.parts.push(part)
  }
}

/**
 * Which part each change goes to: where its item lies; new items to the last part, or to new ones when it is full. `expected`: ids of what lies
 * where it goes as the index has it, and was not seen there.
 */
function assign(work: Work, places: ReadonlyMap<string, ItemRow>): { targets: Map<Part, Change[]>; expected: Set<string> } {
  const { batch } = work
  const expected = new Set<string>()
  const targets = new Map<Part, Change[]>()
  const add = (part: Part, change: Change) => {
    const known = targets.get(part)
    if (known) known.push(change)
    else targets.set(part, [change])
  }
  const partById = new Map(work.parts.flatMap((part) => part.page?.entries.map(({ id }) => [id, part] as const) ?? []))

  let last = work.parts.at(-1)
  let size = last ? last.bytes : 0
  let isClosed = size >= closedBytes
  for (const { key, change, bytes } of inOrder(batch)) {
    const path = places.get(key)?.path
    const id = idOf(change)
    const seenIn = partById.get(id)
    const known = seenIn ?? work.parts.find((part) => part.path === path)
    if (known) {
      add(known, change)
      if (!seenIn) expected.add(id)
      continue
    }
    if (change.kind !== 'put') continue
    if (!last || isClosed || (size > 0 && size + bytes > maxPartBytes)) {
      last = freshPart(batch.month, (last?.number ?? 0) + 1, batch.about)
      work.parts.push(last)
      size = 0
      isClosed = false
    }
    add(last, change)
    size += bytes
  }
  return { targets, expected }
}

/** Dated ones from the oldest on, so that parts follow each other in time; undated ones as they came. */
function inOrder({ month, changes }: MonthBatch): readonly ItemChange[] {
  if (month.endsWith('/undated')) return changes
  const dateOf = ({ change }: ItemChange) => (change.kind === 'gone' ? '' : (change.entry.at ?? ''))
  return [...changes].sort((one, other) => (dateOf(one) < dateOf(other) ? -1 : dateOf(one) > dateOf(other) ? 1 : 0))
}

const telling = ['storage-full', 'reconnect-required', 'invalid', 'rate-limited']

/** Of several failures, the one that a person can do something about. */
function worse(before: Error | null, after: Error): Error {
  if (before === null) return after
  const rank = (error: Error) => (telling.includes(kindOf(error)) ? telling.indexOf(kindOf(error)) : telling.length)
  return rank(after) < rank(before) ? after : before
}

function report(batch: MonthBatch, parts: readonly Part[], places: ReadonlyMap<string, ItemRow>, outcomes: Map<string, Outcome>): void {
  const storedIds = new Set(
    parts.flatMap((part) => (part.isStored || part.isHealing ? (part.page?.entries.map(({ id }) => id) ?? []) : [])),
  )
  const removed = new Set(parts.flatMap((part) => (part.isStored ? [...part.removed] : [])))
  for (const { key, change } of batch.changes) {
    if (change.kind === 'refresh') continue
    const id = idOf(change)
    if (removed.has(id)) outcomes.set(key, 'gone')
    else if (!storedIds.has(id)) outcomes.set(key, 'unchanged')
    else if (change.kind === 'gone') outcomes.set(key, 'gone')
    else outcomes.set(key, places.has(key) ? 'changed' : 'new')
  }
}
