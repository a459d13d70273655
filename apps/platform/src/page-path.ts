import { hash } from 'node:crypto'
import { nameMark, safeName, shortenedName, type ContentType } from '@asheville/core'

/**
 * The folders that an account may get, in order of preference: named after its handle; if that one is another account's, also
 * marked with its own id.
 */
export function accountFolders(account: { id: string; handle: string }): readonly [string, string] {
  const name = safeName(account.handle || account.id)
  return [name, `${shortenedName(name).replace(/[.\-_]+$/, '')}-${nameMark(`account ${account.id}`)}`]
}

/** `2024-03` of an instant in UTC; `undated` of none. */
export function monthOf(at: string | null): string {
  return at === null ? 'undated' : at.slice(0, 7)
}

/** What all parts of a month have in common: `mastodon/ada@example.social/posts/2024-03`. */
export function monthPath(place: { network: string; folder: string; contentType: ContentType; at: string | null }): string {
  return `${safeName(place.network)}/${place.folder}/${place.contentType}/${monthOf(place.at)}`
}

/** `…/2024-03.json`, `…/2024-03.2.json`. */
export function partPath(month: string, part: number): string {
  return part === 1 ? `${month}.json` : `${month}.${part}.json`
}

/** The reverse of `partPath`; null for what is no page file. */
export function partOf(path: string): { month: string; part: number } | null {
  const [, month, part] = /^(.+\/(?:\d{4}-\d{2}|undated))(?:\.([1-9]\d{0,5}))?\.json$/.exec(path) ?? []
  if (month === undefined || part === '1') return null
  return { month, part: Number(part ?? 1) }
}

/** Where the person's own version of a page goes when it cannot be read: `…/2024-03.conflict-2024-11-21-k3x9….json`. */
export function conflictPath(path: string, day: string, content: string): string {
  return path.replace(/\.json$/, `.conflict-${day}-${nameMark(content)}.json`)
}

/** The month that a file of ours belongs to, be it a page or a person's version of one; null for any other file. */
export function monthOfFile(path: string): string | null {
  return partOf(path.replace(/\.conflict-\d{4}-\d{2}-\d{2}-[a-z2-9]+(?=\.json$)/, ''))?.month ?? null
}

/** `media/2024/03/<hash>.<ext>`, the month being that of the first item that brought it. */
export function mediaPath(sha256: string, extension: string, at: string | null): string {
  const month = at === null ? 'undated' : `${at.slice(0, 4)}/${at.slice(5, 7)}`
  return `media/${month}/${sha256.slice(0, 40)}.${extension}`
}

/**
 * The short name of an item in addresses, and its key in the index: 128 bits of a hash, base64url. The same post may well be among
 * one's posts and one's bookmarks, or in two accounts: those are different items.
 */
export function itemKey(item: { network: string; accountId: string; contentType: string; id: string }): string {
  const name = JSON.stringify([item.network, item.accountId, item.contentType, item.id])
  return hash('sha256', name, 'buffer').subarray(0, 16).toString('base64url')
}
