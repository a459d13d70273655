import type { PostPicture, SimulatorOptions } from '../kit/index.ts'

export type Validators = 'both' | 'etag' | 'last-modified' | 'none'
export type FeedsOptions = SimulatorOptions & {
  title?: string
  /** How many of the newest entries a feed shows. Default 50. */
  window?: number
  /** Older entries on further pages: `rel="next"` (RFC 5005), `next_url` in JSON Feed. Default false. */
  paged?: boolean
  /** What conditional requests can go by. Default both. */
  validators?: Validators
  /** Whether answers are compressed for clients that accept gzip. Default true. */
  gzip?: boolean
  pictureSize?: { width: number; height: number }
}
export type Enclosure = { path: string; type: string; bytes: number }
export type EntryPicture = PostPicture & { path: string }
export type Entry = {
  /** Stable across formats: a URN; what a guid or id says. */
  id: string
  slug: string
  title: string | null
  /** HTML, with addresses relative to the site. */
  html: string
  author: string
  published: Date
  updated: Date
  language: string
  categories: string[]
  pictures: EntryPicture[]
  enclosures: Enclosure[]
  place: { name: string; latitude: number; longitude: number } | null
}
export type NewEntry = {
  id?: string
  title?: string | null
  html?: string
  author?: string
  published?: Date | string | number
  categories?: string[]
  /** So many generated pictures, or pictures with given bytes. */
  pictures?: number | { bytes: Uint8Array; type: string; alt?: string }[]
  /** A sound file of so many bytes as enclosure (a podcast). */
  soundBytes?: number
}
export type GenerateEntries = {
  seed?: string | number
  entries?: number
  withPictures?: boolean | number
  from?: Date | string
  to?: Date | string
}
