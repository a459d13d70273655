import { AshevilleError, checkedUpload, kindOf, type Upload } from '@asheville/core'
import { DropboxResponseError, type files } from 'dropbox'
import type { Client } from './client.ts'
import { createContentHash } from './content-hash.ts'

/** A multiple of 4 MiB. */
const partBytes = 64 * 1024 * 1024
const repairs = 3

/**
 * Sends a large file to an upload session, part by part. Where a part's answer is lost, Dropbox is asked how far it got, and it goes on from
 * there: the content is read anew, and what has arrived is passed over.
 */
export async function sendInParts(
  client: Client,
  upload: Upload,
  signal: AbortSignal,
): Promise<{ hash: string; session: files.UploadSessionCursor }> {
  const { session_id } = await client.call(signal, (sdk, options) => sdk.filesUploadSessionStart({ contents: '', close: false }, options))
  let offset = 0
  for (let repair = 0; ; repair += 1) {
    const { pass, digest } = createContentHash()
    const parts = inParts(pass(checkedUpload(upload, signal)))
    try {
      for await (const _ of parts.take(offset));
      while (offset < upload.bytes) {
        const length = Math.min(partBytes, upload.bytes - offset)
        const arg = { cursor: { session_id, offset }, close: offset + length === upload.bytes, contents: parts.take(length) }
        const extraHeaders = { 'content-length': String(length) }
        await client.call(signal, (sdk, options) => sdk.filesUploadSessionAppendV2(arg, { ...options, extraHeaders }))
        offset += length
      }
      return { hash: digest(), session: { session_id, offset } }
    } catch (error) {
      if (kindOf(error) !== 'unavailable' || repair === repairs) throw error
      offset = await arrived(client, session_id, offset, upload.bytes, signal)
    } finally {
      await parts.end()
    }
  }
}

/** How much the session holds: nothing appended at the wrong place tells the right one. */
async function arrived(client: Client, session_id: string, offset: number, bytes: number, signal: AbortSignal): Promise<number> {
  let correct: number | null = null
  await client
    .call(signal, (sdk, options) =>
      sdk.filesUploadSessionAppendV2({ cursor: { session_id, offset }, close: false, contents: '' }, options).catch((error: unknown) => {
        correct = correctOffset(error)
        throw error
      }),
    )
    .catch((error: unknown) => {
      if (correct === null) throw error
    })
  const found = correct ?? offset
  if (found > bytes) throw new AshevilleError('unavailable', 'Dropbox holds more than was sent')
  return found
}

/** https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append */
function correctOffset(error: unknown): number | null {
  if (!(error instanceof DropboxResponseError)) return null
  const text = JSON.stringify(error.error)
  const [, offset] = /"correct_offset":\s*(\d+)/.exec(text) ?? []
  return offset === undefined ? null : Number(offset)
}

/** A stream of pieces, handed out in parts of a wanted length. */
function inParts(pieces: AsyncGenerator<Uint8Array, void, undefined>) {
  let left: Uint8Array = new Uint8Array()
  return {
    async *take(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
      for (let missing = bytes; missing > 0;) {
        if (left.length === 0) {
          const { done, value } = await pieces.next()
          if (done) return
          left = value
        }
        const piece = left.subarray(0, missing)
        left = left.subarray(piece.length)
        missing -= piece.length
        yield piece
      }
    },
    end: () => pieces.return(),
  }
}
