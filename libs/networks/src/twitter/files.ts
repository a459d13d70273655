import type { MediaSource } from '@asheville/core'
import { z } from 'zod'
import type { Includes } from './includes.ts'

const text = z.string().nullish().catch(null)
const number = z.number().positive().nullish().catch(null)

/** https://docs.x.com/x-api/fundamentals/data-dictionary#media */
const mediaSchema = z.object({
  type: z.string(),
  url: text,
  alt_text: text,
  width: number,
  height: number,
  duration_ms: number,
  variants: z
    .array(z.object({ bit_rate: z.number().nullish().catch(null), content_type: text, url: text }))
    .nullish()
    .catch(null),
})
type Media = z.infer<typeof mediaSchema>

const kinds: Record<string, { type: string; kind: MediaSource['kind'] }> = {
  photo: { type: 'Image', kind: 'image' },
  video: { type: 'Video', kind: 'video' },
  // As a video without sound; there is no other file of it.
  animated_gif: { type: 'Video', kind: 'video' },
}
const document = { type: 'Document', kind: 'document' } as const

/** A post's files in the best form there is: pictures in their original size, videos at the highest bit rate. What has no address is left out. */
export function filesOf(keys: readonly string[] | null | undefined, includes: Includes): { media: MediaSource[]; attachment: object[] } {
  const files = (keys ?? []).flatMap((key) => {
    const parsed = mediaSchema.safeParse(includes.media.get(key))
    return parsed.success ? fileOf(parsed.data) : []
  })
  return { media: files.map(({ source }) => source), attachment: files.map(({ attachment }) => attachment) }
}

function fileOf(media: Media): { source: MediaSource; attachment: object }[] {
  const best = media.url ? originalOf(media.url) : bestVariantOf(media)
  if (best === null) return []
  const { url, mediaType } = best
  const { type, kind } = kinds[media.type] ?? document
  const { alt_text: name, width, height, duration_ms: duration } = media
  const typed = mediaType === undefined ? {} : { mediaType }
  const attachment = {
    type,
    url,
    ...typed,
    ...(name && { name }),
    ...(width && height && { width, height }),
    ...(duration && { duration: `PT${duration / 1000}S` }),
  }
  return [{ source: { url, kind, ...typed }, attachment }]
}

const mediaTypes: Record<string, string> = { jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp' }

/** Without `name` the address leads to a picture of middling size. */
function originalOf(address: string): { url: string; mediaType: string | undefined } | null {
  const url = URL.parse(address)
  if (!url) return null
  const format = url.searchParams.get('format') ?? /\.([a-z0-9]+)$/i.exec(url.pathname)?.[1]
  url.searchParams.set('name', 'orig')
  return { url: url.href, mediaType: mediaTypes[format?.toLowerCase() ?? ''] }
}

/** Playlists have no bit rate and are no file. */
function bestVariantOf({ variants }: Media): { url: string; mediaType: string | undefined } | null {
  const files = (variants ?? []).filter(({ content_type: type, url }) => type === 'video/mp4' && url && URL.canParse(url))
  const best = files.reduce<(typeof files)[number] | null>(
    (high, one) => (high && (high.bit_rate ?? 0) >= (one.bit_rate ?? 0) ? high : one),
    null,
  )
  return best?.url ? { url: best.url, mediaType: 'video/mp4' } : null
}
