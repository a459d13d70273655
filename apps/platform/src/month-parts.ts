import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { AshevilleError, type Storage, type Upload } from '@asheville/core'
import type { PageCache } from './page-cache.ts'
import { itemHash } from './item-hash.ts'
import { bytesOf, newPage, objectOf, parsePage, printPage, salvage, type Entry, type Page } from './page-file.ts'
import { conflictPath, partOf, partPath } from './page-path.ts'
import type { PageRow } from './queries/pages.ts'
import { textOf } from './read-text.ts'

/** Past this a month's last part is closed, and the next item begins another. */
export const closedBytes = 4 * 1024 * 1024
/** No part grows past this; one batch may fill an open part up to here, so that it is not written once per batch. */
export const maxPartBytes = 6 * 1024 * 1024
/** What a person's editor may make of a page; beyond, it is no page of ours. */
const maxReadBytes = 64 * 1024 * 1024

/** One page file while its month is being written. */
export interface Part {
  readonly path: string
  readonly month: string
  readonly number: number
  /** null: the file must be absent. */
  revision: string | null
  bytes: number
  /** The index saw the last write of it end. */
  isBelieved: boolean
  page: Page | null
  /** The page as it stands in the file. */
  text: string | null
  /** Of that text, where it was written by us just now. */
  sha256: string | null
  /** What is to be written. */
  draft: { page: Page; text: string } | null
  /** It was read because the index might not know all that it holds. */
  isHealing: boolean
  /** It was not readable: what could be saved of it stands in for it, and the index forgets the rest. */
  isRescued: boolean
  /** The version that the index has seen, and its hash; null: none. */
  known: { revision: string; sha256: string | null } | null
  /** It is known, and not there. */
  isDeleted: boolean
  /** A mirror has nothing left in it: the file is to go. */
  isEmptied: boolean
  isStored: boolean
  /** Ids of the items that a mirror takes out of it. */
  removed: ReadonlySet<string>
}

export function partOfRow({ path, month, part, revision, sha256, bytes, isWritten }: PageRow): Part {
  const known = revision === null ? null : { revision, sha256 }
  return { ...unknownPart(month, part, path), revision, bytes, isBelieved: isWritten && revision !== null, known }
}

/** A part of which nothing is known but that it may be there. */
export function unknownPart(month: string, number: number, path = partPath(month, number)): Part {
  const flags = {
    isBelieved: false,
    isHealing: false,
    isRescued: false,
    isDeleted: false,
    isEmptied: false,
    isStored: false,
  }
  return {
    path,
    month,
    number,
    revision: null,
    bytes: 0,
    page: null,
    text: null,
    sha256: null,
    draft: null,
    known: null,
    removed: new Set(),
    ...flags,
  }
}

/** A part that is to be made. */
export function freshPart(month: string, number: number, about: About): Part {
  return { ...unknownPart(month, number), isBelieved: true, page: emptyPage(month, about) }
}

/** What a page of this month says of itself. */
export interface About {
  network: string
  account: { id: string; handle: string }
  contentType: string
}

function emptyPage(month: string, about: About): Page {
  return newPage({ ...about, month: month.slice(month.lastIndexOf('/') + 1) })
}

export interface PartIo {
  storage: Storage
  cache: PageCache
  userId: string
  storageId: string
  signal: AbortSignal
  now(): Date
}

/**
 * Reads a part: from the cache if that has the version that the index knows, else from the storage. An absent file is an empty page.
 * A file that is not readable is kept as it is under another name, and what can be saved of it is the page.
 *
 * @returns whether the file is there
 */
export async function loadPart(part: Part, about: About, io: PartIo): Promise<boolean> {
  const { storage, cache, userId, storageId, signal } = io
  if (part.isBelieved && part.revision !== null) {
    const page = await cache.takePage({ userId, storageId, path: part.path, revision: part.revision })
    if (page) {
      part.page = page
      return true
    }
  }
  const got = await storage.get(part.path, { signal })
  if (got === null || got === 'unchanged') {
    part.isDeleted = part.known !== null
    Object.assign(part, { page: emptyPage(part.month, about), revision: null, bytes: 0 })
    return false
  }
  const text = got.bytes > maxReadBytes ? null : await textOf(got.body)
  if (text === null) {
    got.body.destroy()
    throw new AshevilleError('invalid', `The file ${part.path} in your storage has grown beyond what Asheville reads; move it elsewhere`)
  }
  part.isHealing ||= !part.isBelieved || part.revision !== got.revision
  Object.assign(part, { revision: got.revision, text, sha256: null })
  part.page = (isDamaged(part, text) ? null : parsePage(text)) ?? (await rescue(part, text, about, io))
  part.bytes = sizeOf(part.page)
  return true
}

/** The version that the index has seen, yet of other bytes: no person did that, the disk did. */
function isDamaged({ isBelieved, known, revision }: Part, text: string): boolean {
  if (isBelieved || known === null || known.sha256 === null || known.revision !== revision) return false
  return createHash('sha256').update(text).digest('hex') !== known.sha256
}

/** Keeps the unreadable file under another name, the same one for the same content, then goes on with what can be saved. */
async function rescue(part: Part, text: string, about: About, { storage, signal, now }: PartIo): Promise<Page> {
  const copy = uploadOf(conflictPath(part.path, now().toISOString().slice(0, 10), text), text, null)
  const [result] = await storage.put([copy], signal)
  if (result?.outcome === 'failed') throw result.error
  part.isRescued = true
  return { ...emptyPage(part.month, about), entries: salvage(text).filter(isSound) }
}

/**
 * A line that is an item may still be none that was ever delivered. What a person changed in it before is not told apart from damage, and is kept in
 * the copy alone.
 */
function isSound(entry: Entry): boolean {
  const object = objectOf(entry)
  return object['asheville:hash'] === undefined || object['asheville:hash'] === itemHash(object)
}

export function uploadOf(path: string, content: string | Buffer, replaces: Upload['replaces']): Upload {
  const data = Buffer.from(content)
  const body = () => Readable.from([data], { objectMode: false })
  return { path, bytes: data.length, sha256: createHash('sha256').update(data).digest('hex'), body, replaces }
}

/** How many bytes a page's items take. */
export function sizeOf(page: Page): number {
  return page.entries.reduce((sum, entry) => sum + bytesOf(entry), 0)
}

export function draftOf(page: Page): { page: Page; text: string } {
  return { page, text: printPage(page) }
}

/** The month that a path of the index belongs to. */
export function monthOfPath(path: string): string {
  const place = partOf(path)
  if (!place) throw new AshevilleError('unexpected', 'The index names a page that is none')
  return place.month
}
