import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AshevilleError, throwIfAborted } from '@asheville/core'

/** A body that has come whole, held until it is disposed of. */
export interface Spool {
  readonly bytes: number
  /** Lower-case hex. */
  readonly sha256: string
  readAt(position: number, length: number): Promise<Buffer>
  /** A fresh stream of it, as often as wanted. */
  body(): Readable
  dispose(): Promise<void>
}

export interface SpoolerOptions {
  /** For temporary files; made if it is not there. */
  directory: string
  /** What one body may take of memory before it goes to disk; 8 MiB. */
  memoryBytes?: number
  /** What all bodies together may take of memory; 64 MiB. Past it they go to disk at once. */
  totalMemoryBytes?: number
  /** What all bodies together may take of disk; 4 GiB. Past it they are refused for the moment. */
  totalDiskBytes?: number
}

export interface Spooler {
  /** Takes a body in, counting and hashing. Errors: `invalid` past `maxBytes`; `unavailable` when there is no room just now. */
  take(body: AsyncIterable<Uint8Array>, maxBytes: number, signal: AbortSignal): Promise<Spool>
  /** What is held now. */
  held(): { memoryBytes: number; diskBytes: number }
}

/**
 * Holds bodies of unknown size within bounds. Temporary files lose their name as soon as they are open, so that none is left behind
 * however the process ends.
 */
export function createSpooler(options: SpoolerOptions): Spooler {
  const { directory, memoryBytes = 8 * 1024 ** 2, totalMemoryBytes = 64 * 1024 ** 2, totalDiskBytes = 4 * 1024 ** 3 } = options
  const held = { memoryBytes: 0, diskBytes: 0 }

  return {
    held: () => ({ ...held }),
    async take(body, maxBytes, signal) {
      const hash = createHash('sha256')
      let pieces: Uint8Array[] = []
      let inMemory = 0
      let file: FileHandle | null = null
      let onDisk = 0
      let bytes = 0

      const dispose = async () => {
        held.memoryBytes -= inMemory
        held.diskBytes -= onDisk
        pieces = []
        inMemory = onDisk = 0
        const closing = file
        file = null
        await closing?.close()
      }
      const append = async (target: FileHandle, piece: Uint8Array) => {
        if (held.diskBytes + piece.byteLength > totalDiskBytes)
          throw new AshevilleError('unavailable', 'Too many large files arrive at once', { retryAfterMs: 10_000 })
        held.diskBytes += piece.byteLength
        onDisk += piece.byteLength
        for (let offset = 0; offset < piece.byteLength;) offset += (await target.write(piece, offset)).bytesWritten
      }
      const moveToDisk = async () => {
        const target = (file = await openNameless(directory))
        for (const piece of pieces) await append(target, piece)
        held.memoryBytes -= inMemory
        pieces = []
        inMemory = 0
        return target
      }

      try {
        for await (const piece of body) {
          throwIfAborted(signal)
          bytes += piece.byteLength
          if (bytes > maxBytes) throw new AshevilleError('invalid', 'The file is larger than the storage takes')
          hash.update(piece)
          const fits = inMemory + piece.byteLength <= memoryBytes && held.memoryBytes + piece.byteLength <= totalMemoryBytes
          if (file === null && fits) {
            pieces.push(piece)
            inMemory += piece.byteLength
            held.memoryBytes += piece.byteLength
          } else await append(file ?? (await moveToDisk()), piece)
        }
      } catch (error) {
        await dispose()
        throw translate(error)
      }

      const whole = file === null ? Buffer.concat(pieces) : null
      pieces = []
      const readAt = async (position: number, length: number) => {
        if (whole) return whole.subarray(position, position + length)
        if (!file) throw new AshevilleError('unexpected', 'This spool is disposed of')
        const buffer = Buffer.allocUnsafe(length)
        let filled = 0
        while (filled < length) {
          const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return buffer.subarray(0, filled)
      }
      return {
        bytes,
        sha256: hash.digest('hex'),
        readAt,
        dispose,
        body: () => Readable.from(piecesOf(bytes, readAt), { objectMode: false }),
      }
    },
  }
}

async function openNameless(directory: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, `spool-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  return file
}

const pieceBytes = 256 * 1024

async function* piecesOf(bytes: number, readAt: (position: number, length: number) => Promise<Buffer>): AsyncGenerator<Buffer> {
  for (let position = 0; position < bytes; position += pieceBytes) yield await readAt(position, Math.min(pieceBytes, bytes - position))
}

/** Our own disk being full is not the person's storage being full. */
function translate(error: unknown): unknown {
  const { code } = Object(error) as { code?: unknown }
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new AshevilleError('unavailable', 'The server has no room for large files just now', { cause: error, retryAfterMs: 60_000 })
  return error
}
