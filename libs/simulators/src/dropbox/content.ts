import { createHash } from 'node:crypto'

/** Bytes kept in the pieces in which they came. */
export type Content = { pieces: readonly Buffer[]; size: number; sha256: string; hash: string }
/** What one request brought; `isTooLong` says that more came than was kept. */
export type Received = Content & { isTooLong: boolean }

const blockBytes = 4 * 1024 * 1024
/** Shorter bodies are copied, so that they do not keep alive the larger buffer in which the socket put them. */
const copiedBytes = 64 * 1024

/** Dropbox's content hash (dropbox.com/developers/reference/content-hash): SHA-256 over the SHA-256 sums of blocks of 4 MiB. */
export function createContentHash() {
  const whole = createHash('sha256')
  let block = createHash('sha256')
  let filled = 0
  return {
    update(bytes: Buffer) {
      for (let at = 0; at < bytes.length;) {
        const part = bytes.subarray(at, at + blockBytes - filled)
        block.update(part)
        at += part.length
        filled += part.length
        if (filled < blockBytes) continue
        whole.update(block.digest())
        block = createHash('sha256')
        filled = 0
      }
    },
    digest(): string {
      if (filled > 0) whole.update(block.digest())
      return whole.digest('hex')
    },
  }
}

/** Makes content of pieces. */
export function contentOf(pieces: readonly Buffer[]): Content {
  const [hash, sum] = [createContentHash(), createHash('sha256')]
  let size = 0
  for (const piece of pieces) {
    hash.update(piece)
    sum.update(piece)
    size += piece.length
  }
  return { pieces, size, sha256: sum.digest('hex'), hash: hash.digest() }
}

/** Reads a body to its end, hashing while it comes; what comes beyond `maxBytes` is read and dropped. */
export async function receive(incoming: AsyncIterable<Buffer>, maxBytes: number): Promise<Received> {
  const [hash, sum] = [createContentHash(), createHash('sha256')]
  let pieces: Buffer[] = []
  let size = 0
  for await (const piece of incoming) {
    size += piece.length
    if (size > maxBytes) pieces = []
    if (size > maxBytes) continue
    pieces.push(piece)
    hash.update(piece)
    sum.update(piece)
  }
  if (size < copiedBytes) pieces = size === 0 ? [] : [Buffer.concat(pieces)]
  return { pieces, size, sha256: sum.digest('hex'), hash: hash.digest(), isTooLong: size > maxBytes }
}

/** The pieces of the bytes from `start` up to, and not with, `end`. */
export function* sliceOf(pieces: readonly Buffer[], start: number, end: number): Generator<Buffer> {
  let at = 0
  for (const piece of pieces) {
    const part = piece.subarray(Math.max(0, start - at), Math.max(0, end - at))
    if (part.length > 0) yield part
    at += piece.length
    if (at >= end) return
  }
}
