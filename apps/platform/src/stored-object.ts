import type { AS2Object, ContentType, Item, MediaSource } from '@asheville/core'
import { storedMediaSchema, type MediaState, type SeenItem, type StoredMedia } from '@asheville/clients'

/**
 * An item as it lies in a page file: the Activity Streams 2.0 object that the adapter delivered, with what platform notes.
 * Each attachment whose file is an item's media also has `asheville:state` (`stored`, `pending`, `gone`), and if stored
 * `asheville:path` (from the storage folder), `asheville:sha256`, `asheville:bytes`, `asheville:mediaType`; else `asheville:reason`.
 */
export interface StoredObject extends AS2Object {
  /** When it was published or done; null where the network does not say. */
  'asheville:at': string | null
  /** The stream that brought it; with the page's network and account it says where the item is from. */
  'asheville:stream': string
  'asheville:seenAt': string
  /** It is deleted on its network since about then; what we have of it stays. */
  'asheville:goneAt'?: string
  /** `itemHash` of what the network delivered: what differs from it, the person changed by hand. */
  'asheville:hash'?: string
  /** What it was before, oldest first, the first being as it was posted: `history.ts`. */
  'asheville:history'?: readonly Readonly<Record<string, unknown>>[]
  /** The network's untouched payload. */
  'asheville:raw'?: unknown
}

/** The JSON-LD context of every page file: Activity Streams, and one namespace for what it has no word for. */
export const context = [
  'https://www.w3.org/ns/activitystreams',
  { asheville: 'urn:asheville:', 'asheville:raw': { '@id': 'asheville:raw', '@type': '@json' } },
] as const

/** An item as the page file will hold it. `id` and the date come first, so that a page can be looked through quickly. */
export function toStoredObject(item: SeenItem, stream: string): StoredObject {
  const { '@context': _, id, ...object } = item.object as AS2Object & { '@context'?: unknown }
  return {
    id,
    'asheville:at': item.at,
    ...withPlaces(object, item.media, item.mediaStates),
    'asheville:stream': stream,
    'asheville:seenAt': item.seenAt,
    ...(item.raw !== undefined && item.raw !== null && { 'asheville:raw': item.raw }),
  } as StoredObject
}

/** The item that a stored object was made from: `toStoredObject` backwards. */
export function fromStoredObject(stored: StoredObject, contentType: ContentType): Item & { seenAt: string } {
  const {
    'asheville:at': at,
    'asheville:stream': _stream,
    'asheville:seenAt': seenAt,
    'asheville:goneAt': _goneAt,
    'asheville:hash': _hash,
    'asheville:history': _history,
    'asheville:raw': raw = null,
    ...rest
  } = stored
  const media = new Map<string, MediaSource>()
  const object = withoutPlaces(rest, media) as AS2Object
  return { id: stored.id, contentType, at, object, media: [...media.values()], raw, seenAt }
}

type Loose = Record<string, unknown>

const kinds: Record<string, MediaSource['kind']> = { Image: 'image', Video: 'video', Audio: 'audio' }

/** The object without what platform notes of its files, which are noted in `media`. */
export function withoutPlaces(object: Loose, media: Map<string, MediaSource>): Loose {
  const result: Loose = { ...object }
  for (const name of ['attachment', 'image', 'icon'] as const) {
    const value = object[name]
    if (value === undefined) continue
    const entries = listOf(value).map((entry) => {
      if (!isLoose(entry) || typeof entry['url'] !== 'string' || entry['asheville:state'] === undefined) return entry
      const { url, type, mediaType } = entry
      media.set(url as string, {
        url: url as string,
        kind: kinds[String(type)] ?? 'document',
        ...(typeof mediaType === 'string' && { mediaType }),
      })
      return Object.fromEntries(Object.entries(entry).filter(([property]) => !places.has(property)))
    })
    result[name] = Array.isArray(value) ? entries : entries[0]
  }
  if (isLoose(object['object'])) result['object'] = withoutPlaces(object['object'], media)
  return result
}

/** What `placeOf` notes of a file. */
const places = new Set(['state', 'path', 'sha256', 'bytes', 'mediaType', 'reason'].map((name) => `asheville:${name}`))

