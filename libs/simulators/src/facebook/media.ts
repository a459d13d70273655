import { createRandom, encodePicture, encodeVideo, makePicture, mimeOf, sha256 } from '../kit/index.ts'
import type { Answer, Call, PictureFormat } from '../kit/index.ts'
import type { Link, Photo, Video } from './records.ts'
import { createSignedAddresses } from './signed-addresses.ts'
import type { FacebookOptions } from './types.ts'
import type { World } from './world.ts'

export type Size = { width: number; height: number; scale: number }
const scales = [1, 0.6, 0.3]

/** Addresses and bytes of pictures and videos. Nothing is kept: what is generated is computed from its name. */
export function createMedia(world: World, options: FacebookOptions, base: () => string) {
  const addresses = createSignedAddresses(options.mediaSeconds ?? 2 * 86_400, world.now)
  const address = (path: string, size: string | null = null) => base() + addresses.sign(path, size)
  const formatOf = (name: string): PictureFormat => makePicture(name, options.pictureSize).format
  const fileOf = (name: string) => `${name}_n.${formatOf(name) === 'png' ? 'png' : 'jpg'}`
  const sized = ({ width, height }: { width: number; height: number }, scale: number): Size => ({
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
    scale,
  })
  const sizeName = ({ width, height, scale }: Size) => (scale === 1 ? null : `dst-jpg_s${width}x${height}`)

  const photoAddress = (photo: Photo, size: Size) => address(`/v/t39.30808-6/${fileOf(photo.name)}`, sizeName(size))
  /** The sizes of a photo, in no order, as Graph gives them. */
  function sizesOf(photo: Photo): Size[] {
    const all = scales.map((scale) => sized(photo, scale))
    const first = createRandom(photo.name, 'sizes').int(0, all.length - 1)
    return [...all.slice(first), ...all.slice(0, first)]
  }

  function photoBytes(photo: Photo, size: Size): Buffer {
    if (size.scale === 1 && photo.bytes) return photo.bytes
    const { width, height } = size
    const spec = { seed: photo.name, format: formatOf(photo.name), width, height }
    return encodePicture(spec, size.scale === 1 ? { minBytes: options.pictureMinBytes ?? 0 } : {})
  }
  const videoBytes = (video: Video): Buffer =>
    video.bytes ?? encodeVideo({ seed: video.name, seconds: Math.min(2, video.seconds), side: 4 })

  const truths = new WeakMap<Photo | Video, { sha256: string; bytes: number }>()
  function truthOf(of: Photo | Video): { sha256: string; bytes: number } {
    const kept = truths.get(of)
    if (kept) return kept
    const bytes = of.kind === 'photo' ? photoBytes(of, sized(of, 1)) : videoBytes(of)
    const made = { sha256: sha256(bytes), bytes: bytes.length }
    truths.set(of, made)
    return made
  }

  const index = new Map<string, Photo | Video>()
  const file = (bytes: Uint8Array, type: string): Answer => ({
    bytes,
    headers: { 'content-type': type, 'cache-control': 'max-age=1209600, no-transform', 'accept-ranges': 'none' },
  })
  const refused = (status: number, text: string): Answer => ({ status, text })

  /** A route whose address must be signed. */
  const guarded =
    (serve: (name: string, size: string | null) => Answer) =>
    (call: Call): Answer => {
      const wrong = addresses.wrongWith(call)
      if (wrong !== null) return refused(403, wrong)
      return serve(call.params.file!.replace(/(_n)?\.\w+$/, ''), call.query.get('stp'))
    }

  function servePhoto(name: string, size: string | null): Answer {
    const photo = index.get(name)
    if (photo?.kind !== 'photo' || photo.isGone || photo.isDeleted) return refused(404, 'Content not found')
    const wanted = scales.map((scale) => sized(photo, scale)).find((one) => sizeName(one) === size)
    return wanted ? file(photoBytes(photo, wanted), mimeOf(formatOf(name))) : refused(404, 'Content not found')
  }
  function serveVideo(name: string): Answer {
    const video = index.get(name)
    if (video?.kind !== 'video' || video.isGone || video.isDeleted) return refused(404, 'Content not found')
    return file(videoBytes(video), 'video/mp4')
  }
  /** Portraits, previews of links and of videos: computed from the name alone. */
  function serveOther(name: string, size: string | null): Answer {
    const [, width, height] = /_s(\d+)x(\d+)$/.exec(size ?? '') ?? []
    return file(encodePicture({ seed: name, format: 'jpeg', width: Number(width), height: Number(height) }), 'image/jpeg')
  }
  const otherAddress = (name: string, width: number, height: number) => address(`/v/t1.6435-1/${name}_n.jpg`, `dst-jpg_s${width}x${height}`)

  return {
    sizesOf,
    photoAddress,
    /** A size for showing: not the largest. */
    shownSize: (photo: Photo) => sized(photo, scales[1]!),
    thumbnail: (photo: Photo) => photoAddress(photo, sized(photo, scales[2]!)),
    videoAddress: (video: Video) => address(`/v/t42.1790-2/${video.name}_n.mp4`),
    videoThumbnail: (video: Video) => otherAddress(`v${video.name}`, 64, 64),
    portrait: ({ id }: { id: string }, side: number) => otherAddress(`p${id}`, side, side),
    linkPicture: (link: Link) => otherAddress(`l${sha256(link.url).slice(0, 16)}`, 120, 63),
    truthOf,
    /** Addresses lead to it from now on. */
    register: (made: Photo | Video) => void index.set(made.name, made),
    expireAddresses: addresses.expireAll,
    addRoutes(add: (method: string, pattern: string, handler: (call: Call) => Answer) => void) {
      add('GET', '/v/t39.30808-6/:file', guarded(servePhoto))
      add('GET', '/v/t42.1790-2/:file', guarded(serveVideo))
      add('GET', '/v/t1.6435-1/:file', guarded(serveOther))
    },
  }
}
export type Media = ReturnType<typeof createMedia>
