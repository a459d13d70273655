import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'

/** A file that means harm, or that somebody's software made badly; `declared`: what its network says it is. */
export interface HostileImage {
  name: string
  data: Buffer
  declared: string
}

const text = (value: string) => Buffer.from(value, 'latin1')
const u16le = (value: number) => Buffer.from([value & 255, value >> 8])
const u16be = (value: number) => Buffer.from([value >> 8, value & 255])
const u32be = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const u32le = (value: number) => u32be(value).reverse()

/** A chunk of PNG: https://www.w3.org/TR/png-3/ §5.3. */
function chunk(type: string, body: Buffer = Buffer.alloc(0), crc?: number): Buffer {
  const named = Buffer.concat([text(type), body])
  return Buffer.concat([u32be(body.length), named, u32be(crc ?? crc32(named))])
}

interface Header {
  width: number
  height: number
  depth?: number
  colour?: number
  interlace?: number
}
const header = ({ width, height, depth = 8, colour = 0, interlace = 0 }: Header) =>
  chunk('IHDR', Buffer.concat([u32be(width), u32be(height), Buffer.from([depth, colour, 0, 0, interlace])]))
const png = (...chunks: Buffer[]) => Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...chunks, chunk('IEND')])
/** Rows of nothing, which deflate a thousandfold. */
const rows = (bytesPerRow: number, height: number) => chunk('IDAT', deflateSync(Buffer.alloc((bytesPerRow + 1) * height)))
const dot = rows(1, 1)
const bomb = deflateSync(Buffer.alloc(64 * 1024 ** 2))

/** A GIF of so many frames of one pixel: https://www.w3.org/Graphics/GIF/spec-gif89a.txt. */
function gif(width: number, height: number, frames: number, { codeSize = 2, left = 0 } = {}): Buffer {
  const frame = Buffer.concat([
    Buffer.from('21f9040002000000', 'hex'),
    Buffer.concat([text(','), u16le(left), u16le(0), u16le(1), u16le(1), Buffer.from([0])]),
    Buffer.from([codeSize, 2, 0x44, 0x01, 0]),
  ])
  const screen = Buffer.concat([text('GIF89a'), u16le(width), u16le(height), Buffer.from([0x80, 0, 0, 0, 0, 0, 255, 255, 255])])
  return Buffer.concat([screen, ...Array.from({ length: frames }, () => frame), text(';')])
}

const riff = (...parts: Buffer[]) => {
  const body = Buffer.concat([text('WEBP'), ...parts])
  return Buffer.concat([text('RIFF'), u32le(body.length), body])
}

/** A TIFF with one directory of these entries (tag, type, value); it begins at byte 8 and points to `next`. */
function tiff(entries: readonly (readonly [number, number, number])[], next = 0): Buffer {
  const fields = entries.map(([tag, type, value]) => Buffer.concat([u16le(tag), u16le(type), u32le(1), u32le(value)]))
  return Buffer.concat([text('II*\0'), u32le(8), u16le(entries.length), ...fields, u32le(next), Buffer.alloc(64)])
}

const app1 = (exif: Buffer) => Buffer.concat([Buffer.from('ffe1', 'hex'), u16be(exif.length + 8), text('Exif\0\0'), exif])
const svg = (inner: string) => text(`<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100">${inner}</svg>`)

