import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fewAtOnce, safeName, throwIfAborted, type Storage } from '@asheville/core'
import type { platformRoutes } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { z } from 'zod'
import { holding, holdMs } from './holding.ts'
import type { PageCache } from './page-cache.ts'
import { monthOfFile } from './page-path.ts'
import { forgetLost } from './queries/absent.ts'
import { dropAccount, findAccount } from './queries/accounts.ts'
import { checkFence, claimFence, type Claim } from './queries/fences.ts'
import { doubtMedia } from './queries/media.ts'
import { forgetPages, holdMonths, pathsBelow } from './queries/pages.ts'
import { readText } from './read-text.ts'
import { shownMedia, sweepMedia } from './sweep-media.ts'
import type { StorageOf } from './storage-access.ts'

export type Removal = z.output<typeof platformRoutes.removeCopies.body>

export interface Removed {
  items: number
  files: number
  media: number
  /** Nothing of it is left. */
  isDone: boolean
}

export interface RemoveParts {
  db: Database
  storageOf: StorageOf
  cache: PageCache
}

/** One call goes on for this long; what is left then is for the next. */
const callMs = 20_000
const atOnce = 8

/**
 * Removes what is stored of some content types of an account: the page files, what the index knows of them, then the media that
 * nothing else shows. Files that somebody else put there stay. Dying anywhere is harmless: said again, it goes on.
 *
 * Errors: the storage's; `conflict` when a worker has begun to store these streams again since
 */
export async function removeCopies(parts: RemoveParts, userId: string, removal: Removal, signal: AbortSignal): Promise<Removed> {
  const { db } = parts
  const { storageId, network, accountId, contentTypes } = removal
  const { storage } = await parts.storageOf(userId, storageId)
  const claims = removal.fences.map((fence): Claim => ({ userId, connectionId: removal.connectionId, ...fence }))
  for (const claim of claims) await claimFence(db, claim)
  const removed: Removed = { items: 0, files: 0, media: 0, isDone: true }
  const account = await findAccount(db, userId, storageId, network, accountId)
  if (account === null) return removed
  const scope = { ...parts, storage, userId, storageId, claims, signal }
  const home = `${safeName(network)}/${account.folder}`
  const until = Date.now() + callMs
  for (const contentType of contentTypes) {
    const files = await filesBelow(scope, `${home}/${contentType}`)
    removed.isDone = (await removeMonths(scope, files, removed, until)) && removed.isDone
  }
  if (!removed.isDone) return removed
  await forgetLost(db, userId, storageId, { network, accountId, contentTypes })
  removed.media = await sweepMedia(scope)
  if ((await pathsBelow(db, userId, storageId, `${home}/`)).length === 0) {
    const profile = `${home}/profile.json`
    await storage.remove(profile, null, signal)
    await dropAccount(db, userId, storageId, account, profile)
  }
  return removed
}

interface RemoveScope extends RemoveParts {
  storage: Storage
  userId: string
  storageId: string
  claims: readonly Claim[]
  signal: AbortSignal
}

/** What is ours below a folder, by month: what lies in the storage, and what only the index knows of. */
async function filesBelow({ db, storage, userId, storageId, signal }: RemoveScope, folder: string): Promise<Map<string, string[]>> {
  const paths = new Set((await pathsBelow(db, userId, storageId, `${folder}/`)).map(({ path }) => path))
  for await (const { path } of storage.list(folder, signal)) paths.add(path)
  const months = new Map<string, string[]>()
  for (const path of paths) {
    const month = monthOfFile(path)
    if (month !== null) months.set(month, [...(months.get(month) ?? []), path])
  }
  return months
}

/** Answers whether all are gone: what another writer holds, or time did not suffice for, is left. */
async function removeMonths(scope: RemoveScope, files: ReadonlyMap<string, string[]>, removed: Removed, until: number): Promise<boolean> {
  const { db, userId, storageId, signal } = scope
  const holder = randomUUID()
  let waiting = [...files.keys()]
  while (waiting.length > 0 && Date.now() < until) {
    throwIfAborted(signal)
    const chunk = waiting.slice(0, atOnce)
    const held = new Set(await holdMonths(db, userId, storageId, chunk, holder, holdMs))
    if (held.size === 0) {
      await sleep(200 + Math.random() * 200, undefined, { signal }).catch(() => undefined)
      waiting = [...waiting.slice(chunk.length), ...chunk]
      continue
    }
    await holding(scope, holder, [...held], async (stillHeld) => {
      const paths = [...held].flatMap((month) => files.get(month)!)
      removed.items += await removePages({ ...scope, signal: stillHeld }, paths)
      removed.files += paths.length
    })
    waiting = waiting.filter((month) => !held.has(month))
  }
  return waiting.length === 0
}

/** First the media are doubted, then the files go, then the index forgets them: a doubt too many is only looked into. */
async function removePages(scope: RemoveScope, paths: readonly string[]): Promise<number> {
  const { db, storage, userId, storageId, cache, claims, signal } = scope
  const shown = new Set<string>()
  await fewAtOnce(atOnce, paths, async (path) => {
    const text = await readText(storage, path, signal)
    for (const media of shownMedia(text ?? '')) shown.add(media)
  })
  for (const claim of claims) await checkFence(db, claim)
  await doubtMedia(db, userId, storageId, [...shown])
  await fewAtOnce(atOnce, paths, (path) => storage.remove(path, null, signal))
  await cache.forget(paths.map((path) => ({ userId, storageId, path })))
  return forgetPages(db, userId, storageId, paths)
}
