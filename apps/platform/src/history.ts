import { isCount, itemHash } from './item-hash.ts'
import { isFromPerson } from './own-names.ts'
import { withoutPlaces, type StoredObject } from './stored-object.ts'

/** As it was posted, and so many edits before the current one; of more, those right after the posting are let go. */
const mostVersions = 100
/** A feed that rewrites itself every day must not fill the page. */
const mostBytes = 256 * 1024

type Version = Readonly<Record<string, unknown>>

/** Named by the entry itself, or told anew with every version. */
const leftOut = ['@context', 'id', 'asheville:at', 'asheville:stream', 'asheville:hash', 'asheville:history']

/**
 * The new version of an item with the one that it takes the place of as the last of its history: whole, with the network's payload of then,
 * and `asheville:goneAt` if it was marked as deleted. Its counts are left out. What came only of its files (one could not be had before) is no edit.
 */
export function withHistory(before: StoredObject, after: StoredObject): StoredObject {
  const known = before['asheville:history'] ?? []
  const history = isEdit(before, after) ? bounded([...known, versionOf(before)]) : known
  return history.length === 0 ? after : { ...after, 'asheville:history': history }
}

/** What a person added to an item stays with it, whatever becomes of it on its network. */
export function withForeign(before: StoredObject, after: StoredObject): StoredObject {
  // What a program wrote is all its own, and so is what it takes away.
  if (after['asheville:writtenBy'] !== undefined) return after
  const foreign = Object.entries(before).filter(([name]) => isFromPerson(name) && !(name in after))
  return foreign.length === 0 ? after : { ...after, ...Object.fromEntries(foreign) }
}

function versionOf(object: StoredObject): Version {
  return Object.fromEntries(
    Object.entries(object).filter(([name, value]) => !leftOut.includes(name) && !isFromPerson(name) && !isCount(value)),
  )
}

function isEdit(before: StoredObject, after: StoredObject): boolean {
  const content = (object: StoredObject) => itemHash(withoutPlaces(withoutForeign(object), new Map()))
  return content(before) !== content(after)
}

function withoutForeign(object: StoredObject): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !isFromPerson(name)))
}

function bounded([first, ...edits]: readonly Version[]): Version[] {
  const kept: Version[] = []
  let bytes = 0
  for (const version of edits.toReversed()) {
    bytes += JSON.stringify(version).length
    if (kept.length > 0 && (kept.length >= mostVersions || bytes > mostBytes)) break
    kept.unshift(version)
  }
  return first === undefined ? kept : [first, ...kept]
}
