import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { fewAtOnce, throwIfAborted, type Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { heedDecisions } from './heed-decisions.ts'
import { lookForFolder } from './look-for-folder.ts'
import { noteDecisions } from './note-decisions.ts'
import type { PageCache } from './page-cache.ts'
import { objectOf, parsePage } from './page-file.ts'
import { findAccount, listAccounts } from './queries/accounts.ts'
import { forgetDocuments } from './queries/documents.ts'
import { pagesByPaths } from './queries/pages.ts'
import {
  doubtPage,
  flawedMedia,
  mediaAfter,
  noteMediaChecked,
  noteProgress,
  noteShown,
  noteVerified,
  pagesAfter,
  type Due,
  type MediaToCheck,
  type PageToCheck,
} from './queries/verifications.ts'
import { textOf } from './read-text.ts'
import type { FreshQueue } from './words/fresh-items.ts'
import { pathsOf } from './stored-object.ts'
import { writeMonths } from './write-months.ts'

export interface VerifyScope {
  db: Database
  cache: PageCache
  fresh: FreshQueue
  storage: Storage
  due: Due
  signal: AbortSignal
  now(): Date
}

/** So many files are looked at before it is noted how far it is; of each kind, so many are read at once, and each as a stream. */
const portion = 24
const pagesAtOnce = 4
const filesAtOnce = 2

/**
 * Looks through a storage by the bytes of every file that the index knows, until the end or until `until` (ms since the epoch): where the folders are,
 * the page files, the media, and, where media have a flaw, which items show them. What a person did to the pages is taken over as whoever
 * writes them does. Nothing but the pages' own repair is written.
 *
 * @returns whether it has come to the end
 * Errors: the storage's; those of `lookForFolder`
 */
export async function verifyCopies(scope: VerifyScope, until: number): Promise<boolean> {
  const { db, due } = scope
  let { step, after } = due
  while (Date.now() < until) {
    throwIfAborted(scope.signal)
    const done = await steps[step](scope, after)
    if (done.after !== null) after = done.after
    else if (step === 'showing') return true
    else [step, after] = [next[step], '']
    await noteProgress(db, due, { ...done, step, after })
  }
  return false
}

const next = { folders: 'pages', pages: 'media', media: 'showing' } as const

interface Looked {
  /** The last path of the portion; null: there are no more. */
  after: string | null
  pages?: number
  files?: number
  bytes?: number
}

const steps = {
  async folders(scope: VerifyScope): Promise<Looked> {
    const { db, storage, due, signal } = scope
    const { userId, storageId } = due
    // What was there once is not asked for any more: then all pages are missing, and can be brought back.
    if (due.isFolderGone) await forgetDocuments(db, userId, storageId)
    for (const { network, id } of await listAccounts(db, userId, storageId))
      await lookForFolder({ db, storage, userId, storageId, signal }, { network, account: { id } })
    await noteDecisions({ db, storage }, userId, storageId, signal)
    await heedDecisions({ db, storage }, userId, storageId, signal)
    return { after: null }
  },

  async pages(scope: VerifyScope, after: string): Promise<Looked> {
    const { userId, storageId } = scope.due
    const pages = await pagesAfter(scope.db, userId, storageId, after, portion)
    const bytes = await fewAtOnce(pagesAtOnce, pages, (page) => verifyPage(scope, page))
    return { after: pages.at(-1)?.path ?? null, pages: pages.length, bytes: sum(bytes) }
  },

  async media(scope: VerifyScope, after: string): Promise<Looked> {
    const { userId, storageId } = scope.due
    const files = await mediaAfter(scope.db, userId, storageId, after, portion)
    const bytes = await fewAtOnce(filesAtOnce, files, (file) => verifyFile(scope, file))
    return { after: files.at(-1)?.path ?? null, files: files.length, bytes: sum(bytes) }
  },

  async showing(scope: VerifyScope, after: string): Promise<Looked> {
    const { db, storage, due, signal } = scope
    const { userId, storageId } = due
    const flawed = await flawedMedia(db, userId, storageId)
    if (flawed.size === 0) return { after: null }
    const pages = await pagesAfter(db, userId, storageId, after, portion)
    await fewAtOnce(pagesAtOnce, pages, async ({ path }) => {
      const got = await storage.get(path, { signal })
      if (got === null || got === 'unchanged') return
      const entries = parsePage(await textOf(got.body))?.entries ?? []
      const shown = entries.flatMap((entry) =>
        entry.id === null
          ? []
          : [...pathsOf(objectOf(entry))].filter((file) => flawed.has(file)).map((file) => ({ id: entry.id!, path: file })),
      )
      await noteShown(db, userId, storageId, path, shown)
    })
    return { after: pages.at(-1)?.path ?? null }
  },
}

/** Answers how many bytes were read. */
async function verifyPage(scope: VerifyScope, page: PageToCheck): Promise<number> {
  const { db, storage, cache, fresh, due, signal, now } = scope
  const { userId, storageId } = due
  const read = await hashOf(storage, page.path, signal)
  if (page.isWritten && read?.sha256 === page.sha256) {
    await noteVerified(db, userId, storageId, page.path, read.sha256)
    return read.bytes
  }
  const account = await findAccount(db, userId, storageId, page.network, page.accountId)
  if (account === null) return 0
  // It is not as we wrote it; or somebody is just writing it, for whom this waits. Reading it anew tells which, and takes over what there is.
  await doubtPage(db, userId, storageId, page.path)
  const { network, contentType, connectionId, stream } = page
  const origin = { connectionId, stream }
  await writeMonths({ db, storage, cache, fresh, userId, storageId, signal, now, origin, checkFence: async () => undefined }, [
    { month: page.month, about: { network, account, contentType }, copies: 'keep', changes: [] },
  ])
  const [row] = await pagesByPaths(db, userId, storageId, [page.path])
  if (row?.sha256 && row.isWritten) await noteVerified(db, userId, storageId, page.path, row.sha256)
  return read?.bytes ?? 0
}

async function verifyFile({ db, storage, due, signal }: VerifyScope, { path, sha256, bytes }: MediaToCheck): Promise<number> {
  const read = await hashOf(storage, path, signal)
  const flaw = read === null ? 'missing' : read.sha256 === sha256 && read.bytes === bytes ? null : 'damaged'
  await noteMediaChecked(db, due.userId, due.storageId, sha256, flaw)
  return read?.bytes ?? 0
}

/** Of a file's bytes as they come, none of which are held; null: there is none. */
async function hashOf(storage: Storage, path: string, signal: AbortSignal): Promise<{ sha256: string; bytes: number } | null> {
  const got = await storage.get(path, { signal })
  if (got === null || got === 'unchanged') return null
  const hash = createHash('sha256')
  let bytes = 0
  for await (const piece of got.body as Readable & AsyncIterable<Uint8Array>) {
    hash.update(piece)
    bytes += piece.byteLength
  }
  return { sha256: hash.digest('hex'), bytes }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
