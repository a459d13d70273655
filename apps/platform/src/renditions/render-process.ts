import sharp, { type Sharp } from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import { limits, type Focus, type Rendered, type RenderReply, type RenderRequest } from './rendered.ts'

// A process of its own, without settings or secrets, that decodes what strangers made: whatever that does to it, platform goes on. It renders
// what its parent sends, one picture after the other, and ends when it takes too much memory or its parent is gone.

/** Of these alone is anything decoded: no SVG, which can name other files and take any time, and nothing that a library merely happens to know. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].flatMap((name) => [`VipsForeignLoad${name}Buffer`])
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: loaders })
sharp.cache(false)
sharp.concurrency(1)

/** Small enough to be the hash's, which takes 100 at most. */
const hashEdge = 100
const quality = 80

// Decoding happens on other threads, so that this is heard meanwhile.
setInterval(() => {
  if (process.memoryUsage.rss() > limits.memoryBytes) process.exit(1)
}, 20)

process.on('disconnect', () => process.exit())
process.on('message', (request: RenderRequest) => {
  render(request).then(
    (rendered) => reply({ kind: 'rendered', rendered }),
    (error: Error) => reply({ kind: 'refused', reason: error.message.split('\n')[0]!.slice(0, 200) }),
  )
})
reply({ kind: 'ready' })

function reply(message: RenderReply): void {
  process.send!(message)
}

/** It is decoded once, upright and no larger than the largest rendition; all others are made from that. */
async function render({ input, focus: wanted, edges }: RenderRequest): Promise<Rendered> {
  const source = sharp(input, { limitInputPixels: limits.pixels, failOn: 'error', pages: 1 })
  const { autoOrient } = await source.metadata()
  const { width, height } = autoOrient
  const { data, info } = await source
    .autoOrient()
    .resize({ width: edges.normal, height: edges.normal, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
    .timeout({ seconds: limits.ms / 1000 })
    .toBuffer({ resolveWithObject: true })
  const upright = () => sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } })
  const focus = wanted ?? (await findFocus(upright()))
  const inside = (edge: number) => upright().resize({ width: edge, height: edge, fit: 'inside', withoutEnlargement: true })
  const edge = Math.min(info.width, info.height)
  const square = upright()
    .extract({ ...cornerOf(focus, info.width, info.height, edge), width: edge, height: edge })
    .resize({ width: edges.square, height: edges.square, withoutEnlargement: true })
  const tiny = await inside(hashEdge).raw().toBuffer({ resolveWithObject: true })
  const webp = (picture: Sharp) => picture.webp({ quality, effort: 2 }).toBuffer()
  return {
    width,
    height,
    thumbhash: Buffer.from(rgbaToThumbHash(tiny.info.width, tiny.info.height, tiny.data)).toString('base64'),
    focus,
    renditions: { square: await webp(square), small: await webp(inside(edges.small)), normal: await webp(upright()) },
  }
}

/** The middle of the square that keeps what draws the eye. */
async function findFocus(picture: Sharp): Promise<Focus> {
  const edge = 64
  const { width, height } = await picture.metadata()
  const { info } = await picture
    .resize(edge, edge, { fit: 'cover', position: sharp.strategy.attention })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const share = (offset: number | undefined, along: number, across: number) =>
    Math.round(((Math.abs(offset ?? 0) + edge / 2) / Math.max(edge, (edge * along) / across)) * 1000) / 1000
  return { x: Math.min(1, share(info.cropOffsetLeft, width, height)), y: Math.min(1, share(info.cropOffsetTop, height, width)) }
}

/** Where the square around a point begins, which stays within the picture. */
function cornerOf({ x, y }: Focus, width: number, height: number, edge: number): { left: number; top: number } {
  const begin = (share: number, length: number) => Math.round(Math.min(Math.max(share * length - edge / 2, 0), length - edge))
  return { left: begin(x, width), top: begin(y, height) }
}
