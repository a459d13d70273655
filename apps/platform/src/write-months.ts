import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { AshevilleError, fewAtOnce, kindOf, throwIfAborted, type ContentType } from '@asheville/core'
import type { Database } from '@asheville/database'
import { holding, holdMs } from './holding.ts'
import { indexParts } from './index-parts.ts'
import { idOf, mergePage, type Change } from './merge-page.ts'
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
import { findByKeys, type ItemRow } from './queries/items.ts'
import { beginWriting, holdMonths, pagesOfMonths } from './queries/pages.ts'

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
  changes: ItemChange[]
}

export interface WriteScope extends Omit<PartIo, 'signal'> {
  db: Database
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
  }))

  let failure: Error | null = null
  let open = works
  for (let round = 0; open.length > 0; round++) {
    if (round === maxRounds) {
      failure ??= new AshevilleError('unavailable', 'The files in the storage keep changing while they are written', { retryAfterMs: 5000 })
      break
    }
    await fewAtOnce(readers, open, (work) => prepare(scope, work, places))
    const drafts = open.flatMap(({ parts }) => parts.filter((part) => part.draft !== null))
    if (drafts.length === 0) break
    await scope.checkFence()
    await beginWriting(
      db,
      userId,
      storageId,
      drafts.map(({ path, month, number }) => ({ path, month, part: number })),
    )
    throwIfAborted(signal)
    const uploads = drafts.map((part) => uploadOf(part.path, part.draft!.text, part.revision))
    const results = await storage.put(uploads, signal)
    const stale = new Set<Part>()
    const failed = new Set<Part>()
    drafts.forEach((part, index) => {
      const result = results[index]
      if (result?.outcome === 'stored') stored(part, result.revision, uploads[index]!.sha256)
      else if (result?.outcome === 'conflict') stale.add(part)
      else {
        failed.add(part)
        failure = worse(failure, result?.error ?? new AshevilleError('unexpected', 'The storage did not say what became of a file'))
      }
    })
    open = open.filter(({ parts }) => parts.some((part) => stale.has(part)) && !parts.some((part) => failed.has(part)))
    for (const work of open) forgetStale(work, stale)
  }
  await indexParts(scope, works)
  for (const { batch, parts } of works) report(batch, parts, places, outcomes)
  if (failure) throw failure
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
    Object.assign(part, { page: null, text: null, sha256: null, draft: null, revision: null, isBelieved: false, isStored: false })
  }
}

/** Brings a month's changes to its parts: reads what must be read, and drafts what is to be written. */
async function prepare(scope: WriteScope, work: Work, places: ReadonlyMap<string, ItemRow>): Promise<void> {
  const { batch } = work
  const load = (part: Part) => loadPart(part, batch.about, scope)
  for (const part of work.parts) if (!part.isBelieved && part.page === null) await load(part)
  // When the first file of a month needs a second at once, whatever the index forgot must be known before either is written.
  const newBytes = batch.changes.reduce((sum, { bytes }) => sum + bytes, 0)
  if (work.isProbing || (work.parts.length === 0 && newBytes > maxPartBytes)) await probe(work, load)

  const targets = assign(work, places)
  for (const [part, changes] of targets) {
    if (changes.every(({ kind }) => kind === 'refresh') && !part.isRescued) continue
    if (part.page === null) await load(part)
    const page = mergePage(part.page!, changes, !batch.month.endsWith('/undated'))
    if (page !== part.page || part.isRescued) part.draft = draftOf(page)
  }
  for (const part of work.parts) if (part.isRescued && !part.isStored && part.page) part.draft ??= draftOf(part.page)
}

async function probe(work: Work, load: (part: Part) => Promise<boolean>): Promise<void> {
  work.isProbing = false
  for (let number = (work.parts.at(-1)?.number ?? 0) + 1; ; number++) {
    const part = unknownPart(work.batch.month, number)
    if (!(await load(part))) return
    work.parts.push(part)
  }
}

/** Which part each change goes to: where its item lies; new items to the last part, or to new ones when it is full. */
function assign(work: Work, places: ReadonlyMap<string, ItemRow>): Map<Part, Change[]> {
  const { batch } = work
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
    const known = partById.get(id) ?? work.parts.find((part) => part.path === path)
    if (known) {
      add(known, change)
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
  return targets
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
  for (const { key, change } of batch.changes) {
    if (change.kind === 'refresh') continue
    const id = idOf(change)
    if (!storedIds.has(id)) outcomes.set(key, 'unchanged')
    else if (change.kind === 'gone') outcomes.set(key, 'gone')
    else outcomes.set(key, places.has(key) ? 'changed' : 'new')
  }
}
