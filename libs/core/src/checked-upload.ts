import { createHash } from 'node:crypto'
import { AshevilleError, throwIfAborted } from './errors.ts'
import type { Upload } from './storage.ts'

/**
 * The content of an upload, piece by piece. The last piece is held back until count and hash are as announced, so that what is
 * sent by it never ends well when they are not: it throws `invalid` then. An abort throws `cancelled`.
 */
export async function* checkedUpload(
  { body, bytes, sha256 }: Pick<Upload, 'body' | 'bytes' | 'sha256'>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256')
  let count = 0
  let held: Uint8Array | null = null
  for await (const chunk of body()) {
    throwIfAborted(signal)
    const piece: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    count += piece.byteLength
    if (count > bytes) break
    hash.update(piece)
    if (held !== null) yield held
    held = piece
  }
  if (count !== bytes || hash.digest('hex') !== sha256)
    throw new AshevilleError('invalid', 'What arrived is not what was announced; nothing was stored')
  if (held !== null) yield held
}
