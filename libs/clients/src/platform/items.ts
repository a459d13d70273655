import { as2ObjectSchema, contentTypeSchema, instantSchema, route, skippedItemSchema } from '@asheville/core'
import { z } from 'zod'
import { id, count, read, itemKeySchema } from './parts.ts'
import { pictureSchema, storedMediaCountSchema } from './media.ts'

/** Why items are held for the same: one gives the other's address, they show the same files, or say nearly the same at nearly the same time. */
const sameBySchema = z.enum(['link', 'files', 'words'])
export type SameBy = z.infer<typeof sameBySchema>

/** Which item it is. */
const itemShape = {
  /** For addresses: short, stable, safe everywhere. */
  key: z.string(),
  id: z.string(),
  network: z.string(),
  account: z.string(),
  contentType: contentTypeSchema,
  at: instantSchema.nullable(),
  /** Marked as deleted on its network. */
  goneAt: instantSchema.nullable(),
}

/** The same item on another network, or in another account. */
const copySchema = z.strictObject({
  ...itemShape,
  because: z.strictObject({
    by: sameBySchema,
    /** Between the two; null: one is not dated. */
    minutes: count.nullable(),
    words: z.string().describe('The reason in English, as in `Same words within 3 minutes`'),
  }),
  /** Of one item by itself: where it is to be seen; null: its network does not say. */
  url: z.string().nullable().optional(),
  /** Of one item by itself: how often it was liked, shared and answered, of what its network tells. */
  reactions: z.strictObject({ likes: count, shares: count, replies: count }).partial().optional(),
})
export type ItemCopy = z.infer<typeof copySchema>

/** An item as it lies in the storage: `object` carries its media's places and the `asheville:` properties. */
export const storedItemSchema = z
  .strictObject({
    ...itemShape,
    /** Where it lies in the person's storage. */
    path: z.string(),
    object: as2ObjectSchema,
    /** What is known of its pictures, by `asheville:path`; nothing of those that nobody has looked at yet. */
    pictures: z.record(z.string(), pictureSchema).optional(),
    copies: z.array(copySchema).optional().describe('What is held for the same elsewhere, of the content types that whoever asks may see'),
    keptApart: z.array(z.strictObject(itemShape)).optional().describe('Of one item by itself: what its person said is not the same'),
  })
  .meta({ id: 'Item' })
export type StoredItem = z.infer<typeof storedItemSchema>

/** What is told of an item that is new, has changed, or is gone. */
export type ItemChange = Pick<StoredItem, 'key' | 'id' | 'network' | 'account' | 'contentType' | 'at' | 'goneAt'>

/** `52.5,13.4`: degrees north and east, WGS 84. */
const placeSchema = z
  .string()
  .regex(/^-?\d{1,2}(\.\d{1,10})?,-?\d{1,3}(\.\d{1,10})?$/, 'Degrees north and east, as in 52.5,13.4')
  .transform((text) => text.split(',').map(Number) as [number, number])
  .refine(([latitude, longitude]) => Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180, 'There is no such place')

/** Which items are meant: each that is given narrows it down. */
const filterShape = {
  network: z.string().max(40).optional(),
  connectionId: id.optional(),
  contentType: contentTypeSchema.optional(),
  /** From then on. */
  from: instantSchema.optional(),
  /** Until then, and not at that moment. */
  to: instantSchema.optional(),
  words: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Each of these words, whole, within a longer one, or in another form of its language; of texts that were stored a minute ago',
    ),
  near: placeSchema.optional(),
  radius: z.coerce.number().int().min(1).max(20_100_000).optional().describe('Metres around `near`; 1000 unless said otherwise'),
}

/** An item as a program writes it. */
export const writtenItemSchema = z.strictObject({
  contentType: contentTypeSchema,
  /** When it was published or done; it decides the month file. */
  at: instantSchema.nullable().optional(),
  object: z
    .looseObject({ ...as2ObjectSchema.shape, id: z.url().max(2048).optional() })
    .describe('An Activity Streams 2.0 object; names that begin with asheville: are ours'),
})

