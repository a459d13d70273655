import { createHash, randomUUID } from 'node:crypto'
import { contentTypeSchema, fewAtOnce, throwIfAborted, type Storage } from '@asheville/core'
import type { Database } from '@asheville/database'
import { z } from 'zod'
import { apartOf, readDecisions } from './decisions.ts'
import { holding, holdMs } from './holding.ts'
import { itemRow } from './item-row.ts'
import { sizeOf } from './month-parts.ts'
import type { OriginOf } from './origins-of.ts'
import { objectOf, parsePage, type Page } from './page-file.ts'
import { itemKey, partOf } from './page-path.ts'
import type { AccountFolder } from './queries/accounts.ts'
import { takeTurn } from './queries/changes.ts'
import { addItems, saveItems, type ItemRow } from './queries/items.ts'
import { forgetPages, holdMonths, listPages, savePages } from './queries/pages.ts'
import {
  beginReindexing,
  endReindexing,
  forgetOthers,
  noteSeen,
  pagesSeenBy,
  placeAccount,
  placeAllMedia,
  placeDecisions,
} from './queries/reindexing.ts'
import { saveKeptApart } from './queries/same.ts'
import { notePending } from './queries/pending.ts'
import { textOf } from './read-text.ts'
import { storedMediaOf } from './stored-object.ts'
import type { FreshQueue } from './words/fresh-items.ts'

export interface Reindexed {
  pages: number
  read: number
  items: number
  isDone: boolean
}

export interface ReindexScope {
  db: Database
  storage: Storage
  fresh: FreshQueue
  userId: string
  storageId: string
  originOf: OriginOf
  signal: AbortSignal
}

/** One call goes on for this long; what is left then is for the next. */
const callMs = 15_000
const atOnce = 3

/**
 * Makes the index of a storage anew from what lies there: pages one month after the other, each held against other writers, whatever the index has
 * of it put right; then what the index has and the storage has not is forgotten. Words and places follow by themselves. Dying anywhere is harmless: said again,
 * it goes on. Of a page that cannot be read the index stays as it is: whoever writes it next will deal with that.
 *
 * Errors: the storage's
 */
export async function reindex(scope: ReindexScope): Promise<Reindexed> {
  const { db, storage, userId, storageId, signal } = scope
  const until = Date.now() + callMs
  const run = await beginReindexing(db, userId, storageId)
  const seen = new Map((await pagesSeenBy(db, userId, storageId, run)).map(({ path, items }) => [path, items]))
  const profiles: string[] = []
  const months = new Map<string, string[]>()
  let pages = 0
  for await (const { path } of storage.list('', signal)) {
    if (/^[^/]+\/[^/]+\/profile\.json$/.test(path)) profiles.push(path)
    const part = path.startsWith('media/') ? null : partOf(path)
    if (part === null) continue
    pages++
    if (!seen.has(path)) months.set(part.month, [...(months.get(part.month) ?? []), path])
  }
  const told = () => ({ pages, read: seen.size, items: [...seen.values()].reduce((sum, items) => sum + items, 0) })
  const accounts = await readProfiles(scope, profiles)

  const holder = randomUUID()
  // By their names, so that what the network gives no date for keeps the order in which it arrived.
  await fewAtOnce(
    atOnce,
    [...months].sort(([one], [other]) => (one < other ? -1 : 1)),
    async ([month, paths]) => {
      if (Date.now() >= until) return
      throwIfAborted(signal)
      const held = await holdMonths(db, userId, storageId, [month], holder, holdMs)
      if (held.length === 0) return
      await holding(scope, holder, held, async (stillHeld) => {
        for (const path of paths.sort((one, other) => partOf(one)!.part - partOf(other)!.part))
          seen.set(path, await readPage({ ...scope, signal: stillHeld }, accounts, run, path))
      })
    },
  )
  if (seen.size < pages) return { ...told(), isDone: false }

  const lost = (await listPages(db, userId, storageId)).map(({ path }) => path).filter((path) => !seen.has(path))
  await forgetPages(db, userId, storageId, lost)
  const decisions = await readDecisions(storage, signal)
  await placeDecisions(db, userId, storageId, decisions, itemKey)
  await saveKeptApart(db, userId, storageId, apartOf(decisions))
  await endReindexing(db, userId, storageId)
  return { ...told(), isDone: true }
}

const profileSchema = z.object({
  'asheville:network': z.string(),
  'asheville:account': z.string(),
  name: z.string().catch(''),
  preferredUsername: z.string().catch(''),
  url: z.string().nullable().catch(null),
})

