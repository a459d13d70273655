import { hash } from 'node:crypto'
import type { StoredObject } from './stored-object.ts'

/** What platform itself notes in an object; it says nothing about the content. */
const notes = new Set([
  '@context',
  'asheville:raw',
  'asheville:at',
  'asheville:seenAt',
  'asheville:goneAt',
  'asheville:hash',
  'asheville:history',
  'asheville:stream',
  'asheville:reason',
  'asheville:writtenAt',
])

/**
 * A hash of an item's content: equal for equal content whatever the order of properties, when it was seen, its counts (likes,
 * replies: they change all the time and are no edit), and the untouched payload.
 *
 * @returns 128 bits, base64url
 */
export function itemHash(object: object): string {
  return hash('sha256', canonical(object), 'buffer').subarray(0, 16).toString('base64url')
}

/** The same of what an item was stored from: what a person changed in it by hand since is no part of it. */
export function deliveredHash(stored: StoredObject): string {
  const noted = stored['asheville:hash']
  return typeof noted === 'string' && /^[\w-]{22}$/.test(noted) ? noted : itemHash(stored)
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const properties = value as Record<string, unknown>
  const names = Object.keys(properties).filter((name) => !notes.has(name) && properties[name] !== undefined && !isCount(properties[name]))
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(properties[name])}`)
    .join()}}`
}

/** A collection of which only the number is given: https://www.w3.org/TR/activitystreams-vocabulary/#dfn-totalitems */
export function isCount(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { type, totalItems, items, orderedItems } = value as Record<string, unknown>
  return (type === 'Collection' || type === 'OrderedCollection') && typeof totalItems === 'number' && !items && !orderedItems
}
