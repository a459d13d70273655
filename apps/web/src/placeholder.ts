import { crc32, deflateSync } from 'node:zlib'
import { thumbHashToRGBA } from 'thumbhash'

/** What is kept of a thumbhash, which is blurred anyway. */
const longestEdge = 16

/**
 * A picture of a few pixels, as an address that holds all of it, to show until the real one has come. Null for what is no thumbhash, and for
 * what one sees through: it would show behind the picture.
 */
export function placeholder(thumbhash: string): string | null {
  try {
    const { w, h, rgba } = thumbHashToRGBA(Buffer.from(thumbhash, 'base64'))
    const step = Math.ceil(Math.max(w, h) / longestEdge)
    const [width, height] = [Math.floor(w / step), Math.floor(h / step)]
    const rows = Array.from({ length: height }, (_, y) => {
      const pixels = Array.from({ length: width }, (_, x) => rgba.subarray((y * step * w + x * step) * 4).subarray(0, 4))
      if (pixels.some(([, , , alpha = 0]) => alpha < 250)) return null
      return Buffer.concat([Buffer.of(0), ...pixels.map((pixel) => pixel.subarray(0, 3))])
    })
    if (rows.length === 0 || rows.includes(null)) return null
    return `data:image/png;base64,${pngOf(width, height, Buffer.concat(rows as Buffer[])).toString('base64')}`
  } catch {
    return null
  }
}

/** @param rows of red, green, blue, each begun with a 0 @see https://www.w3.org/TR/png-3/ §5 */
function pngOf(width: number, height: number, rows: Buffer): Buffer {
  const header = Buffer.from('0000000000000000' + '0802000000', 'hex')
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...chunks])
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(body.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}
