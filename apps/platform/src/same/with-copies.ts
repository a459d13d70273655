import type { IncomingMessage } from 'node:http'
import { reactionsOf, type ItemCopy, type SameBy, type StoredItem } from '@asheville/clients'
import type { ContentType } from '@asheville/core'
import type { Database } from '@asheville/database'
import { keptApartOf, rowsByKeys } from '../queries/same.ts'
import type { Filter, ListedRow } from '../queries/reading.ts'
import { readItems, type ReadParts } from '../read-items.ts'
import { findSame } from './find-same.ts'
import type { Tie } from './group-same.ts'

interface Wanted {
  /** What whoever asks may see; null: all. */
  types: readonly ContentType[] | null
  /** With addresses and reactions: the copies themselves are read for that. */
  isWhole: boolean
  request: Pick<IncomingMessage, 'headers'>
}

/** The items, each with what is held for the same elsewhere. */
export async function withCopies(
  parts: ReadParts,
  userId: string,
  items: readonly StoredItem[],
  { types, isWhole, request }: Wanted,
): Promise<StoredItem[]> {
  if (items.length === 0) return []
  const keys = items.map(({ key }) => key)
  const groups = await findSame(parts.db, userId, keys)
  if (groups.size === 0) return [...items]
  const others = [...new Set([...groups.values()].flatMap((group) => group.keys))]
  const rows = (await rowsByKeys(parts.db, userId, others)).filter(({ contentType }) => types === null || types.includes(contentType))
  const whole = isWhole ? await readItems(parts, userId, rows, request) : []
  const objects = new Map(whole.map(({ key, object }) => [key, object]))
  const byKey = new Map(rows.map((row) => [row.key, row]))
  return items.map((item) => {
    const group = groups.get(item.key)
    const copies = (group?.keys ?? []).flatMap((key): ItemCopy[] => {
      const row = key === item.key ? undefined : byKey.get(key)
      const tie = row && tieOf(group!.ties, item.key, key)
      if (!row || !tie) return []
      const object = objects.get(key)
      if (isWhole && !object) return []
      return [
        {
          ...otherItem(row),
          because: reasonOf(tie),
          ...(object && { url: addressOf(object['url'] ?? row.id), reactions: reactionsOf(object) }),
        },
      ]
    })
    return copies.length === 0 ? item : { ...item, copies }
  })
}

/** What the person said is not the same as this item. */
export async function keptApartFrom(db: Database, userId: string, key: string, types: readonly ContentType[] | null) {
  const pairs = await keptApartOf(db, userId, [key])
  const rows = await rowsByKeys(
    db,
    userId,
    pairs.map(({ one, other }) => (one === key ? other : one)),
  )
  return rows.filter(({ contentType }) => types === null || types.includes(contentType)).map(otherItem)
}

/**
 * Whether no copy comes before the item in a list of that order and filter. What a copy says, and where, is not known here: where words or
 * a place are looked for, copies in `listed` alone are before others.
 */
export function isFirst(item: StoredItem, listed: readonly StoredItem[], filter: Filter, order: 'newest' | 'oldest'): boolean {
  const place = listed.indexOf(item)
  return !(item.copies ?? []).some((copy) => {
    const other = listed.findIndex(({ key }) => key === copy.key)
    if (other >= 0) return other < place
    if (filter.words !== null || filter.near !== null || filter.connectionId !== null) return false
    const [mine, its] = [item.at ?? '', copy.at ?? '']
    if (mine === its || its > mine !== (order === 'newest')) return false
    return (
      (filter.network === null || copy.network === filter.network) &&
      (filter.contentType === null || copy.contentType === filter.contentType) &&
      (filter.from === null || its >= filter.from) &&
      (filter.to === null || (copy.at !== null && its < filter.to))
    )
  })
}

function otherItem({ key, id, network, handle: account, contentType, at, goneAt }: ListedRow) {
  return { key, id, network, account, contentType, at, goneAt }
}

/** What the two have in common, else the surest that the other has with a third. */
function tieOf(ties: readonly Tie[], key: string, other: string): Tie | undefined {
  const ofOther = ties.filter((tie) => tie.one === other || tie.other === other)
  return ofOther.find((tie) => tie.one === key || tie.other === key) ?? ofOther[0]
}

const reasons: Record<SameBy, string> = { link: 'One gives the address of the other', files: 'Same files', words: 'Same words' }

function reasonOf({ by, apartMs }: Tie): ItemCopy['because'] {
  const minutes = apartMs === null ? null : Math.ceil(apartMs / 60_000)
  const within = by !== 'words' || minutes === null ? '' : minutes <= 1 ? ' within a minute' : ` within ${minutes} minutes`
  return { by, minutes, words: `${reasons[by]}${within}` }
}

/** https://www.w3.org/TR/activitystreams-vocabulary/#dfn-url: an address, a Link, or several. */
function addressOf(url: unknown): string | null {
  const [first] = [url].flat()
  const address = typeof first === 'object' && first !== null ? (first as { href?: unknown }).href : first
  return typeof address === 'string' && /^https?:\/\//i.test(address) ? address : null
}
