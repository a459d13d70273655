import { itemHash } from './item-hash.ts'
import { objectOf, toEntry, type Entry, type ItemEntry, type Page } from './page-file.ts'
import { isOlder, versionOf } from './stored-object.ts'

/** What a batch brings to a page. */
export type Change =
  /** New, or changed as far as the index knows. */
  | { kind: 'put'; entry: ItemEntry }
  /** The same content as before: only its counts are brought up to date, and only if the page is written anyway. */
  | { kind: 'refresh'; entry: ItemEntry }
  /** Deleted on its network; what we have stays, marked. */
  | { kind: 'gone'; id: string; goneAt: string }

/**
 * Brings changes into a page, by item id and never backwards in (`updated`, `seenAt`): a late writer does not undo a newer edit.
 * Dated pages are ordered by date, then id; the undated one by arrival. The same page and changes give the same result, and bringing
 * them again changes nothing.
 *
 * @returns the page, the same object if nothing in it changed
 */
export function mergePage(page: Page, changes: readonly Change[], isDated: boolean): Page {
  const entries = new Map<string, Entry>()
  const others: Entry[] = []
  for (const entry of page.entries) {
    if (entry.id === null || entries.has(entry.id)) others.push(entry)
    else entries.set(entry.id, entry)
  }

  let isChanged = false
  for (const change of changes) {
    if (change.kind === 'refresh') continue
    const id = idOf(change)
    const before = entries.get(id)
    const after = change.kind === 'put' ? put(before, change.entry) : markGone(before, change.goneAt)
    if (after === null || after === before) continue
    entries.set(id, after)
    isChanged = true
  }
  if (!isChanged) return page

  for (const change of changes) {
    if (change.kind === 'gone') continue
    const before = entries.get(change.entry.id)
    if (before) entries.set(change.entry.id, refresh(before, change.entry))
  }
  const merged = [...entries.values()]
  return { header: page.header, entries: [...(isDated ? merged.sort(byDate) : merged), ...others] }
}

/** The id of the item that a change is about. */
export function idOf(change: Change): string {
  return change.kind === 'gone' ? change.id : change.entry.id
}

function put(before: Entry | undefined, entry: ItemEntry): Entry {
  if (!before) return entry
  const { object } = entry
  const stored = objectOf(before)
  if (isOlder(versionOf(object), versionOf(stored))) return before
  const goneAt = stored['asheville:goneAt']
  const wasGone = goneAt !== undefined
  const isBack = wasGone && object['asheville:seenAt'] > goneAt
  if (itemHash(stored) === itemHash(object) && !isBack) return before
  return wasGone && !isBack ? toEntry({ ...object, 'asheville:goneAt': goneAt }) : entry
}

function markGone(before: Entry | undefined, goneAt: string): Entry | null {
  if (!before) return null
  const stored = objectOf(before)
  if (stored['asheville:goneAt'] !== undefined || stored['asheville:seenAt'] > goneAt) return before
  return toEntry({ ...stored, 'asheville:goneAt': goneAt })
}

/** Takes over counts and payload of the same content seen later. What a person edited differs, and stays. */
function refresh(before: Entry, entry: ItemEntry): Entry {
  if (before === entry) return before
  const { object } = entry
  const stored = objectOf(before)
  const isSame =
    stored['asheville:goneAt'] === undefined && !isOlder(versionOf(object), versionOf(stored)) && itemHash(stored) === itemHash(object)
  if (!isSame) return before
  const withoutSeenAt = toEntry({ ...object, 'asheville:seenAt': stored['asheville:seenAt'] })
  return withoutSeenAt.line === before.line ? before : entry
}

function byDate(one: Entry, other: Entry): number {
  if (one.at !== other.at) return (one.at ?? '') < (other.at ?? '') ? -1 : 1
  return (one.id ?? '') < (other.id ?? '') ? -1 : 1
}