function withPlaces(object: Loose, media: readonly MediaSource[], states: Readonly<Record<string, MediaState>>): Loose {
  if (media.length === 0) return object
  const left = new Map(media.map((source) => [source.url, source]))
  const completed = complete(object, states, left)
  if (left.size === 0) return completed
  // The adapter named a file that no attachment shows; its place must be noted all the same.
  const types = { image: 'Image', video: 'Video', audio: 'Audio', document: 'Document' } as const
  const more = [...left.values()].map(({ url, kind, mediaType }) => ({
    type: types[kind],
    url,
    ...(mediaType !== undefined && { mediaType }),
    ...placeOf(states[url]),
  }))
  return { ...completed, attachment: [...listOf(completed['attachment']), ...more] }
}

/** Completes attachments and images of the object, and of the object that it is about (a share holds the shared post). */
function complete(object: Loose, states: Readonly<Record<string, MediaState>>, left: Map<string, MediaSource>): Loose {
  const result: Loose = { ...object }
  for (const name of ['attachment', 'image', 'icon'] as const) {
    const value = object[name]
    if (value === undefined) continue
    const entries = listOf(value).map((entry) => {
      if (!isLoose(entry) || typeof entry['url'] !== 'string' || !left.has(entry['url'])) return entry
      return { ...entry, ...placeOf(states[entry['url']]) }
    })
    result[name] = Array.isArray(value) ? entries : entries[0]
  }
  if (isLoose(object['object'])) result['object'] = complete(object['object'], states, left)
  for (const url of urlsOf(result)) left.delete(url)
  return result
}

function urlsOf(object: Loose): string[] {
  return ['attachment', 'image', 'icon']
    .flatMap((name) => listOf(object[name]))
    .flatMap((entry) => (isLoose(entry) && typeof entry['url'] === 'string' ? [entry['url']] : []))
}

/** Where the files of a stored object lie, those of the object that it is about among them. */
export function pathsOf(object: Readonly<Record<string, unknown>>): Set<string> {
  const paths = ['attachment', 'image', 'icon']
    .flatMap((name) => listOf(object[name]))
    .flatMap((entry) => (isLoose(entry) && typeof entry['asheville:path'] === 'string' ? [entry['asheville:path']] : []))
  return new Set(isLoose(object['object']) ? [...paths, ...pathsOf(object['object'])] : paths)
}

/** The files that a stored object says are stored, with where on their network they came from; and whether one is to be tried again. */
export function storedMediaOf(object: Readonly<Record<string, unknown>>): {
  stored: (StoredMedia & { url: string })[]
  isPending: boolean
} {
  const inner = isLoose(object['object']) ? storedMediaOf(object['object']) : { stored: [], isPending: false }
  const files = ['attachment', 'image', 'icon'].flatMap((name) => listOf(object[name])).filter(isLoose)
  const stored = files.flatMap((file) => {
    const { data } = storedMediaSchema.safeParse({
      path: file['asheville:path'],
      sha256: file['asheville:sha256'],
      bytes: file['asheville:bytes'],
      mediaType: file['asheville:mediaType'],
    })
    return data && typeof file['url'] === 'string' ? [{ ...data, url: file['url'] }] : []
  })
  const isPending = files.some((file) => file['asheville:state'] === 'pending') || inner.isPending
  return { stored: [...stored, ...inner.stored], isPending }
}

function placeOf(state: MediaState | undefined): Loose {
  if (state === undefined) return { 'asheville:state': 'pending', 'asheville:reason': 'not tried yet' }
  if (state.state !== 'stored') return { 'asheville:state': state.state, 'asheville:reason': state.reason }
  return {
    'asheville:state': 'stored',
    'asheville:path': state.path,
    'asheville:sha256': state.sha256,
    'asheville:bytes': state.bytes,
    'asheville:mediaType': state.mediaType,
  }
}

function listOf(value: unknown): unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
}

function isLoose(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Which of two versions of an item is newer: by when it was edited, then by when it was seen. Milliseconds; an edit date that cannot
 * be read counts as the oldest.
 */
export function versionOf(object: Pick<StoredObject, 'updated' | 'published' | 'asheville:seenAt'>): Version {
  return { updatedMs: millis(object.updated) ?? millis(object.published) ?? 0, seenMs: millis(object['asheville:seenAt']) ?? 0 }
}

export interface Version {
  updatedMs: number
  seenMs: number
}

export function isOlder(one: Version, other: Version): boolean {
  return one.updatedMs !== other.updatedMs ? one.updatedMs < other.updatedMs : one.seenMs < other.seenMs
}

function millis(instant: unknown): number | null {
  const value = typeof instant === 'string' ? Date.parse(instant) : NaN
  return Number.isNaN(value) ? null : value
}
