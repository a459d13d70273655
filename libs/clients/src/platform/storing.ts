import { contentTypeSchema, instantSchema, itemSchema, route, skippedItemSchema } from '@asheville/core'
import { z } from 'zod'
import { id, count, write } from './parts.ts'
import { mediaStateSchema } from './media.ts'

/** An item with when it was seen, and by media url what became of its media. */
export const seenItemSchema = z.strictObject({
  ...itemSchema.shape,
  seenAt: instantSchema,
  mediaStates: z.record(z.string(), mediaStateSchema),
})
export type SeenItem = z.infer<typeof seenItemSchema>

/** An item as it is stored, to be delivered again: only what became of its files may have changed since. */
export const pendingItemSchema = z.strictObject({ ...itemSchema.shape, seenAt: instantSchema })
export type PendingItem = z.infer<typeof pendingItemSchema>

export const coveredSchema = z.strictObject({
  by: z.enum(['id', 'at']),
  from: z.string().nullable(),
  to: z.string().nullable(),
  contentType: contentTypeSchema.optional(),
})

export const putItemsReplySchema = z.strictObject({
  new: count,
  changed: count,
  unchanged: count,
  gone: count,
  /** Could not be stored, and why; the rest was. */
  skipped: z.array(skippedItemSchema),
  /** Stored once, inside a covered range, and not delivered: to be confirmed with the network, then sent as `gone`. */
  missing: z.array(z.string()),
})
export type PutItemsReply = z.infer<typeof putItemsReplySchema>

/** What a sync brings, and what takes it away again. */
export const storingRoutes = {
  listPending: route({
    method: 'GET',
    path: '/v1/media/pending',
    summary:
      'Items of a stream with files that could not be had and are to be tried again now: to be put once more, with what became of them',
    policy: write,
    query: z.strictObject({ storageId: id, connectionId: id, stream: z.string(), limit: z.coerce.number().int().min(1).max(100) }),
    /** `nextAt`: when others will be; null: there are none. */
    reply: z.strictObject({ items: z.array(pendingItemSchema), nextAt: instantSchema.nullable() }),
  }),
  putItems: route({
    method: 'POST',
    path: '/v1/batches',
    summary:
      'Merge a batch into the month pages of the storage, then index it; `conflict` for an older fence, `storage-full` with nothing half-written',
    policy: write,
    body: z.strictObject({
      storageId: id,
      connectionId: id,
      stream: z.string(),
      fence: z.number().int().positive(),
      network: z.string(),
      account: z.strictObject({ id: z.string(), handle: z.string(), title: z.string(), url: z.string().nullable() }),
      /** What becomes of copies whose items change on the network: they keep what was, or are as the network has it now. */
      copies: z.enum(['keep', 'mirror']).default('keep'),
      items: z.array(seenItemSchema).max(5000),
      gone: z.array(z.string()),
      covers: z.array(coveredSchema),
    }),
    maxBytes: 64 * 1024 ** 2,
    reply: putItemsReplySchema,
  }),
  finishSync: route({
    method: 'POST',
    path: '/v1/finish',
    summary: 'Write what is written once per sync: README.txt, manifest, profiles; nothing when nothing changed',
    policy: { who: 'service', from: ['conductor'], user: true },
    body: z.strictObject({ storageId: id }),
    reply: 'none',
  }),
  removeCopies: route({
    method: 'POST',
    path: '/v1/remove',
    summary:
      'Remove what is stored of some content types of an account: page files, what the index knows of them, and media that nothing else shows. Said again until it is done, it goes on',
    policy: { who: 'service', from: ['conductor'], user: true },
    body: z.strictObject({
      storageId: id,
      connectionId: id,
      network: z.string(),
      accountId: z.string(),
      contentTypes: z.array(contentTypeSchema).min(1),
      /** Of the streams that bring them: whoever writes with an older one is refused from now on. */
      fences: z.array(z.strictObject({ stream: z.string(), fence: z.number().int().positive() })),
    }),
    reply: z.strictObject({ items: count, files: count, media: count, isDone: z.boolean() }),
  }),
  forgetPerson: route({
    method: 'DELETE',
    path: '/v1/person',
    summary:
      'Forget a person whose account is being closed: the index, caches. What lies in their storages stays, but for `removes`. Said again, nothing more happens',
    policy: { who: 'service', from: ['conductor'], user: true },
    body: z.strictObject({ removes: z.array(id).max(100) }),
    reply: z.strictObject({ forgotten: z.strictObject({ items: count, pages: count, media: count, others: count }) }),
  }),
  reindex: route({
    method: 'POST',
    path: '/v1/reindex',
    summary:
      'Make the index of a storage anew from what lies in it, decisions.json included. Said again until it is done, it goes on, whoever died meanwhile',
    policy: { who: 'service', from: ['conductor'], user: true },
    body: z.strictObject({ storageId: id }),
    /** How many page files there are, and of how many that was done; the items in those. */
    reply: z.strictObject({ pages: count, read: count, items: count, isDone: z.boolean() }),
  }),
} as const
