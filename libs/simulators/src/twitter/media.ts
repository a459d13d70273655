import { encodePicture, encodeVideo, makePicture, mimeOf, sha256 } from '../kit/index.ts'
import type { Answer, Call, PictureFormat } from '../kit/index.ts'
import type { Account, MediaRecord } from './records.ts'
import type { TrueTweetMedia, TwitterOptions } from './types.ts'
import type { World } from './world.ts'

/** Longest side of the picture that an address without a `name` gives, and of the named ones (pbs.twimg.com). */
const sizes: Record<string, number> = { thumb: 150, small: 680, medium: 1200, large: 2048, '4096x4096': 4096, orig: Infinity }
const bitRates = [256_000, 832_000, 2_176_000]

/** Addresses and bytes of pictures and videos. Nothing is kept: what is generated is computed from its name. */
export function createMedia(world: World, options: TwitterOptions, base: () => string) {
  const formatOf = (media: MediaRecord): PictureFormat => makePicture(media.name, options.pictureSize).format
  const extension = (media: MediaRecord) => (formatOf(media) === 'png' ? 'png' : 'jpg')
  const pictureUrl = (media: MediaRecord) => `${base()}/media/${media.name}.${extension(media)}`
  const videoUrl = (media: MediaRecord, rate: number) => {
    if (media.type === 'animated_gif') return `${base()}/tweet_video/${media.name}.mp4`
    const { width, height } = sizeAt(media, rate)
    return `${base()}/ext_tw_video/${media.key.slice(2)}/pu/vid/avc1/${width}x${height}/${media.name}${rate / 1000}.mp4?tag=12`
  }
  const sizeAt = (media: MediaRecord, rate: number) => {
    const scale = rate === 2_176_000 ? 1 : rate === 832_000 ? 2 : 4
    return { width: Math.max(16, Math.round(media.width / scale)), height: Math.max(16, Math.round(media.height / scale)) }
  }

  function pictureBytes(media: MediaRecord, longest: number): Buffer {
    if (media.bytes && media.type === 'photo') return media.bytes
    const scale = Math.min(1, longest / Math.max(media.width, media.height))
    const size = { width: Math.max(1, Math.round(media.width * scale)), height: Math.max(1, Math.round(media.height * scale)) }
    return encodePicture({ seed: media.name, format: formatOf(media), ...size }, { minBytes: options.pictureMinBytes ?? 0 })
  }
  /** The bit rate of the best that there is; 0 is a GIF's. */
  const bestRate = (media: MediaRecord) => (media.type === 'animated_gif' ? 0 : bitRates.at(-1)!)
  function videoBytes(media: MediaRecord, rate: number): Buffer {
    const isBest = rate === bestRate(media)
    if (media.bytes && isBest) return media.bytes
    const side = isBest ? 4 : rate === 832_000 ? 2 : 1
    return encodeVideo({ seed: `${media.name}${rate}`, seconds: Math.min(2, media.durationMs / 1000), side })
  }

  /** What `variants` says: a playlist without a bit rate, then MP4s, not in their order; of a GIF one MP4 of bit rate 0. */
  const variants = (media: MediaRecord) => {
    const mp4 = (rate: number) => ({ bit_rate: rate, content_type: 'video/mp4', url: videoUrl(media, rate) })
    if (media.type === 'animated_gif') return [{ ...mp4(0), bit_rate: 0 }]
    const playlist = `${base()}/ext_tw_video/${media.key.slice(2)}/pu/pl/${media.name}.m3u8?tag=12`
    return [mp4(832_000), { content_type: 'application/x-mpegURL', url: playlist }, mp4(2_176_000), mp4(256_000)]
  }

  const found = (name: string): MediaRecord | 'gone' | null => {
    for (const post of world.posts.values()) for (const media of post.media) if (media.name === name) return media.isGone ? 'gone' : media
    return null
  }
  const index = new Map<string, MediaRecord>()
  const find = (name: string): MediaRecord | null => {
    const kept = index.get(name)
    if (kept) return kept.isGone ? null : kept
    const media = found(name)
    if (media === null || media === 'gone') return null
    index.set(name, media)
    return media
  }

  const none: Answer = { status: 404, headers: { 'cache-control': 'no-cache' } }
  const file = (bytes: Uint8Array, type: string): Answer => ({
    bytes,
    headers: { 'content-type': type, 'cache-control': 'max-age=604800, must-revalidate', 'accept-ranges': 'none' },
  })

  function picture(call: Call): Answer {
    const [name = '', suffix] = call.params.file!.split('.')
    const media = find(name)
    const size = sizes[call.query.get('name') ?? 'medium']
    const format = suffix ?? call.query.get('format')
    if (!media || size === undefined || format !== extension(media)) return none
    // The preview of a video is a picture of the same name.
    const bytes = media.type === 'photo' ? pictureBytes(media, size) : pictureBytes({ ...media, bytes: null }, size)
    return file(bytes, mimeOf(formatOf(media)))
  }

  const truths = new WeakMap<MediaRecord, { sha256: string; bytes: number }>()
  const bestOf = (media: MediaRecord) => {
    const kept = truths.get(media)
    if (kept) return kept
    const bytes = media.type === 'photo' ? pictureBytes(media, Infinity) : videoBytes(media, bestRate(media))
    const made = { sha256: sha256(bytes), bytes: bytes.length }
    truths.set(media, made)
    return made
  }

  return {
    pictureUrl,
    variants,
    previewUrl: pictureUrl,
    profileImage: (account: Account) => `${base()}/profile_images/${account.id}/portrait_normal.png`,
    addRoutes(add: (method: string, pattern: string, handler: (call: Call) => Answer) => void) {
      add('GET', '/media/:file', picture)
      add('GET', '/tweet_video/:file', ({ params }) => {
        const media = find(params.file!.replace(/\.mp4$/, ''))
        return media ? file(videoBytes(media, 0), 'video/mp4') : none
      })
      add('GET', '/ext_tw_video/*', ({ path }) => {
        const [, name, rate, kind] = /\/([\w-]{15})(256|832|2176)?\.(mp4|m3u8)$/.exec(path) ?? []
        const media = name === undefined ? null : find(name)
        if (!media || media.type !== 'video') return none
        if (kind === 'm3u8')
          return file(
            Buffer.from(`#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-STREAM-INF:BANDWIDTH=2176000\n${videoUrl(media, 2_176_000)}\n`),
            'application/x-mpegURL',
          )
        return rate === undefined ? none : file(videoBytes(media, Number(rate) * 1000), 'video/mp4')
      })
      add('GET', '/profile_images/:id/:file', ({ params }) => {
        const account = world.byId.get(params.id!)
        if (!account || account.isSuspended || !/^portrait(_normal)?\.png$/.test(params.file!)) return none
        const side = params.file!.includes('_normal') ? 48 : 400
        return file(encodePicture({ seed: account.id, format: 'png', width: side, height: side }), 'image/png')
      })
    },
    truth(media: MediaRecord): TrueTweetMedia {
      const url = media.type === 'photo' ? `${pictureUrl(media)}?name=orig` : videoUrl(media, bestRate(media))
      return { key: media.key, type: media.type, url, alt: media.alt, ...bestOf(media) }
    },
  }
}
export type Media = ReturnType<typeof createMedia>