/** All of them, made here and nowhere else. */
export async function hostileImages(): Promise<HostileImage[]> {
  const flat = sharp({ create: { width: 640, height: 480, channels: 3, background: '#c84' } })
  const [jpeg, progressive, webp, avif] = await Promise.all([
    flat.clone().jpeg().toBuffer(),
    flat.clone().jpeg({ progressive: true }).toBuffer(),
    flat.clone().webp().toBuffer(),
    flat.clone().avif({ effort: 0 }).toBuffer(),
  ])
  const animated = await sharp(gif(1, 1, 500), { animated: true })
    .webp({ effort: 0 })
    .toBuffer()
  const afterStart = (data: Buffer, ...inserted: Buffer[]) => Buffer.concat([data.subarray(0, 2), ...inserted, data.subarray(2)])
  const patched = (data: Buffer, mark: Buffer, offset: number, value: Buffer) => {
    const copy = Buffer.from(data)
    value.copy(copy, copy.indexOf(mark) + offset)
    return copy
  }
  const frameHeader = Buffer.from('ffc0', 'hex')
  const lastScan = progressive.subarray(progressive.lastIndexOf(Buffer.from('ffda', 'hex')), -2)

  const images: readonly (readonly [name: string, data: Buffer, declared?: string])[] = [
    ['a PNG of 900 megapixels in 100 kB', png(header({ width: 30_000, height: 30_000, depth: 1 }), rows(3750, 30_000))],
    ['a PNG just below the limit of pixels', png(header({ width: 11_200, height: 11_200, depth: 1 }), rows(1400, 11_200))],
    ['an interlaced PNG that must be held whole', png(header({ width: 3000, height: 3000, interlace: 1 }), rows(3000, 3100))],
    ['a PNG that says it is as large as can be said', png(header({ width: 2 ** 31 - 1, height: 2 ** 31 - 1 }), dot)],
    ['a PNG of no width', png(header({ width: 0, height: 10 }), dot)],
    ['a PNG with fewer rows than it says', png(header({ width: 1000, height: 1000 }), rows(1000, 3))],
    ['a PNG with more rows than it says, by 64 MiB', png(header({ width: 10, height: 10 }), chunk('IDAT', bomb))],
    ['a PNG with wrong checksums', png(header({ width: 10, height: 10 }), chunk('IDAT', deflateSync(Buffer.alloc(110)), 7))],
    ['a PNG whose data is no zlib', png(header({ width: 10, height: 10 }), chunk('IDAT', Buffer.alloc(200, 0xff)))],
    ['a PNG without data', png(header({ width: 10, height: 10 }))],
    [
      'a PNG with a colour profile of 64 MiB',
      png(header({ width: 1, height: 1 }), chunk('iCCP', Buffer.concat([text('p\0\0'), bomb])), dot),
    ],
    ['a PNG with a text of 64 MiB', png(header({ width: 1, height: 1 }), chunk('zTXt', Buffer.concat([text('t\0\0'), bomb])), dot)],
    ['a PNG with 50,000 texts', png(header({ width: 1, height: 1 }), Buffer.concat(Array(50_000).fill(chunk('tEXt', text('a\0b')))), dot)],
    ['a PNG with a palette that is not there', png(header({ width: 1, height: 1, colour: 3 }), dot)],
    ['a PNG of a depth that there is not', png(header({ width: 1, height: 1, depth: 7, colour: 9 }), dot)],
    [
      'a PNG that says it has 10,000 frames',
      png(header({ width: 1, height: 1 }), chunk('acTL', Buffer.concat([u32be(10_000), u32be(0)])), dot),
    ],
    [
      'a PNG that is a page with a script too',
      png(header({ width: 1, height: 1 }), chunk('tEXt', text('x\0<script>alert(1)</script>')), dot),
      'text/html',
    ],
    ['a JPEG that says it is 65,500 × 65,500', patched(jpeg, frameHeader, 5, Buffer.concat([u16be(65_500), u16be(65_500)]))],
    ['a JPEG of no height', patched(jpeg, frameHeader, 5, u16be(0))],
    ['a JPEG that breaks off and ends properly', Buffer.concat([jpeg.subarray(0, jpeg.length - 200), Buffer.from('ffd9', 'hex')])],
    [
      'a JPEG of 2,000 scans',
      Buffer.concat([progressive.subarray(0, -2), ...Array<Buffer>(2000).fill(lastScan), Buffer.from('ffd9', 'hex')]),
    ],
    ['a JPEG with an orientation that there is not', afterStart(jpeg, app1(tiff([[0x112, 3, 99]])))],
    ['a JPEG whose EXIF goes round in a circle', afterStart(jpeg, app1(tiff([[0x8769, 4, 8]], 8)))],
    ['a JPEG with 3 MB of other things first', afterStart(jpeg, Buffer.concat(Array(50).fill(app1(Buffer.alloc(60_000)))))],
    ['a JPEG that is an archive too', Buffer.concat([jpeg, text('PK\u0005\u0006'), Buffer.alloc(18)]), 'application/zip'],
    [
      'a JPEG with a script in its comment',
      afterStart(jpeg, Buffer.from('fffe001c', 'hex'), text('<script>alert(1)</script>!')),
      'text/html',
    ],
    ['a JPEG of one head and nothing more', Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex')],
    ['a GIF of 10,000 frames', gif(1, 1, 10_000)],
    ['a GIF of 65,535 × 65,535', gif(65_535, 65_535, 1)],
    ['a GIF with a frame outside of it', gif(10, 10, 3, { left: 6000 })],
    ['a GIF with a code size that there is not', gif(10, 10, 1, { codeSize: 13 })],
    ['a GIF that is a script too', Buffer.concat([text('GIF89a/*'), gif(1, 1, 1).subarray(8), text('*/=1;alert(1)')]), 'text/javascript'],
    ['a WebP of 16,777,216 × 16,777,216', riff(text('VP8X'), u32le(10), Buffer.from('02000000ffffffffffff', 'hex'), webp.subarray(12))],
    ['a WebP that holds less than it says', riff(webp.subarray(12, 40), Buffer.alloc(10))],
    ['a WebP of 500 frames', animated],
    [
      'a TIFF that goes round in a circle',
      tiff(
        [
          [0x100, 4, 10],
          [0x101, 4, 10],
          [0x102, 3, 8],
          [0x111, 4, 8],
          [0x117, 4, 100],
        ],
        8,
      ),
    ],
    [
      'a TIFF of 4,000,000,000 pixels a row',
      tiff([
        [0x100, 4, 4_000_000_000],
        [0x101, 4, 4_000_000_000],
        [0x102, 3, 8],
        [0x106, 3, 1],
        [0x111, 4, 8],
        [0x116, 4, 1],
        [0x117, 4, 50],
      ]),
    ],
    ['an AVIF that says it is 60,000 × 60,000', patched(avif, text('ispe'), 8, Buffer.concat([u32be(60_000), u32be(60_000)]))],
    ['an AVIF with other data than it needs', Buffer.concat([avif.subarray(0, -100), Buffer.alloc(100, 0xa5)])],
    ['an SVG with a script', svg('<script>fetch("http://127.0.0.1/")</script>'), 'image/svg+xml'],
    [
      'an SVG that names a file',
      text('<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'),
      'image/svg+xml',
    ],
    ['an SVG that says it is a PNG', svg('<image href="http://127.0.0.1:9/x.png" width="10" height="10"/>'), 'image/png'],
    ['a page that says it is a JPEG', text('<!doctype html><script>alert(1)</script>'), 'image/jpeg'],
    ['a PDF that says it is a PNG', text('%PDF-1.7\n1 0 obj\n<</Length 1>>\nstream'), 'image/png'],
    [
      'a bitmap of 2,000,000,000 pixels',
      Buffer.concat([text('BM'), u32le(100), u32le(0), u32le(54), u32le(40), u32le(50_000), u32le(40_000), Buffer.alloc(80)]),
    ],
    ['nothing but zeros', Buffer.alloc(100_000), 'image/png'],
  ]
  return images.map(([name, data, declared = 'image/png']) => ({ name, data, declared }))
}
