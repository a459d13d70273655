import { withForeign, withHistory } from './history.ts'
import { deliveredHash, itemHash } from './item-hash.ts'
import { objectOf, toEntry, type Entry, type ItemEntry, type Page } from './page-file.ts'
import { isOlder, versionOf } from './stored-object.ts'

/** What a batch brings to a page. */
export type Change =
  /** New, or changed as far as the index knows. */
  | { kind: 'put'; entry: ItemEntry }
  /** The same content as before: only its counts are brought up to date, and only if the page is written anyway. */
  | { kind: 'refresh'; entry: ItemEntry }
  /** Deleted on its network. */
  | { kind: 'gone'; id: string; goneAt: string }

/**
 * What becomes of a copy whose item changes on its network. `keep`: what it was before stays in its history, and what is deleted
 * there stays, marked. `mirror`: the copy is what the network has, so that an edit leaves nothing of what was, and what is deleted there goes here too.
 */
export type Copies = 'keep' | 'mirror'

export interface PageRules {
  isDated: boolean
  copies: Copies
}

/**
 * Brings changes into a page, by item id and never backwards in (`updated`, `seenAt`): a late writer does not undo a newer edit.
 * Dated pages are ordered by date, then id; the undated one by arrival. The same page and changes give the same result, and bringing
 * them again changes nothing.
 *
 * @returns the page, the same object if nothing in it changed
 */
export function mergePage(page: Page, changes: readonly Change[], { isDated, copies }: PageRules): Page {
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
    const after = change.kind === 'put' ? put(before, change.entry, copies) : gone(before, change.goneAt, copies)
    if (after === before) continue
    if (after === undefined) entries.delete(id)
    else entries.set(id, after)
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

function put(before: Entry | undefined, entry: ItemEntry, copies: Copies): Entry {
  if (!before) return entry
  const { object } = entry
  const stored = objectOf(before)
  if (isOlder(versionOf(object), versionOf(stored))) return before
  const goneAt = stored['asheville:goneAt']
  const wasGone = goneAt !== undefined
  const isBack = wasGone && object['asheville:seenAt'] > goneAt
  const isChanged = deliveredHash(stored) !== deliveredHash(object)
  if (!isChanged && !isBack) return before
  const marked = wasGone && !isBack ? { ...object, 'asheville:goneAt': goneAt } : object
  const whole = withForeign(stored, copies === 'keep' ? withHistory(stored, marked) : marked)
  return whole === object ? entry : toEntry(whole)
}

/** What is left of it: marked, or undefined where copies mirror the network. */
function gone(before: Entry | undefined, goneAt: string, copies: Copies): Entry | undefined {
  if (!before) return undefined
  const stored = objectOf(before)
  if (stored['asheville:seenAt'] > goneAt) return before
  if (copies === 'mirror') return undefined
  return stored['asheville:goneAt'] !== undefined ? before : toEntry({ ...stored, 'asheville:goneAt': goneAt })
}

/** Takes over counts and payload of the same content seen later. What a person edited differs, and stays. */
function refresh(before: Entry, entry: ItemEntry): Entry {
  if (before === entry) return before
  const { object } = entry
  const stored = objectOf(before)
  const isSame =
    stored['asheville:goneAt'] === undefined && !isOlder(versionOf(object), versionOf(stored)) && itemHash(stored) === deliveredHash(object)
  if (!isSame) return before
  const history = stored['asheville:history']
  const whole = history === undefined ? object : { ...object, 'asheville:history': history }
  const withoutSeenAt = toEntry({ ...whole, 'asheville:seenAt': stored['asheville:seenAt'] })
  return withoutSeenAt.line === before.line ? before : toEntry(whole)
}

function byDate(one: Entry, other: Entry): number {
  if (one.at !== other.at) return (one.at ?? '') < (other.at ?? '') ? -1 : 1
  return (one.id ?? '') < (other.id ?? '') ? -1 : 1
}
