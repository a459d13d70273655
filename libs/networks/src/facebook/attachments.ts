import type { MediaSource } from '@asheville/core'
import { z } from 'zod'
import { addressOf, absolute, unshimmed } from './addresses.ts'
import { sourceOf } from './media.ts'

const text = z.string().nullish()
export const idSchema = z.string().regex(/^\w+$/)

/** https://developers.facebook.com/docs/graph-api/reference/story-attachment/ */
const plainSchema = z.object({
  media_type: text,
  type: text,
  title: text,
  description: text,
  url: text,
  unshimmed_url: text,
  target: z
    .object({ id: idSchema.nullish().catch(null) })
    .nullish()
    .catch(null),
  media: z
    .object({
      image: z.object({ src: z.string(), width: z.number().nullish(), height: z.number().nullish() }).nullish().catch(null),
      source: text,
    })
    .nullish()
    .catch(null),
})
type Attachment = z.infer<typeof plainSchema>

export const attachmentsSchema = z.object({
  data: z.array(plainSchema.extend({ subattachments: z.object({ data: z.array(plainSchema) }).nullish() })),
})

/** What a post has attached: pictures and videos with their files, links; the name of the album that they were added to. */
export interface Attached {
  attachment: object[]
  media: MediaSource[]
  album: object | null
}

/** `message`: the post's own words, which a single picture has as its description once more. */
export function attachedOf({ data }: z.infer<typeof attachmentsSchema>, message: string | null | undefined): Attached {
  const attached: Attached = { attachment: [], media: [], album: null }
  const seen = new Set<string>()
  for (const one of data) {
    const parts = one.subattachments?.data ?? []
    // What stands above several is the first of them once more.
    for (const part of parts.length > 0 ? parts : [one]) {
      const file = fileOf(part, message)
      if (file && seen.has(file.source.url)) continue
      if (file) {
        seen.add(file.source.url)
        attached.attachment.push(file.object)
        attached.media.push(file.source)
      } else {
        attached.attachment.push(...linkOf(part))
      }
    }
    if (one.type === 'album' && one.title && isAlbum(one.url)) attached.album = { name: one.title, url: one.url }
  }
  return attached
}

function fileOf(one: Attachment, message: string | null | undefined): { object: object; source: MediaSource } | null {
  const kind = kindOfFile(one)
  const id = one.target?.id
  if (!kind || !id) return null
  const { image, source } = one.media ?? {}
  const address = kind === 'video' ? source : image?.src
  // Of a picture the post has a preview only, of 720 pixels at most; Graph tells the largest when asked about the photo.
  const fresh = address && URL.canParse(address) ? { address, isBest: kind === 'video' } : null
  return {
    object: {
      type: kind === 'video' ? 'Video' : 'Image',
      url: addressOf(id),
      ...(one.description && one.description !== message && { name: one.description }),
    },
    source: sourceOf(id, kind, fresh),
  }
}

const photoTypes = new Set(['photo', 'profile_media', 'cover_photo'])
const videoTypes = new Set(['video_inline', 'video_autoplay', 'video_direct_response', 'video_direct_response_autoplay'])

/** Videos of elsewhere (`video_share_youtube` …) are links: their files are not at Facebook. */
function kindOfFile({ type, media_type: mediaType, media }: Attachment): 'image' | 'video' | null {
  if (photoTypes.has(type ?? '')) return 'image'
  if (videoTypes.has(type ?? '')) return 'video'
  if (type?.startsWith('video_share') || type === 'share') return null
  if (mediaType === 'photo') return 'image'
  return mediaType === 'video' && media?.source ? 'video' : null
}

/** One that the person made. Several pictures of one post (`set=pcb.…`) are called an album too, and it after the person, whatever their name is now. */
function isAlbum(url: string | null | undefined): url is string {
  return url !== null && url !== undefined && (URL.parse(url)?.searchParams.get('set')?.startsWith('a.') ?? false)
}

/** A map shows the place that the post has anyway. */
function linkOf(one: Attachment): object[] {
  const address = one.unshimmed_url || (one.url && unshimmed(one.url))
  if (one.type === 'map' || !address) return []
  return [
    {
      type: 'Page',
      url: absolute(address),
      ...(one.title && { name: one.title }),
      ...(one.description && { summary: one.description }),
    },
  ]
}
