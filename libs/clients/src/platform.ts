import {
  as2ObjectSchema,
  contentTypeSchema,
  instantSchema,
  itemSchema,
  route,
  skippedItemSchema,
  type RouteContract,
} from '@asheville/core'
import { z } from 'zod'

const id = z.uuid()
const count = z.number().int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** Writes come from workers, which name the connection that they pull from and the fence of the lease they hold on its stream. */
const write = { who: 'service', from: ['workers'], user: true } as const
const read = { who: 'app', may: 'read', from: ['web', 'conductor'] } as const

/** For addresses: short, stable, safe everywhere. */
const itemKeySchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)

/** As Express hands it over: by its steps. */
const filePathSchema = z
  .union([z.string(), z.array(z.string())])
  .meta({ override: { type: 'string' }, description: 'An `asheville:path` of the item’s object' })

/** A file of ours in the person's storage. */
export const storedMediaSchema = z.strictObject({ path: z.string(), sha256, bytes: count, mediaType: z.string() })
export type StoredMedia = z.infer<typeof storedMediaSchema>

/** Smaller copies of a picture, by the length of their edge in pixels: a square, and two that keep their shape. No picture is enlarged. */
export const renditionSizes = { square: 320, small: 640, normal: 1600 } as const
export type RenditionSize = keyof typeof renditionSizes

const share = z.number().min(0).max(1)

/** What is known of a picture, for placing it before it has come and cutting it well. */
export const pictureSchema = z
  .strictObject({
    /** Held upright, in pixels. */
    width: count,
    height: count,
    /** Base64; https://evanw.github.io/thumbhash/ */
    thumbhash: z.string(),
    /** What a square is cut around: shares of width and height, from the left and the top. */
    focus: z.strictObject({ x: share, y: share }),
    /** By the person; else it was found by looking. */
    isFocusChosen: z.boolean(),
  })
  .meta({ id: 'Picture' })
export type Picture = z.infer<typeof pictureSchema>

/** What became of a media source: stored; `pending`, tried again later; `gone` for good. */
export const mediaStateSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('stored'), ...storedMediaSchema.shape }),
  z.strictObject({ state: z.literal('pending'), reason: z.string() }),
  z.strictObject({ state: z.literal('gone'), reason: z.string() }),
])
export type MediaState = z.infer<typeof mediaStateSchema>

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

