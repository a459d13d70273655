import { AshevilleError, checkedUpload, inParts, kindOf, type Upload } from '@asheville/core'
import { DropboxResponseError, type Dropbox, type files } from 'dropbox'
import type { CallOptions, Client } from './client.ts'
import { createContentHash } from './content-hash.ts'

/** A multiple of 4 MiB. */
const partBytes = 32 * 1024 * 1024
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
  let session_id: string | null = null
  let offset = 0
  for (let repair = 0; ; repair += 1) {
    const { pass, digest } = createContentHash()
    const parts = inParts(pass(checkedUpload(upload, signal)))
    try {
      for await (const _ of parts.take(offset));
      while (session_id === null || offset < upload.bytes) {
        const length = Math.min(partBytes, upload.bytes - offset)
        const part = { contents: parts.take(length), close: offset + length === upload.bytes }
        session_id = await sendPart(client, session_id, offset, length, part, signal)
        offset += length
      }
      return { hash: digest(), session: { session_id, offset } }
    } catch (error) {
      if (kindOf(error) !== 'unavailable' || repair === repairs) throw error
      // Of one that was not heard of nothing is known: another is begun.
      if (session_id !== null) offset = await arrived(client, session_id, offset, upload.bytes, signal)
    } finally {
      await parts.end()
    }
  }
}

/** The first begins the session. */
async function sendPart(
  client: Client,
  session_id: string | null,
  offset: number,
  length: number,
  part: { contents: AsyncIterable<Uint8Array>; close: boolean },
  signal: AbortSignal,
): Promise<string> {
  const extraHeaders = { 'content-length': String(length) }
  const begun = await client.call<{ session_id: string }>(signal, async (sdk, options) => {
    if (session_id === null) return sdk.filesUploadSessionStart(part, { ...options, extraHeaders })
    const answer = await sdk.filesUploadSessionAppendV2({ ...part, cursor: { session_id, offset } }, { ...options, extraHeaders })
    return { ...answer, result: { session_id } }
  })
  return begun.session_id
}

/** How much the session holds: nothing appended at the wrong place tells the right one, and a closed one holds all. */
async function arrived(client: Client, session_id: string, offset: number, bytes: number, signal: AbortSignal): Promise<number> {
  let told: number | null = null
  const nothing = { cursor: { session_id, offset }, close: false, contents: '' }
  const ask = (sdk: Dropbox, options: CallOptions) =>
    sdk.filesUploadSessionAppendV2(nothing, options).catch((error: unknown) => {
      told = toldBy(error, bytes)
      throw error
    })
  await client.call(signal, ask).catch((error: unknown) => {
    if (told === null) throw error
  })
  const found = told ?? offset
  if (found > bytes) throw new AshevilleError('unavailable', 'Dropbox holds more than was sent')
  return found
}

/** https://www.dropbox.com/developers/documentation/http/documentation#files-upload_session-append */
function toldBy(error: unknown, bytes: number): number | null {
  if (!(error instanceof DropboxResponseError) || error.status !== 409) return null
  const { error: reason } = error.error as { error?: files.UploadSessionAppendError }
  if (reason?.['.tag'] === 'closed') return bytes
  return reason?.['.tag'] === 'incorrect_offset' ? reason.correct_offset : null
}
