import { randomUUID } from 'node:crypto'
import { checkedUpload, inParts, throwIfAborted, type Upload } from '@asheville/core'
import { dismiss, type Client } from './client.ts'

/** Larger files go in parts of this size; Nextcloud wants between 5 MiB and 5 GiB, and proxies in front of it take 100 MB at once. */
export const chunkBytes = 32 * 1024 * 1024
/** Of which it takes so many. */
const maxChunks = 10_000

/**
 * Sends a file in parts, which the server puts together when `join` moves them to where they belong:
 * https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/chunking.html. What breaks off leaves nothing but the parts,
 * and these are removed.
 *
 * @param uploads where the person's uploads are, as an address that ends with a slash
 */
export async function sendInChunks(
  client: Client,
  uploads: string,
  upload: Upload,
  signal: AbortSignal,
  join: (headers: Record<string, string>, from: string) => Promise<Response>,
): Promise<Response> {
  const folder = `${uploads}asheville-${randomUUID()}`
  const size = Math.max(chunkBytes, Math.ceil(upload.bytes / maxChunks))
  const parts = inParts(checkedUpload(upload, signal))
  dismiss(await client.sendFor([201], 'MKCOL', folder, { signal }))
  try {
    for (let offset = 0, number = 1; offset < upload.bytes; offset += size, number += 1) {
      const length = Math.min(size, upload.bytes - offset)
      const headers = { 'content-length': String(length), 'oc-total-length': String(upload.bytes) }
      const place = `${folder}/${String(number).padStart(5, '0')}`
      dismiss(await client.sendFor([200, 201, 204], 'PUT', place, { headers, body: parts.take(length), signal }))
    }
    throwIfAborted(signal)
    return await join({ 'oc-total-length': String(upload.bytes), 'oc-checksum': `SHA256:${upload.sha256}` }, `${folder}/.file`)
  } catch (error) {
    await client.send('DELETE', folder, { signal: AbortSignal.timeout(10_000) }).then(dismiss, () => undefined)
    throw error
  } finally {
    await parts.end()
  }
}
