import { instantSchema, route } from '@asheville/core'
import { z } from 'zod'
import { id, count, sha256, write, read, itemKeySchema } from './parts.ts'

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

/** Pictures and other files in one storage. */
export const storedMediaCountSchema = z.strictObject({ storageId: id, files: count, bytes: count })
export type StoredMediaCount = z.infer<typeof storedMediaCountSchema>

/** Files: pictures, videos and what else items show. */
export const mediaRoutes = {
  findMedia: route({
    method: 'POST',
    path: '/v1/media/find',
    summary: 'Which of these sources are stored already; absent ones are to be opened',
    policy: write,
    body: z.strictObject({ storageId: id, urls: z.array(z.string()).max(2000) }),
    reply: z.strictObject({ found: z.record(z.string(), mediaStateSchema) }),
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
} as const
