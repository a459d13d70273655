import { encodePicture, makePicture, mimeOf } from '../kit/index.ts'
import type { Answer, PictureFormat } from '../kit/index.ts'
import type { MastodonOptions, MediaFields } from './types.ts'
import type { World } from './world.ts'

/** The attachment entity (docs: entities/MediaAttachment). Attachments of other servers' statuses are served from our cache and name where they came from. */
export function mediaEntity(media: MediaFields, origin: string, domain: string | null) {
  const hex = media.name.slice(0, 16)
  const folder = `media_attachments/files/${hex.slice(0, 3)}/${hex.slice(3, 6)}/${hex.slice(6, 9)}`
  const cached = `${origin}/media/${domain === null ? '' : 'cache/'}${folder}`
  const small = { width: Math.ceil(media.width / 2), height: Math.ceil(media.height / 2) }
  return {
    id: String(BigInt(`0x${hex}`) % 10n ** 12n),
    type: media.type,
    url: `${cached}/original/${media.name}`,
    preview_url: `${cached}/small/${media.type === 'image' ? media.name : `${hex}.png`}`,
    remote_url: domain === null ? null : `https://files.${domain}/${folder}/original/${media.name}`,
    preview_remote_url: null,
    text_url: null,
    meta: { original: sizeOf(media), small: sizeOf(small), focus: { x: 0, y: 0 } },
    description: media.description,
    blurhash: media.type === 'audio' ? null : 'UFBWY:8_0Jxv4mx]t8t64.%M-:IUWGWAt6M}',
  }
}

function sizeOf({ width, height }: { width: number; height: number }) {
  return { width, height, size: `${width}x${height}`, aspect: width / height }
}

/** The bytes of a file by the rest of its path after `/media/`; null when there is no such file. Generated pictures are computed from their name. */
export function mediaFile(path: string, world: World, options: MastodonOptions): Buffer | null {
  return findFile(path, world, options)?.bytes ?? null
}

/** Answers a request for a file as nginx in front of Mastodon's file store does. */
export function answerMedia(path: string, world: World, options: MastodonOptions): Answer {
  const file = findFile(path, world, options)
  if (!file)
    return {
      status: 404,
      html: '<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center></body></html>',
    }
  return {
    bytes: file.bytes,
    headers: { 'content-type': file.mime, 'cache-control': 'public, max-age=31536000, immutable', 'accept-ranges': 'none' },
  }
}

function findFile(path: string, world: World, options: MastodonOptions): { bytes: Buffer; mime: string } | null {
  const found = /\/(original|small)\/(([0-9a-f]{16})\.([a-z0-9]+))$/.exec(path)
  if (!found) return null
  const [, style, name, hex, extension] = found as unknown as [string, string, string, string, string]
  const scripted = world.file(name)
  if (scripted === 'gone') return null
  if (scripted && style === 'original') return scripted
  const isPart = !path.includes('media_attachments/') || style === 'small'
  const picture = makePicture(hex, options.pictureSize)
  const format: PictureFormat | null = extension === picture.format || (isPart && extension === 'png') ? (extension as PictureFormat) : null
  if (!format) return null
  const scale = style === 'small' ? 2 : 1
  const size = { width: Math.ceil(picture.width / scale), height: Math.ceil(picture.height / scale) }
  const minBytes = style === 'original' ? (options.pictureMinBytes ?? 0) : 0
  return { bytes: encodePicture({ seed: hex, format, ...size }, { minBytes }), mime: mimeOf(format) }
}
