import { hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { AshevilleError } from '@asheville/core'
import { decode } from '@atproto/lex-cbor'
import { decodeCid, ifCid, type Cid } from '@atproto/lex-data'
import { createBlockIndex } from './block-index.ts'

const chunkBytes = 1024 * 1024
/** The protocol keeps blocks below 1 MiB; more than this is no repository. */
const maxBlockBytes = 8 * 1024 * 1024
/** CIDv1 with a 32-byte SHA-256: version, codec, hash, length, digest. */
const cidBytes = 36

/**
 * A CAR file on disk (https://ipld.io/specs/transport/car/carv1/), read block by block: memory is the index alone.
 * Reads are synchronous, some microseconds each from the page cache; callers let others run between pages.
 */
export interface CarFile {
  root: Cid
  /** The decoded block, checked against its hash; null when the file does not have it. Throws `unavailable` for one that is damaged. */
  block(cid: Cid): unknown
  has(cid: Cid): boolean
  close(): void
}

/** Throws `unavailable` for a file that is cut off or is no CAR: the download is to be repeated. */
export function openCarFile(path: string): CarFile {
  const file = openSync(path, 'r')
  try {
    const read = createReader(file)
    const root = rootOf(read)
    const index = createBlockIndex()
    for (;;) {
      const length = read.varint()
      if (length === null) break
      if (length < cidBytes || length > maxBlockBytes) throw damaged('a block of an impossible size')
      const start = read.position
      const cid = read.bytes(cidBytes)
      if (cid[0] !== 1 || cid[2] !== 0x12 || cid[3] !== 32) throw damaged('an unknown kind of hash')
      index.add(cid.subarray(4), start + cidBytes, length - cidBytes)
      read.skip(length - cidBytes)
    }
    const bytesOf = (cid: Cid): Buffer | null => {
      let isDamaged = false
      for (const { offset, length } of index.find(cid.multihash.digest)) {
        const bytes = Buffer.allocUnsafe(length)
        readSync(file, bytes, 0, length, offset)
        if (hash('sha256', bytes, 'buffer').equals(cid.multihash.digest)) return bytes
        isDamaged = true
      }
      // Taken for absent, it would stand for what has not changed.
      if (isDamaged) throw damaged('a block whose content is another')
      return null
    }
    return {
      root,
      block: (cid) => {
        const bytes = bytesOf(cid)
        return bytes && decode(bytes)
      },
      has: (cid) => !index.find(cid.multihash.digest).next().done,
      close: () => {
        closeSync(file)
      },
    }
  } catch (error) {
    closeSync(file)
    throw error instanceof AshevilleError ? error : damaged('unreadable', error)
  }
}

function rootOf(read: Reader): Cid {
  const length = read.varint()
  if (length === null || length > 4096) throw damaged('no header')
  const header = decode(Buffer.from(read.bytes(length))) as { version?: unknown; roots?: unknown[] }
  const root = ifCid(header.roots?.[0])
  if (header.version !== 1 || !root) throw damaged('no root')
  return decodeCid(root.bytes)
}

function damaged(what: string, cause?: unknown): AshevilleError {
  return new AshevilleError('unavailable', `The server sent a damaged repository (${what})`, { cause })
}

interface Reader {
  /** Bytes from the start of the file. */
  readonly position: number
  /** The next unsigned LEB128 number; null at the end of the file. */
  varint(): number | null
  /** A view that is valid until the next call. */
  bytes(length: number): Uint8Array
  skip(length: number): void
}

function createReader(file: number): Reader {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  let start = 0
  let filled = 0
  let at = 0

  function ensure(length: number): boolean {
    if (at + length <= filled) return true
    start += at
    at = 0
    filled = 0
    while (filled < length) {
      const got = readSync(file, buffer, filled, chunkBytes - filled, start + filled)
      if (got === 0) return false
      filled += got
    }
    return true
  }

  return {
    get position() {
      return start + at
    },
    varint() {
      let value = 0
      for (let shift = 0; shift < 49; shift += 7) {
        if (!ensure(1)) {
          if (shift === 0) return null
          throw damaged('cut off')
        }
        const byte = buffer[at++]!
        value += (byte & 0x7f) * 2 ** shift
        if (byte < 0x80) return value
      }
      throw damaged('an endless number')
    },
    bytes(length) {
      if (!ensure(length)) throw damaged('cut off')
      at += length
      return buffer.subarray(at - length, at)
    },
    skip(length) {
      if (at + length <= filled) {
        at += length
        return
      }
      // The last byte is read, so that a file cut off inside a block is noticed.
      start += at + length - 1
      at = 0
      filled = 0
      if (!ensure(1)) throw damaged('cut off')
      at = 1
    },
  }
}
