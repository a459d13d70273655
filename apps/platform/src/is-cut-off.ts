/** Reads up to `length` bytes at `position`; fewer at the end of the file. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>

/**
 * Whether a picture or film ends before its format says it does: a transfer that was cut off although the sender announced no length.
 * What cannot be known is `false`.
 */
export async function isCutOff(mediaType: string, bytes: number, readAt: ReadAt): Promise<boolean> {
  switch (mediaType) {
    case 'image/jpeg':
      return !(await jpegEnds(bytes, readAt))
    case 'image/png':
      return !(await pngEnds(bytes, readAt))
    case 'image/gif':
      return !(await gifEnds(bytes, readAt))
    case 'image/webp':
    case 'audio/wav':
      return (await readAt(4, 4)).readUInt32LE(0) + 8 > bytes
    case 'video/mp4':
    case 'video/quicktime':
    case 'audio/mp4':
    case 'image/avif':
    case 'image/heic':
    case 'image/heif':
      return !(await boxesEnd(bytes, readAt))
    default:
      return false
  }
}

const blockBytes = 256 * 1024

/** Markers with their lengths up to the scan, then an end marker: https://www.w3.org/Graphics/JPEG/itu-t81.pdf annex B. */
async function jpegEnds(bytes: number, readAt: ReadAt): Promise<boolean> {
  let position = 2
  for (;;) {
    const head = await readAt(position, 4)
    if (head.length < 4) return false
    // What is no marker here is no JPEG that we can follow.
    if (head[0] !== 0xff) return true
    if (head[1] === 0xff) {
      position += 1
      continue
    }
    if (head[1] === 0xd9) return true
    position += 2 + head.readUInt16BE(2)
    if (head[1] === 0xda) break
  }
  // In compressed data the byte ff is always followed by another than d9.
  while (position < bytes) {
    const block = await readAt(position, blockBytes)
    if (block.includes('ffd9', 0, 'hex')) return true
    if (block.length < 2) return false
    position += block.length - 1
  }
  return false
}

/** Chunks of length, type, data, checksum, the last one IEND: https://www.w3.org/TR/png-3/ §5. */
async function pngEnds(bytes: number, readAt: ReadAt): Promise<boolean> {
  for (let position = 8; position < bytes;) {
    const head = await readAt(position, 8)
    if (head.length < 8) return false
    position += 12 + head.readUInt32BE(0)
    if (head.toString('latin1', 4) === 'IEND') return position <= bytes
  }
  return false
}

/** Blocks up to the trailer: https://www.w3.org/Graphics/GIF/spec-gif89a.txt. */
async function gifEnds(bytes: number, readAt: ReadAt): Promise<boolean> {
  const tableBytes = (packed: number) => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0)
  const screen = await readAt(0, 13)
  if (screen.length < 13) return false
  let position = 13 + tableBytes(screen[10] ?? 0)
  const skipSubBlocks = async () => {
    for (;;) {
      const block = await readAt(position, blockBytes)
      if (block.length === 0) return
      let at = 0
      while (at < block.length && block[at] !== 0) at += 1 + (block[at] ?? 0)
      position += at
      if (at < block.length) {
        position += 1
        return
      }
    }
  }
  while (position < bytes) {
    const head = await readAt(position, 10)
    if (head[0] === 0x3b) return true
    if (head[0] === 0x21) position += 2
    else if (head[0] === 0x2c && head.length === 10) position += 10 + tableBytes(head[9] ?? 0) + 1
    else return head[0] !== 0x2c
    await skipSubBlocks()
  }
  return false
}

/** Boxes with their lengths, none beyond the end: ISO/IEC 14496-12 §4.2. */
async function boxesEnd(bytes: number, readAt: ReadAt): Promise<boolean> {
  for (let position = 0; position < bytes;) {
    const head = await readAt(position, 16)
    if (head.length < 8) return false
    const short = head.readUInt32BE(0)
    if (short === 0) return true
    if (short === 1 && head.length < 16) return false
    const length = short === 1 ? Number(head.readBigUInt64BE(8)) : short
    if (length < 8) return true
    position += length
    if (position > bytes) return false
  }
  return true
}