/** An item as it lies in the storage: `object` carries its media's places and the `asheville:` properties. */
export const storedItemSchema = z
  .strictObject({
    /** For addresses: short, stable, safe everywhere. */
    key: z.string(),
    id: z.string(),
    network: z.string(),
    account: z.string(),
    contentType: contentTypeSchema,
    at: instantSchema.nullable(),
    /** Marked as deleted on its network. */
    goneAt: instantSchema.nullable(),
    /** Where it lies in the person's storage. */
    path: z.string(),
    object: as2ObjectSchema,
    /** What is known of its pictures, by `asheville:path`; nothing of those that nobody has looked at yet. */
    pictures: z.record(z.string(), pictureSchema).optional(),
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

/** Pictures and other files in one storage. */
export const storedMediaCountSchema = z.strictObject({ storageId: id, files: count, bytes: count })
export type StoredMediaCount = z.infer<typeof storedMediaCountSchema>

const storageBody = z.strictObject({ storageId: id })

/** Looking through all copies in a storage by their hashes: how far it is. */
export const verificationSchema = z
  .strictObject({
    storageId: id,
    state: z.enum(['running', 'done', 'failed']),
    /** Why it failed, or what it waits for. */
    reason: z.string().nullable(),
    step: z.enum(['folders', 'pages', 'media', 'showing']),
    /** Page files, media files and bytes looked at so far. */
    pages: count,
    files: count,
    bytes: count,
    startedAt: instantSchema,
    finishedAt: instantSchema.nullable(),
  })
  .meta({ id: 'Verification' })
export type StoredVerification = z.infer<typeof verificationSchema>

const ofType = { storageId: id, connectionId: id, network: z.string(), contentType: contentTypeSchema } as const

/** What is there, what was seen to be sound, and what is missing. */
export const coverageSchema = z.strictObject({
  types: z.array(
    z.strictObject({
      ...ofType,
      items: count,
      /** Of these, deleted on their network. */
      gone: count,
      /** Of these, in a file whose bytes were seen to be right since it was written. */
      verified: count,
      oldest: instantSchema.nullable(),
      newest: instantSchema.nullable(),
    }),
  ),
  /** Items that were stored and are not in their files any more, by month; null: without a date. */
  absent: z.array(
    z.strictObject({
      ...ofType,
      /** `taken-out` by the person; `page-deleted` with its file; `damaged`. */
      cause: z.enum(['taken-out', 'page-deleted', 'damaged']),
      /** Deleted on its network before: nobody can bring it back. */
      wasGone: z.boolean(),
      /** It is being looked for. */
      isWanted: z.boolean(),
      month: z.string().nullable(),
      items: count,
    }),
  ),
  media: z.array(z.strictObject({ storageId: id, files: count, bytes: count, verified: count, missing: count, damaged: count })),
  verifications: z.array(verificationSchema),
})
export type Coverage = z.infer<typeof coverageSchema>

/** Platform's HTTP API. */
export const platformRoutes = {
  findMedia: route({
    method: 'POST',
    path: '/v1/media/find',
    summary: 'Which of these sources are stored already; absent ones are to be opened',
    policy: write,
    body: z.strictObject({ storageId: id, urls: z.array(z.string()).max(2000) }),
    reply: z.strictObject({ found: z.record(z.string(), mediaStateSchema) }),
  }),
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
  putMedia: route({
    method: 'PUT',
    path: '/v1/media',
    summary:
      'Store a file once by its content; if the hash is known, its path is reused. A body that is cut short is refused and leaves nothing',
    policy: write,
    query: z.strictObject({
      storageId: id,
      connectionId: id,
      stream: z.string(),
      fence: z.coerce.number().int().positive(),
      /** The source's url on its network. */
      source: z.string().min(1).max(4096),
      mediaType: z.string().max(200).optional(),
      /** Decides the month folder when it is new. */
      at: instantSchema.optional(),
      /** What the source said, to refuse a short body. */
      bytes: z.coerce.number().int().nonnegative().optional(),
    }),
    body: 'stream',
    maxBytes: 4 * 1024 ** 3,
    /** `isNew`: its content was not there before. */
    reply: z.strictObject({ ...storedMediaSchema.shape, isNew: z.boolean() }),
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
  listItems: route({
    method: 'GET',
    path: '/v1/items',
    summary: 'Stored items, newest first with undated ones last, by arrival; or the other way round',
    policy: read,
    query: z.strictObject({
      ...filterShape,
      order: z.enum(['newest', 'oldest']).default('newest'),
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
  getFile: route({
    method: 'GET',
    path: '/v1/files/*path',
    summary:
      'A media file of an item; ETag and Range as in HTTP. Programs name the item, as what they may see of files follows from it. Of a picture also smaller copies, as WebP, upright and without metadata',
    policy: read,
    params: z.strictObject({ path: filePathSchema }),
    query: z.strictObject({
      item: itemKeySchema.optional(),
      size: z
        .enum(['original', 'square', 'small', 'normal'])
        .default('original')
        .describe('A square of 320 pixels around the focal point, or no longer than 640 or 1,600 pixels; `not-found` where there is none'),
    }),
    reply: 'stream',
  }),
  setFocus: route({
    method: 'PUT',
    path: '/v1/focus',
    summary: 'What the squares of a picture are cut around, as the person chose it; null: it is found by looking again',
    policy: { who: 'service', from: ['web'], user: true },
    body: z.strictObject({ path: z.string().max(500), focus: z.strictObject({ x: share, y: share }).nullable() }),
    reply: 'none',
  }),
  renderDue: route({
    method: 'POST',
    path: '/v1/renditions',
    summary: 'Look at some pictures that nobody has looked at yet, whoever has them',
    policy: { who: 'service', from: ['workers'], user: false },
    /** How many there still are; a few at most are counted. */
    reply: z.strictObject({ left: count }),
  }),
  countDue: route({
    method: 'GET',
    path: '/v1/renditions',
    summary: 'How many pictures are to be looked at, up to `most`',
    policy: { who: 'service', from: ['conductor'], user: false },
    query: z.strictObject({ most: z.coerce.number().int().min(1).max(1000) }),
    reply: z.strictObject({ due: count }),
  }),
  getSpace: route({
    method: 'GET',
    path: '/v1/storages/:storageId/space',
    summary: 'How much a storage holds, by everybody who writes there, and how much it takes, in bytes; null is what it does not tell',
    policy: { who: 'service', from: ['web'], user: true },
    params: z.strictObject({ storageId: id }),
    reply: z.strictObject({ used: count.nullable(), total: count.nullable() }),
  }),
  startVerification: route({
    method: 'POST',
    path: '/v1/verifications',
    summary:
      'Look through a storage by the bytes of every file, in the background; asked again meanwhile, how far it is. `isFolderGone`: what is not there is not looked for elsewhere',
    policy: { who: 'service', from: ['web'], user: true },
    body: storageBody.extend({ isFolderGone: z.boolean().default(false) }),
    reply: verificationSchema,
  }),
  getCoverage: route({
    method: 'GET',
    path: '/v1/coverage',
    summary: 'What is stored, verified and missing, by storage, connection, content type and month; for our own services files too',
    policy: read,
    reply: coverageSchema,
  }),
  prepareRepair: route({
    method: 'POST',
    path: '/v1/repairs',
    summary:
      'Whatever is missing or damaged is wanted back: which ranges of which streams are to be walked again, and which have files to be had again. Repeating it answers what is still wanted',
    policy: { who: 'service', from: ['conductor'], user: true },
    body: storageBody,
    reply: z.strictObject({
      streams: z.array(
        z.strictObject({
          connectionId: id,
          stream: z.string(),
          ranges: z.array(z.strictObject({ from: instantSchema.nullable(), to: instantSchema.nullable() })),
        }),
      ),
    }),
  }),
  leaveOut: route({
    method: 'POST',
    path: '/v1/leave-out',
    summary: 'What was in files that the person deleted is not to come back: it is noted among their decisions',
    policy: { who: 'service', from: ['web'], user: true },
    body: storageBody,
    reply: 'none',
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

/** Those that people's programs may call, with a token. */
export const appRoutes: Readonly<Record<string, RouteContract>> = Object.fromEntries(
  Object.entries<RouteContract>(platformRoutes).filter(([, { policy }]) => policy.who === 'app'),
)