/** What is stored. */
export const itemRoutes = {
  listItems: route({
    method: 'GET',
    path: '/v1/items',
    summary: 'Stored items, newest first with undated ones last, by arrival; or the other way round',
    policy: read,
    query: z.strictObject({
      ...filterShape,
      order: z.enum(['newest', 'oldest']).default('newest'),
      copies: z
        .enum(['each', 'once'])
        .default('each')
        .describe('`once`: of items that are held for the same, the first in this order alone, so that a page may have fewer than `limit`'),
      cursor: z.string().max(500).optional(),
      limit: z.coerce.number().int().min(1).max(100).default(30),
    }),
    reply: z.strictObject({ items: z.array(storedItemSchema), next: z.string().nullable() }),
    paged: true,
    etag: true,
  }),
  writeItems: route({
    method: 'POST',
    path: '/v1/items',
    summary:
      'Add items, or change those that this token’s name added before: the same `id` is the same item. They say who wrote them and when. Without an `id` they get one, the same for the same Idempotency-Key',
    policy: { who: 'app', may: 'write', from: [] },
    body: z.strictObject({ items: z.array(writtenItemSchema).min(1).max(100) }),
    reply: z.strictObject({
      items: z.array(z.strictObject({ key: z.string(), id: z.string(), contentType: contentTypeSchema })),
      new: count,
      changed: count,
      unchanged: count,
      /** Could not be stored, and why; the rest was. */
      skipped: z.array(skippedItemSchema),
    }),
    idempotent: true,
    creates: true,
  }),
  events: route({
    method: 'GET',
    path: '/v1/events',
    summary:
      'What is `new`, `changed` or `gone` at its network, live, as Server-Sent Events: each item once with its last change, its content by its key. Resumed after Last-Event-ID; after 0, everything',
    policy: { who: 'app', may: 'read', from: [] },
    query: z.strictObject({ contentType: contentTypeSchema.optional() }),
    reply: 'events',
  }),
  getCalendar: route({
    method: 'GET',
    path: '/v1/calendar',
    summary: 'How many items there are of each day or month (UTC) that has any, oldest first; undated ones are of none',
    policy: read,
    query: z.strictObject({ ...filterShape, by: z.enum(['day', 'month']).default('month') }),
    reply: z.strictObject({ dates: z.array(z.strictObject({ date: z.string(), items: count })) }),
    etag: true,
  }),
  getItem: route({
    method: 'GET',
    path: '/v1/items/:key',
    summary: 'One item, with what its network sent',
    policy: read,
    params: z.strictObject({ key: itemKeySchema }),
    reply: storedItemSchema,
    etag: true,
  }),
  setApart: route({
    method: 'PUT',
    path: '/v1/apart',
    summary: 'Say of two items that they are not the same, whatever they look like, or take that back',
    policy: { who: 'service', from: ['web'], user: true },
    body: z.strictObject({ key: itemKeySchema, other: itemKeySchema, isApart: z.boolean() }),
    reply: 'none',
  }),
  getSpace: route({
    method: 'GET',
    path: '/v1/storages/:storageId/space',
    summary: 'How much a storage holds, by everybody who writes there, and how much it takes, in bytes; null is what it does not tell',
    policy: { who: 'service', from: ['web'], user: true },
    params: z.strictObject({ storageId: id }),
    reply: z.strictObject({ used: count.nullable(), total: count.nullable() }),
  }),
  getCounts: route({
    method: 'GET',
    path: '/v1/counts',
    summary: 'What is stored: items by connection and content type, and for our own services files by storage',
    policy: read,
    reply: z.strictObject({
      counts: z.array(
        z.strictObject({
          connectionId: id,
          network: z.string(),
          contentType: contentTypeSchema,
          items: count,
          gone: count,
          oldest: instantSchema.nullable(),
          newest: instantSchema.nullable(),
          /** Of those that are not gone. */
          oldestThere: instantSchema.nullable(),
          newestThere: instantSchema.nullable(),
        }),
      ),
      /** One for each storage that has any. */
      media: z.array(storedMediaCountSchema),
    }),
  }),
} as const
