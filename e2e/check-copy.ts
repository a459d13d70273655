import { createHash } from 'node:crypto'
import type { AS2Object } from '@asheville/core'

/** What a folder must hold: items by what `keyOf` makes of their ids, files by the hash of their bytes. */
export interface Truth {
  keys: readonly string[]
  keyOf(objectId: string): string
  mediaHashes: readonly string[]
}

/** What is wrong with a copy; all empty when it is right. Paths, keys and hashes. */
export interface Faults {
  lost: string[]
  doubled: string[]
  /** Items that nobody published. */
  unknown: string[]
  /** Page files that are not whole. */
  unreadable: string[]
  /** Files whose bytes are nowhere in the copy. */
  mediaLost: string[]
  /** The same bytes under more than one path. */
  mediaDoubled: string[]
}

const pagePath = /\/(\d{4}-\d{2}|undated)(\.\d+)?\.json$/

export const isPageFile = (path: string): boolean => pagePath.test(path)

/** Compares a person's folder, file by file, with what the network says they have. */
export function checkCopy(files: ReadonlyMap<string, Buffer>, truth: Truth): Faults {
  const unreadable: string[] = []
  const seen = new Map<string, number>()
  const hashes = new Map<string, number>()
  for (const [path, bytes] of files) {
    if (path.startsWith('media/')) count(hashes, createHash('sha256').update(bytes).digest('hex'))
    if (!isPageFile(path)) continue
    const items = itemsOf(bytes)
    if (items === null) unreadable.push(path)
    else for (const { id } of items) count(seen, truth.keyOf(id))
  }
  const wanted = new Set(truth.keys)
  return {
    lost: [...wanted].filter((key) => !seen.has(key)),
    doubled: repeated(seen),
    unknown: [...seen.keys()].filter((key) => !wanted.has(key)),
    unreadable,
    mediaLost: [...new Set(truth.mediaHashes)].filter((hash) => !hashes.has(hash)),
    mediaDoubled: repeated(hashes),
  }
}

/** How many faults in all. */
export const faultCount = (faults: Faults): number => Object.values(faults).reduce((sum, list) => sum + list.length, 0)

/** What an account of a simulated Mastodon server published, boosts among it. */
export function mastodonTruth(account: { statuses: readonly { id: string; media: readonly { sha256: string }[] }[] }): Truth {
  return {
    keys: account.statuses.map(({ id }) => id),
    keyOf: (objectId) => /\/statuses\/(\d+)(\/activity)?$/.exec(objectId)?.[1] ?? objectId,
    mediaHashes: account.statuses.flatMap(({ media }) => media.map(({ sha256 }) => sha256)),
  }
}

function itemsOf(bytes: Buffer): AS2Object[] | null {
  try {
    const page = JSON.parse(bytes.toString()) as { type: string; orderedItems: AS2Object[] }
    return page.type === 'OrderedCollectionPage' && Array.isArray(page.orderedItems) ? page.orderedItems : null
  } catch {
    return null
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

const repeated = (counts: ReadonlyMap<string, number>): string[] => [...counts].flatMap(([key, many]) => (many > 1 ? [key] : []))
