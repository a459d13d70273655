import { createHmac } from 'node:crypto'
import { isBelow, parentOf } from './paths.ts'
import { deletedMetadata, taggedMetadata } from './metadata.ts'
import type { Tree } from './tree.ts'
import type { Tagged } from './types.ts'

/**
 * What a cursor stands for. `after`: the key behind which listing goes on, null once all is listed; `since`: the changes that are known.
 * `epoch` is the account's when the cursor was made: a later one means that it was reset.
 */
export type Cursor = {
  account: string
  folder: string
  recursive: boolean
  deleted: boolean
  limit: number
  after: string | null
  since: number
  epoch: number
}
export type Page = { entries: Tagged[]; cursor: Cursor; has_more: boolean }

/** Cursors as opaque texts that nobody else can make. */
export function createCursorCodec(secret: string) {
  const sign = (text: string) => createHmac('sha256', secret).update(text).digest('base64url').slice(0, 22)
  return {
    write(cursor: Cursor): string {
      const text = Buffer.from(JSON.stringify(cursor)).toString('base64url')
      return `AA${sign(text)}${text}`
    },
    /** Null when it is none of ours. */
    read(given: string): Cursor | null {
      const [mark, signature, text] = [given.slice(0, 2), given.slice(2, 24), given.slice(24)]
      if (mark !== 'AA' || signature !== sign(text)) return null
      return JSON.parse(Buffer.from(text, 'base64url').toString()) as Cursor
    },
  }
}

/** The next page of a listing, or of the changes since it ended. */
export function pageAfter(tree: Tree, cursor: Cursor): Page {
  return cursor.after === null ? pageOfChanges(tree, cursor) : pageOfListing(tree, cursor, cursor.after)
}

function pageOfListing(tree: Tree, cursor: Cursor, after: string): Page {
  const { folder, recursive, limit } = cursor
  const self = recursive && folder !== '' ? [tree.get(folder)!] : []
  const listed = [...self, ...tree.list(folder, recursive)].map((node) => ({ key: node.key, entry: () => taggedMetadata(tree, node) }))
  const gone = cursor.deleted
    ? tree.deleted(folder, recursive).map((change) => ({ key: change.key, entry: () => deletedMetadata(change) }))
    : []
  const all = gone.length === 0 ? listed : [...listed, ...gone].sort((a, b) => (a.key < b.key ? -1 : 1))
  const start = after === '' ? 0 : all.findIndex(({ key }) => key > after)
  const page = start < 0 ? [] : all.slice(start, start + limit)
  const hasMore = start >= 0 && start + limit < all.length
  return {
    entries: page.map(({ entry }) => entry()),
    cursor: { ...cursor, after: hasMore ? page.at(-1)!.key : null },
    has_more: hasMore,
  }
}

function pageOfChanges(tree: Tree, cursor: Cursor): Page {
  const entries: Tagged[] = []
  let since = cursor.since
  while (since < tree.changeCount() && entries.length < cursor.limit) {
    const change = tree.changes[since++]!
    if (!isIn(cursor, change.key) || !tree.isCurrent(since)) continue
    entries.push(change.kind === 'gone' ? deletedMetadata(change) : taggedMetadata(tree, tree.get(change.key)!))
  }
  const next = { ...cursor, since }
  return { entries, cursor: next, has_more: hasNews(tree, next) }
}

/** Whether the changes that a cursor does not know contain one that it is to be told. */
export function hasNews(tree: Tree, cursor: Cursor): boolean {
  if (cursor.after !== null || isUprooted(tree, cursor)) return true
  for (let number = cursor.since + 1; number <= tree.changeCount(); number++) {
    if (isIn(cursor, tree.changes[number - 1]!.key) && tree.isCurrent(number)) return true
  }
  return false
}

/** Whether the cursor's folder was taken away since, so that what the changes say of it is not the whole story. */
export function isUprooted(tree: Tree, { folder, since }: Cursor): boolean {
  return folder !== '' && tree.lastRemovalOf(folder) > since
}

function isIn({ folder, recursive }: Cursor, key: string): boolean {
  return recursive ? key === folder || isBelow(key, folder) : parentOf(key) === folder
}