/** The accounts by the folder in which they lie. */
async function readProfiles(
  { db, storage, userId, storageId, signal }: ReindexScope,
  paths: readonly string[],
): Promise<Map<string, AccountFolder>> {
  const accounts = new Map<string, AccountFolder>()
  await fewAtOnce(atOnce, paths, async (path) => {
    const got = await storage.get(path, { signal })
    if (got === null || got === 'unchanged') return
    const { data } = profileSchema.safeParse(jsonOf(await textOf(got.body)))
    if (!data) return
    const [, folder = ''] = path.split('/')
    const { 'asheville:network': network, 'asheville:account': id, name: title, preferredUsername: handle, url } = data
    const account = { network, id, folder, handle, title, url }
    await placeAccount(db, userId, storageId, account)
    accounts.set(path.slice(0, path.lastIndexOf('/')), account)
  })
  return accounts
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const headerSchema = z.object({
  'asheville:network': z.string(),
  'asheville:account': z.string(),
  'asheville:contentType': contentTypeSchema,
})

/** Puts right what the index has of a page; answers how many items there are in it. */
async function readPage(scope: ReindexScope, accounts: ReadonlyMap<string, AccountFolder>, run: string, path: string): Promise<number> {
  const { db, storage, fresh, userId, storageId, originOf, signal } = scope
  const got = await storage.get(path, { signal })
  if (got === null || got === 'unchanged') return 0
  const text = await textOf(got.body)
  const page = parsePage(text)
  const about = page && aboutOf(page, accounts, path)
  if (!page || !about) return 0
  if (!accounts.has(homeOfPage(path)))
    await placeAccount(db, userId, storageId, { network: about.network, ...about.account, folder: path.split('/')[1]! })
  const origin = { connectionId: originOf({ network: about.network, accountId: about.account.id }), stream: '' }
  const entries = [...new Map(page.entries.filter(({ id }) => id !== null).map((entry) => [entry.id, entry])).values()]
  const rows = entries.map((entry) => itemRow(origin, about, path, entry, null))
  const files = entries.map((entry) => storedMediaOf(objectOf(entry)))
  const place = partOf(path)!
  const sha256 = createHash('sha256').update(text).digest('hex')
  await db.transaction(async (tx) => {
    await takeTurn(tx, userId)
    await forgetOthers(
      tx,
      userId,
      storageId,
      path,
      rows.map(({ key }) => key),
    )
    await addItems(tx, userId, storageId, rows)
    await saveItems(tx, userId, storageId, rows)
    await placeAllMedia(
      tx,
      userId,
      storageId,
      files.flatMap(({ stored }) => stored),
    )
    const bytes = sizeOf(page)
    const { revision } = got
    await savePages(tx, userId, storageId, [
      { path, month: place.month, part: place.part, revision, sha256, bytes, items: page.entries.length },
    ])
    await noteSeen(tx, userId, storageId, run, path)
  })
  await notePendingOf(scope, rows, files)
  fresh.add({ userId, storageId, items: rows.map(({ key, hash }, index) => ({ key, hash, entry: entries[index]! })) })
  return page.entries.length
}

/** Files that could not be had are tried again. */
async function notePendingOf(
  { db, userId, storageId }: ReindexScope,
  rows: readonly ItemRow[],
  files: readonly { isPending: boolean }[],
): Promise<void> {
  const pending = rows.filter((_, index) => files[index]?.isPending)
  for (const [name, some] of Map.groupBy(pending, ({ connectionId, stream }) => `${connectionId} ${stream}`)) {
    const [connectionId = '', stream = ''] = name.split(' ')
    await notePending(db, userId, storageId, { connectionId, stream }, { pending: some.map(({ key }) => key), settled: [] })
  }
}

const homeOfPage = (path: string) => path.split('/').slice(0, 2).join('/')

/** Whose items a page says it holds; null: it does not, and there is no profile that does. */
function aboutOf(page: Page, accounts: ReadonlyMap<string, AccountFolder>, path: string) {
  const account = accounts.get(homeOfPage(path))
  const [, folder = '', contentType] = path.split('/')
  const { data } = headerSchema.safeParse({
    ...(account && { 'asheville:network': account.network, 'asheville:account': account.id }),
    'asheville:contentType': contentType,
    ...page.header,
  })
  if (!data) return null
  const { 'asheville:network': network, 'asheville:account': id } = data
  const known = account ?? { handle: folder, title: folder, url: null }
  return { network, account: { id, handle: known.handle, title: known.title, url: known.url }, contentType: data['asheville:contentType'] }
}
