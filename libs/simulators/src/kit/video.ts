import { createRandom } from './random.ts'

export type VideoSpec = {
  seed: string
  seconds: number
  /** Width and height in macroblocks of 16 pixels. */
  side: number
}
const framesPerSecond = 8

/** A silent MP4 that players show: every frame is an H.264 picture of uncompressed blocks (ITU-T H.264 §7.3, mb_type I_PCM), in one track (ISO/IEC 14496-12, -14, -15). */
export function encodeVideo({ seed, seconds, side }: VideoSpec): Buffer {
  const count = Math.max(1, Math.round(seconds * framesPerSecond))
  const random = createRandom(seed, 'video')
  const [hue, speed] = [random.int(0, 255), random.int(3, 12)]
  const frames = Array.from({ length: count }, (_, i) => {
    const unit = picture(side, i % 2, (x, y) => [40 + ((x * 8 + y * 5 + i * speed) % 180), (hue + x) % 256, (255 - hue + y) % 256])
    return Buffer.concat([uint32(unit.length), unit])
  })
  const bytes = Buffer.concat(frames)
  const type = box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2avc1mp41', 'latin1'))
  const moovAt = (offset: number) =>
    movie(
      side,
      frames.map(({ length }) => length),
      offset,
    )
  const offset = type.length + moovAt(0).length + 8
  return Buffer.concat([type, moovAt(offset), box('mdat', bytes)])
}

/** Writes bits from the highest down. */
function createBits() {
  const out: number[] = []
  let [value, many] = [0, 0]
  const bit = (one: number) => {
    value = (value << 1) | one
    if (++many === 8) {
      out.push(value)
      ;[value, many] = [0, 0]
    }
  }
  const put = (number: number, length: number) => {
    for (let i = length - 1; i >= 0; i--) bit((number >> i) & 1)
  }
  return {
    put,
    /** Exp-Golomb code (§9.1). */
    ue(number: number) {
      const length = 32 - Math.clz32(number + 1)
      put(0, length - 1)
      put(number + 1, length)
    },
    align() {
      while (many !== 0) bit(0)
    },
    end() {
      bit(1)
      this.align()
      return Buffer.from(out)
    },
  }
}

/** A NAL unit with the bytes that keep start codes from occurring in it (§7.4.1). */
function unitOf(header: number, payload: Buffer): Buffer {
  const out = [header]
  let zeros = 0
  for (const byte of payload) {
    if (zeros === 2 && byte <= 3) {
      out.push(3)
      zeros = 0
    }
    out.push(byte)
    zeros = byte === 0 ? zeros + 1 : 0
  }
  return Buffer.from(out)
}

function sequenceParameters(side: number): Buffer {
  const bits = createBits()
  for (const byte of [66, 0xc0, 20]) bits.put(byte, 8)
  // id, frame number bits - 4, order count type 2, no references, no gaps
  for (const number of [0, 0, 2, 1]) bits.ue(number)
  bits.put(0, 1)
  bits.ue(side - 1)
  bits.ue(side - 1)
  // whole frames, 8×8 inference, no cropping, no usability information
  for (const flag of [1, 1, 0, 0]) bits.put(flag, 1)
  return unitOf(0x67, bits.end())
}

function pictureParameters(): Buffer {
  const bits = createBits()
  bits.ue(0)
  bits.ue(0)
  bits.put(0, 2)
  for (const number of [0, 0, 0]) bits.ue(number)
  bits.put(0, 3)
  for (const number of [0, 0, 0]) bits.ue(number)
  bits.put(0, 3)
  return unitOf(0x68, bits.end())
}

type Shade = (x: number, y: number) => [luma: number, blue: number, red: number]
function picture(side: number, idrId: number, shade: Shade): Buffer {
  const bits = createBits()
  // first block, slice type I, parameter set; frame number; picture id; two marking flags; quantiser change
  for (const number of [0, 7, 0]) bits.ue(number)
  bits.put(0, 4)
  bits.ue(idrId)
  bits.put(0, 2)
  bits.ue(0)
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      bits.ue(25)
      bits.align()
      for (let y = 0; y < 16; y++) for (let x = 0; x < 16; x++) bits.put(shade(column * 16 + x, row * 16 + y)[0], 8)
      for (const plane of [1, 2] as const)
        for (let y = 0; y < 8; y++) for (let x = 0; x < 8; x++) bits.put(shade(column * 16 + x * 2, row * 16 + y * 2)[plane], 8)
    }
  return unitOf(0x65, bits.end())
}

const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const uint16 = (value: number) => Buffer.from([value >> 8, value & 255])
const words = (...values: number[]) => Buffer.concat(values.map(uint32))
function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([uint32(body.length + 8), Buffer.from(type, 'latin1'), body])
}

function movie(side: number, sizes: number[], offset: number): Buffer {
  const pixels = side * 16
  const matrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
  const [sps, pps] = [sequenceParameters(side), pictureParameters()]
  const config = box(
    'avcC',
    Buffer.from([1, sps[1]!, sps[2]!, sps[3]!, 0xff, 0xe1]),
    uint16(sps.length),
    sps,
    Buffer.from([1]),
    uint16(pps.length),
    pps,
  )
  const compressor = Buffer.alloc(32)
  const entry = box(
    'avc1',
    Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
    Buffer.alloc(16),
    uint16(pixels),
    uint16(pixels),
    words(0x480000, 0x480000, 0),
    uint16(1),
    compressor,
    uint16(24),
    uint16(0xffff),
    config,
  )
  const table = box(
    'stbl',
    box('stsd', words(0, 1), entry),
    box('stts', words(0, 1, sizes.length, 1)),
    box('stsc', words(0, 1, 1, sizes.length, 1)),
    box('stsz', words(0, 0, sizes.length, ...sizes)),
    box('stco', words(0, 1, offset)),
  )
  const reference = box('dinf', box('dref', words(0, 1), box('url ', words(1))))
  const media = box(
    'mdia',
    box('mdhd', words(0, 0, 0, framesPerSecond, sizes.length), uint16(0x55c4), uint16(0)),
    box('hdlr', words(0, 0), Buffer.from('vide'), words(0, 0, 0), Buffer.from('Video\0')),
    box('minf', box('vmhd', words(1, 0, 0)), reference, table),
  )
  const track = box('trak', box('tkhd', words(3, 0, 0, 1, 0, sizes.length, 0, 0, 0, 0), matrix, words(pixels << 16, pixels << 16)), media)
  const header = box(
    'mvhd',
    words(0, 0, 0, framesPerSecond, sizes.length, 0x10000),
    uint16(0x100),
    Buffer.alloc(10),
    matrix,
    words(0, 0, 0, 0, 0, 0, 2),
  )
  return box('moov', header, track)
}
