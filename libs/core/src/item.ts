import { z } from 'zod'

/** What people call the kinds of things they leave in networks. */
export const contentTypes = [
  'posts',
  'photos',
  'videos',
  'audio',
  'articles',
  'comments',
  'links',
  'likes',
  'bookmarks',
  'check-ins',
  'events',
  'tasks',
  'follows',
  'messages',
  'routes',
  'fitness',
] as const

export const contentTypeSchema = z.enum(contentTypes)
export type ContentType = z.infer<typeof contentTypeSchema>

/** An instant: ISO 8601 in UTC with milliseconds, as `Date.prototype.toISOString` writes it. */
export const instantSchema = z.iso.datetime({ precision: 3 })

/**
 * An Activity Streams 2.0 object (https://www.w3.org/TR/activitystreams-vocabulary/): `type` from the vocabulary, `id` the
 * canonical URI on its network. Properties that AS2 has no word for are prefixed `asheville:`. Counts are collections
 * (`likes`, `shares`, `replies`: `{ type: 'Collection', totalItems }`); they change all the time and never count as an edit.
 */
export const as2ObjectSchema = z.looseObject({
  id: z.string().min(1),
  type: z.string().min(1),
  published: z.string().optional(),
  updated: z.string().optional(),
})
export type AS2Object = z.infer<typeof as2ObjectSchema>

/**
 * A file that belongs to an item. `url` identifies it on its network and is also the `url` of one entry of the object's
 * `attachment` (or `image`), or of those of the object that it is about (a share's, say), which platform completes with where
 * the copy is stored.
 */
export const mediaSourceSchema = z.object({
  url: z.string().min(1),
  kind: z.enum(['image', 'video', 'audio', 'document']),
  /** As the network says; what the bytes really are is looked up when they are stored. */
  mediaType: z.string().optional(),
  /**
   * For `locateMedia` alone, as long as the page that brought it is fresh: the signed address that the page had, say.
   * Never stored, and no part of what the item is; without it `locateMedia` finds the file all the same.
   */
  fresh: z.string().optional(),
})
export type MediaSource = z.infer<typeof mediaSourceSchema>

/** One piece of content, as an adapter delivers it. */
export const itemSchema = z.object({
  /** Stable on its network and the same as `object.id`. */
  id: z.string().min(1).max(2048),
  contentType: contentTypeSchema,
  /** When it was published or done; null where the network does not say. It decides the month file and never changes. */
  at: instantSchema.nullable(),
  object: as2ObjectSchema,
  media: z.array(mediaSourceSchema),
  /** The network's untouched payload. */
  raw: z.unknown(),
})
export type Item = z.infer<typeof itemSchema>

/** Something of a page that could not be turned into an item; it is counted and shown, the rest goes on. */
export const skippedItemSchema = z.object({ id: z.string().nullable(), reason: z.string() })
export type SkippedItem = z.infer<typeof skippedItemSchema>
