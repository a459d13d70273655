import type { ContentType } from '@asheville/core'
import { deliveredHash } from './item-hash.ts'
import type { About } from './month-parts.ts'
import { objectOf, type Entry } from './page-file.ts'
import { itemKey } from './page-path.ts'
import type { ItemRow } from './queries/items.ts'
import { versionOf } from './stored-object.ts'
import type { ItemChange } from './write-months.ts'

/** What the index has of an item, from how it lies in its page file; `by`: what just brought it there, if anything did. */
export function itemRow(
  origin: { connectionId: string; stream: string },
  about: About & { contentType: ContentType },
  path: string,
  entry: Entry,
  by: ItemChange | null,
): ItemRow {
  const object = objectOf(entry)
  const { updatedMs } = versionOf(object)
  const place = { network: about.network, accountId: about.account.id, contentType: about.contentType, id: object.id }
  return {
    ...place,
    key: by?.key ?? itemKey(place),
    connectionId: origin.connectionId,
    stream: typeof object['asheville:stream'] === 'string' ? object['asheville:stream'] : origin.stream,
    at: validInstant(entry.at),
    updatedAt: new Date(Math.min(Math.max(updatedMs, 0), Date.UTC(9999, 0))).toISOString(),
    seenAt: validInstant(object['asheville:seenAt']) ?? new Date(0).toISOString(),
    goneAt: validInstant(object['asheville:goneAt']),
    hash: by?.hash && by.change.kind === 'put' && by.change.entry === entry ? by.hash : deliveredHash(object),
    path,
  }
}

/** What a person wrote into a file may be anything. */
function validInstant(value: unknown): string | null {
  const at = typeof value === 'string' ? new Date(value) : null
  if (at === null || Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1 || at.getUTCFullYear() > 9999) return null
  return at.toISOString()
}
