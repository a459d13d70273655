import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { AshevilleError, safeName, type Storage, type Upload } from '@asheville/core'
import type { Database } from '@asheville/database'
import { manifestOf, profileOf, readme } from './documents.ts'
import { holding, holdMs, type HoldScope } from './holding.ts'
import { uploadOf } from './month-parts.ts'
import { noteDecisions } from './note-decisions.ts'
import { listAccounts } from './queries/accounts.ts'
import { listDocuments, saveDocuments, type DocumentRow } from './queries/documents.ts'
import { countMedia } from './queries/media.ts'
import { refuseForgotten } from './queries/forgotten.ts'
import { holdMonths, listPages } from './queries/pages.ts'
import { countItems } from './queries/reading.ts'
import type { StorageOf } from './storage-access.ts'
import { sweepMedia } from './sweep-media.ts'

const manifestPath = 'asheville.json'
/** What waiting for another sync's summary may take. */
const waitMs = 20_000
const againMs = 100

/**
 * Writes what is written once per sync, as far as it changed: what the person took out of their files (decisions.json), README.txt, the profiles, the
 * manifest; and removes the media that a mirror shows no longer. Documents can all be made again, so
 * that one that somebody changed is written over, save for the README: a person's words in it stay. `unavailable` when another does the same and does not come to an end.
 */
export async function finishSync(
  { db, storageOf }: { db: Database; storageOf: StorageOf },
  userId: string,
  storageId: string,
  signal: AbortSignal,
): Promise<void> {
  await refuseForgotten(db, userId)
  const { storage } = await storageOf(userId, storageId)
  const holder = randomUUID()
  // An earlier sync's summary that the storage is slow to take must not end up over a later one's.
  const until = Date.now() + waitMs
  while ((await holdMonths(db, userId, storageId, [manifestPath], holder, holdMs)).length === 0) {
    if (Date.now() > until) throw new AshevilleError('unavailable', 'The summary of another sync is being written', { retryAfterMs: 5000 })
    await sleep(againMs, undefined, { signal })
  }
  const scope = { db, userId, storageId }
  await holding({ ...scope, signal }, holder, [manifestPath], (signal) => writeSummary({ ...scope, storage, signal }))
}

async function writeSummary({ db, storage, userId, storageId, signal }: HoldScope & { storage: Storage }): Promise<void> {
  await noteDecisions({ db, storage }, userId, storageId, signal)
  await sweepMedia({ db, storage, userId, storageId, signal })
  const [accounts, counts, pages, files, known] = await Promise.all([
    listAccounts(db, userId, storageId),
    countItems(db, userId, storageId),
    listPages(db, userId, storageId),
    countMedia(db, userId),
    listDocuments(db, userId, storageId),
  ])
  const own = files.find((each) => each.storageId === storageId)
  const media = { files: own?.files ?? 0, bytes: own?.bytes ?? 0 }
  const wanted = [
    uploadOf('README.txt', readme, null),
    ...accounts.map((account) => uploadOf(`${safeName(account.network)}/${account.folder}/profile.json`, profileOf(account), null)),
    uploadOf(manifestPath, manifestOf({ accounts, counts, pages, media }), null),
  ]
  const written = new Map(known.map((row) => [row.path, row]))
  const changed = wanted.filter(({ path, sha256 }) => written.get(path)?.sha256 !== sha256)
  if (changed.length === 0) return
  const uploads = changed.map((file): Upload => ({ ...file, replaces: written.get(file.path)?.revision ?? null }))
  const stored = await writeOver(storage, uploads, signal)
  await saveDocuments(db, userId, storageId, stored)
}

/** Throws the first failure, after everything else was tried. */
async function writeOver(storage: Storage, uploads: readonly Upload[], signal: AbortSignal): Promise<DocumentRow[]> {
  const stored: DocumentRow[] = []
  let failure: Error | null = null
  let left = uploads
  for (const isLast of [false, true]) {
    if (left.length === 0) break
    const again: Upload[] = []
    const results = await storage.put(left, signal)
    results.forEach((result, index) => {
      const upload = left[index]!
      const { path, sha256 } = upload
      if (result.outcome === 'stored') stored.push({ path, sha256, revision: result.revision })
      else if (result.outcome === 'failed') failure ??= result.error
      else if (path === 'README.txt') stored.push({ path, sha256, revision: '' })
      else if (!isLast) again.push({ ...upload, replaces: 'any' })
    })
    left = again
  }
  if (failure) throw failure
  return stored
}
