import { crc32, deflateSync } from 'node:zlib'
import { createRandom } from './random.ts'
import type { Random } from './random.ts'

export type PictureFormat = 'png' | 'jpeg'
/** What a picture is made of: the same values give the same bytes, another seed gives other bytes. Sizes in pixels. */
export type PictureSpec = { seed: string; format: PictureFormat; width: number; height: number }
/** `minBytes` makes the file at least this long by a comment that viewers skip. */
export type PictureOptions = { minBytes?: number }

type Paint = (x: number, y: number) => [number, number, number]

/** Encodes a picture that any viewer shows: a soft two-colour background with a few discs, different for every seed. */
export function encodePicture(spec: PictureSpec, options: PictureOptions = {}): Buffer {
  const random = createRandom(spec.seed, spec.format, spec.width, spec.height)
  const paint = createPaint(random, spec.width, spec.height)
  const padding = options.minBytes ?? 0
  return spec.format === 'png' ? encodePng(spec, paint, padding) : encodeJpeg(spec, paint, padding)
}

export function mimeOf(format: PictureFormat): string {
  return format === 'png' ? 'image/png' : 'image/jpeg'
}

function createPaint(random: Random, width: number, height: number): Paint {
  const colour = () => [random.int(30, 225), random.int(30, 225), random.int(30, 225)] as const
  const [from, to] = [colour(), colour()]
  const discs = Array.from({ length: random.int(2, 5) }, () => ({
    x: random.next() * width,
    y: random.next() * height,
    r: ((0.08 + random.next() * 0.25) * Math.min(width, height)) ** 2,
    colour: colour(),
  }))
  return (x, y) => {
    for (const disc of discs) if ((x - disc.x) ** 2 + (y - disc.y) ** 2 < disc.r) return [...disc.colour]
    const t = (x / width + y / height) / 2
    return [0, 1, 2].map((i) => Math.round(from[i]! * (1 - t) + to[i]! * t)) as [number, number, number]
  }
}

/** PNG 1.2, eight-bit RGB, no interlacing (W3C PNG specification, §11 and §12). */
function encodePng({ seed, width, height }: PictureSpec, paint: Paint, minBytes: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const rows = Buffer.alloc((width * 3 + 1) * height)
  let at = 0
  for (let y = 0; y < height; y++) {
    rows[at++] = 0
    for (let x = 0; x < width; x++) for (const value of paint(x, y)) rows[at++] = value
  }
  const chunks = [
    pngChunk('IHDR', header),
    pngChunk('tEXt', Buffer.from(`Comment\0${seed}`, 'latin1')),
    pngChunk('IDAT', deflateSync(rows)),
  ]
  const length = 8 + chunks.reduce((sum, chunk) => sum + chunk.length, 0) + 12
  if (length < minBytes) chunks.push(pngChunk('tEXt', Buffer.concat([Buffer.from('Pad\0'), Buffer.alloc(minBytes - length, 46)])))
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks, pngChunk('IEND', Buffer.alloc(0))])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const chunk = Buffer.alloc(body.length + 8)
  chunk.writeUInt32BE(data.length, 0)
  chunk.set(body, 4)
  chunk.writeUInt32BE(crc32(body), body.length + 4)
  return chunk
}

/** Code lengths 0–11 of the standard luminance table for direct-current differences (ITU-T T.81, table K.3). */
const dcCounts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]

/** Baseline JPEG (ITU-T T.81) of flat 8×8 blocks: only direct-current values are coded, so it stays this short. */
function encodeJpeg({ seed, width, height }: PictureSpec, paint: Paint, minBytes: number): Buffer {
  const size = Buffer.from([8, height >> 8, height & 255, width >> 8, width & 255])
  const segments = [
    Buffer.from([0xff, 0xd8]),
    segment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1')),
    segment(0xfe, Buffer.from(seed, 'utf8')),
    segment(0xdb, Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 8)])),
    segment(0xc0, Buffer.concat([size, Buffer.from([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])])),
    segment(0xc4, Buffer.from([0x00, ...dcCounts, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])),
    segment(0xc4, Buffer.from([0x10, 1, ...new Array<number>(15).fill(0), 0])),
    segment(0xda, Buffer.from([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])),
  ]
  const scan = jpegScan(width, height, paint)
  let missing = minBytes - segments.reduce((sum, part) => sum + part.length, 0) - scan.length - 2
  for (; missing > 0; missing -= 60_004) segments.splice(2, 0, segment(0xfe, Buffer.alloc(Math.max(1, Math.min(missing - 4, 60_000)), 46)))
  return Buffer.concat([...segments, scan, Buffer.from([0xff, 0xd9])])
}

function segment(marker: number, data: Buffer): Buffer {
  const length = data.length + 2
  return Buffer.concat([Buffer.from([0xff, marker, length >> 8, length & 255]), data])
}

function jpegScan(width: number, height: number, paint: Paint): Buffer {
  const out: number[] = []
  let [bits, count] = [0, 0]
  const put = (value: number, length: number) => {
    for (let i = length - 1; i >= 0; i--) {
      bits = (bits << 1) | ((value >> i) & 1)
      if (++count < 8) continue
      out.push(bits)
      if (bits === 0xff) out.push(0)
      ;[bits, count] = [0, 0]
    }
  }
  const codes = dcCodes()
  const last = [0, 0, 0]
  for (let y = 0; y < height; y += 8) {
    for (let x = 0; x < width; x += 8) {
      const [r, g, b] = paint(Math.min(x + 4, width - 1), Math.min(y + 4, height - 1))
      const levels = [0.299 * r + 0.587 * g + 0.114 * b - 128, -0.1687 * r - 0.3313 * g + 0.5 * b, 0.5 * r - 0.4187 * g - 0.0813 * b]
      levels.forEach((level, i) => {
        const value = Math.round(level)
        const difference = value - last[i]!
        last[i] = value
        const length = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference))
        const [code, codeLength] = codes[length]!
        put(code, codeLength)
        put(difference > 0 ? difference : difference + (1 << length) - 1, length)
        put(0, 1)
      })
    }
  }
  while (count !== 0) put(1, 1)
  return Buffer.from(out)
}

function dcCodes(): [code: number, length: number][] {
  const codes: [number, number][] = []
  let code = 0
  dcCounts.forEach((many, i) => {
    for (let k = 0; k < many; k++) codes.push([code++, i + 1])
    code <<= 1
  })
  return codes
}
