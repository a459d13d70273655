import { rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import {
  AshevilleError,
  kindOf,
  throwIfAborted,
  type ContentType,
  type Cursor,
  type Item,
  type Page,
  type PullIo,
  type Range,
  type SkippedItem,
  type Stream,
  type Walk,
} from '@asheville/core'
import { ifCid, type Cid } from '@atproto/lex-data'
import { lexToJson } from '@atproto/lex-json'
import { z } from 'zod'
import { downloadRepository, hasRecord, repositoryPath } from './api.ts'
import { openCarFile, type CarFile } from './car-file.ts'
import { createCoveredRanges } from './covered.ts'
import { collections, isCollection, itemOf, type Collection } from './items.ts'
import { treeEntries } from './tree.ts'

const recordsPerPage = 200
/** Records of one page that are looked at but not delivered (unchanged, or of collections that are no content). */
const entriesPerPage = 5000

/** A version of a repository: its revision, and the commit that has it. */
const versionSchema = z.object({ revision: z.string(), commit: z.string() })
type Version = z.infer<typeof versionSchema>

/**
 * Where a walk is. `since`: the version whose changes are walked through, null for the whole; `commit`: the version that was being
 * read; `after`: the last key done.
 */
const markSchema = z.object({ since: versionSchema.nullable(), commit: z.string().nullable(), after: z.string().nullable() })
type Mark = z.infer<typeof markSchema>

/**
 * The whole repository as one stream: the first walk downloads it once and reads it in key order; later ones download what
 * changed since the last version, whose tree nodes also prove what is gone.
 */
export const repository: Stream = {
  name: 'repository',
  version: 1,
  contentTypes: ['posts', 'likes', 'follows'],

  async plan({ head, open, range }) {
    if (open.some(({ kind }) => kind === 'incremental')) return []
    if (head === null) {
      const isOpen = open.some(({ kind }) => kind === 'backfill')
      return isOpen ? [] : [{ id: 'backfill', kind: 'backfill', range, cursor: null }]
    }
    const mark: Mark = { since: decode(versionSchema, head), commit: null, after: null }
    return [{ id: 'incremental', kind: 'incremental', range, cursor: JSON.stringify(mark) }]
  },

  async *pages(walk, io) {
    const mark: Mark = walk.cursor === null ? { since: null, commit: null, after: null } : decode(markSchema, walk.cursor)
    const { car, path } = await openRepository(mark, io)
    let isSpent = false
    try {
      for await (const page of read(car, walk, mark, io)) {
        isSpent = page.cursor === null
        yield page
      }
    } catch (error) {
      // The file is incomplete or damaged: it is downloaded again.
      isSpent ||= kindOf(error) === 'unavailable'
      throw error
    } finally {
      car.close()
      if (isSpent) await rm(path, { force: true })
    }
  },

  async gone(ids, io) {
    const gone: string[] = []
    for (const id of ids) if (!(await hasRecord(serverOf(io), io, id))) gone.push(id)
    return gone
  },
}

/** The file that an earlier slice of this walk left, if it is still the version that the walk was reading; else a new one. */
async function openRepository(mark: Mark, io: PullIo): Promise<{ car: CarFile; path: string }> {
  const since = mark.since?.revision ?? null
  const spooled = repositoryPath(io, since)
  if (mark.commit !== null && existsSync(spooled)) {
    try {
      const car = openCarFile(spooled)
      if (car.root.toString() === mark.commit) return { car, path: spooled }
      car.close()
    } catch {
      // A spoilt file is no loss: it is downloaded again.
    }
  }
  const path = await downloadRepository(serverOf(io), io, since)
  return { car: openCarFile(path), path }
}

async function* read(car: CarFile, walk: Walk, mark: Mark, io: PullIo): AsyncGenerator<Page> {
  const commit = car.root.toString()
  const block = car.block(car.root)
  if (block === null) {
    // Nothing changed since then, so the server had nothing to send; unless its history is another one now.
    if (commit !== mark.since?.commit)
      throw new AshevilleError('cursor-expired', 'Bluesky no longer knows the last version that was copied')
    yield { items: [], gone: [], skipped: [], cursor: null, head: JSON.stringify(mark.since) }
    return
  }
  const { rev, data } = commitOf(block)
  const head: Cursor = JSON.stringify({ revision: rev, commit } satisfies Version)
  // Changes up to another version were walked through: what changed again behind `after` would be missed.
  const after = walk.kind === 'incremental' && mark.commit !== commit ? null : mark.after

  const did = io.account.id
  const owner = { did, server: serverOf(io) }
  const idOf = (key: string) => `at://${did}/${key}`
  const covered = createCoveredRanges(`at://${did}/`, after === null ? null : idOf(after))
  const isWhole = mark.since === null
  let available = isWhole && after === null ? countByContentType(car, data) : undefined
  let items: Item[] = []
  let skipped: SkippedItem[] = []
  let entries = 0
  let last = after

  const page = (isEnd: boolean): Page => {
    const cursor = isEnd ? null : JSON.stringify({ since: mark.since, commit, after: last } satisfies Mark)
    const full: Page = { items, gone: [], skipped, cursor, head, covers: covered.take(isEnd), ...(available && { available }) }
    items = []
    skipped = []
    entries = 0
    available = undefined
    return full
  }

  for (const entry of treeEntries(car, data, after)) {
    if (entry.kind === 'gap') {
      if (isWhole) throw new AshevilleError('unavailable', 'The server sent an incomplete repository')
      covered.gap()
      continue
    }
    // A page ends before the next record, never behind the last: only the last page has no cursor.
    if (items.length + skipped.length >= recordsPerPage || entries >= entriesPerPage) {
      yield page(false)
      await setImmediate()
      throwIfAborted(io.signal)
    }
    const id = idOf(entry.key)
    const [collection = '', rkey = ''] = entry.key.split('/')
    entries++
    last = entry.key
    if (!car.has(entry.cid)) {
      if (isWhole) throw new AshevilleError('unavailable', 'The server sent an incomplete repository')
      covered.present(id)
      continue
    }
    if (!isCollection(collection)) {
      covered.delivered(id)
      continue
    }
    try {
      const item = itemOf(collection, rkey, recordOf(car, entry.cid), owner)
      if (isWithin(item.at, walk.range)) {
        covered.delivered(id)
        items.push(item)
      } else covered.present(id)
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error
      covered.present(id)
      skipped.push({ id, reason: `The record is not as ${collection} should be` })
    }
  }
  yield page(true)
}

function decode<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new AshevilleError('cursor-expired', 'A checkpoint that is not understood any more', { cause: error })
  }
}

