import { AshevilleError, checkedUpload, inParts, kindOf, type Upload } from '@asheville/core'
import { said, type Client } from './client.ts'
import type { Destination } from './put-file.ts'

/** A multiple of 256 KiB. */
export const partBytes = 32 * 1024 * 1024
const repairs = 3
const incomplete = 308

/**
 * Sends a large file part by part. Where a part's answer is lost, Google is asked how far it got, and it goes on from there: the content is read
 * anew, and what has arrived is passed over. https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
 */
export async function sendInParts(client: Client, destination: Destination, upload: Upload, signal: AbortSignal): Promise<Response> {
  const { method, path, query, metadata } = destination
  const begun = await client.send(`${path}?${new URLSearchParams({ ...query, uploadType: 'resumable' }).toString()}`, {
    method,
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-upload-content-type': 'application/octet-stream',
      'x-upload-content-length': String(upload.bytes),
    },
    body: JSON.stringify(metadata),
    signal,
  })
  begun.body?.cancel().catch(() => undefined)
  const location = new URL(said(begun.headers.get('location')))
  const session = location.pathname + location.search
  const put = (range: string, length: number, body?: AsyncIterable<Uint8Array>) =>
    client.send(
      session,
      {
        method: 'PUT',
        headers: { 'content-range': `bytes ${range}/${upload.bytes}`, 'content-length': String(length) },
        ...(body && { body: body as unknown as BodyInit }),
        signal,
      },
      [200, 201, incomplete],
    )
  let offset = 0
  for (let repair = 0; ; repair += 1) {
    const parts = inParts(checkedUpload(upload, signal))
    try {
      for await (const _ of parts.take(offset));
      for (;;) {
        const length = Math.min(partBytes, upload.bytes - offset)
        const answer = await put(`${offset}-${offset + length - 1}`, length, parts.take(length))
        if (answer.status !== incomplete) return answer
        const arrived = arrivedOf(answer)
        if (arrived !== offset + length || arrived === upload.bytes)
          throw new AshevilleError('unavailable', 'Google Drive holds less than was sent')
        offset = arrived
      }
    } catch (error) {
      if (kindOf(error) !== 'unavailable' || repair === repairs) throw lost(error)
      const answer = await put('*', 0).catch((failure: unknown) => {
        throw lost(failure)
      })
      if (answer.status !== incomplete) return answer
      offset = arrivedOf(answer)
      if (offset >= upload.bytes) throw error
    } finally {
      await parts.end()
    }
  }
}

/** Of a session that Google forgot nothing is to be had; that is no word about files. */
function lost(error: unknown): unknown {
  return kindOf(error) === 'not-found' ? new AshevilleError('unavailable', 'Google Drive lost what was sent to it') : error
}

/** How many bytes a session holds: `bytes=0-42` are 43, and none are not told. */
function arrivedOf(answer: Response): number {
  answer.body?.cancel().catch(() => undefined)
  const [, last] = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '') ?? []
  return last === undefined ? 0 : Number(last) + 1
}