function isWithin(at: string | null, { from, to }: Range): boolean {
  return at === null || ((from === null || at >= from) && (to === null || at < to))
}

function recordOf(car: CarFile, cid: Cid): unknown {
  return lexToJson(car.block(cid) as Parameters<typeof lexToJson>[0])
}

function commitOf(block: unknown): { rev: string; data: Cid } {
  const { rev, data } = block as { rev?: unknown; data?: unknown }
  const cid = ifCid(data)
  if (typeof rev !== 'string' || !cid) throw new AshevilleError('unavailable', 'The server sent a damaged repository (no commit)')
  return { rev, data: cid }
}

function countByContentType(car: CarFile, root: Cid): Partial<Record<ContentType, number>> {
  const counts: Partial<Record<ContentType, number>> = { posts: 0, likes: 0, follows: 0 }
  for (const entry of treeEntries(car, root, null)) {
    if (entry.kind === 'gap') continue
    const collection = entry.key.slice(0, entry.key.indexOf('/'))
    if (!isCollection(collection)) continue
    const { contentType } = collections[collection satisfies Collection]
    counts[contentType] = (counts[contentType] ?? 0) + 1
  }
  return counts
}

function serverOf(io: PullIo): string {
  if (io.server === null) throw new AshevilleError('reconnect-required', 'This Bluesky connection has no server')
  return io.server
}
