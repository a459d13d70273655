import { createHash, randomUUID } from 'node:crypto'
import {
  AshevilleError,
  checkedUpload,
  kindOf,
  putFailure,
  storagePathParts,
  throwIfAborted,
  type PutResult,
  type Upload,
} from '@asheville/core'
import type { drive_v3 } from '@googleapis/drive'
import { jsonOf, said, type Client } from './client.ts'
import type { Folders } from './folders.ts'
import { fileIn } from './open-folder.ts'
import { sendInParts } from './send-in-parts.ts'

/** What is larger goes in parts. https://developers.google.com/workspace/drive/api/guides/manage-uploads */
const besideBytes = 5_000_000
const storedFields = 'id,size,sha256Checksum,headRevisionId,trashed'

/** Where an upload goes, and what is said of it. */
export interface Destination {
  method: 'POST' | 'PATCH'
  /** From the root of the API, without `uploadType`. */
  path: string
  query: Record<string, string>
  metadata: object
}

/** Writes one file: it shows whole or not at all. A folder that was known may have been removed since: then it is made again, once. */
export async function putFile(client: Client, folders: Folders, upload: Upload, signal: AbortSignal): Promise<PutResult> {
  const { path, replaces } = upload
  try {
    const parts = storagePathParts(path)
    for (let isAgain = false; ; isAgain = true) {
      throwIfAborted(signal)
      const folder = await folders.ensure(parts.slice(0, -1), signal)
      try {
        const there = await fileIn(client, folder, parts.at(-1)!, signal)
        if (replaces !== 'any' && replaces !== (there?.headRevisionId ?? null)) return { outcome: 'conflict', path }
        return { outcome: 'stored', path, revision: await write(client, folder, there?.id ?? null, upload, signal) }
      } catch (error) {
        if (kindOf(error) !== 'not-found') throw error
        if (isAgain) throw new AshevilleError('unavailable', 'The folder in Google Drive is gone')
        folders.forget()
      }
    }
  } catch (error) {
    return putFailure(path, error, signal)
  }
}

/** By what is noted with a file it is seen that somebody renamed or moved it. */
export function markOf(path: string): string {
  return createHash('sha256').update(path).digest('base64url')
}

async function write(client: Client, folder: string, id: string | null, upload: Upload, signal: AbortSignal): Promise<string> {
  // Some organisations show everybody what is put there.
  const query = { fields: storedFields, ...(id === null && { ignoreDefaultVisibility: 'true' }) }
  const appProperties = { path: markOf(upload.path) }
  const destination: Destination =
    id === null
      ? { method: 'POST', path: '/upload/drive/v3/files', query, metadata: { name: nameOf(upload), parents: [folder], appProperties } }
      : { method: 'PATCH', path: `/upload/drive/v3/files/${id}`, query, metadata: { appProperties } }
  const send = upload.bytes > besideBytes ? sendInParts : sendAtOnce
  const stored = (await jsonOf(await send(client, destination, upload, signal))) as drive_v3.Schema$File
  const isSame = Number(stored.size) === upload.bytes && (stored.sha256Checksum ?? upload.sha256) === upload.sha256
  const isThrownAway = id === null && stored.trashed === true
  if (isSame && !isThrownAway) return said(stored.headRevisionId)
  await takeBack(client, stored, id === null)
  if (isThrownAway) throw new AshevilleError('not-found', 'The folder is in the bin of Google Drive')
  throw new AshevilleError('unavailable', 'What arrived at Google Drive is not what was sent')
}

/** The version that came, so that the one before is there again; or a file that was not there before. */
async function takeBack(client: Client, { id, headRevisionId }: drive_v3.Schema$File, isNew: boolean): Promise<void> {
  const fileId = said(id)
  await client
    .tell(AbortSignal.timeout(30_000), (sdk, options) =>
      isNew ? sdk.files.delete({ fileId }, options) : sdk.revisions.delete({ fileId, revisionId: said(headRevisionId) }, options),
    )
    .catch(() => undefined)
}

const nameOf = ({ path }: Upload): string => path.slice(path.lastIndexOf('/') + 1)

/** What is said of it, then its content, as `multipart/related` (RFC 2387). */
function sendAtOnce(
  client: Client,
  { method, path, query, metadata }: Destination,
  upload: Upload,
  signal: AbortSignal,
): Promise<Response> {
  const boundary = randomUUID()
  const json = JSON.stringify(metadata)
  const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${json}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`
  const tail = `\r\n--${boundary}--\r\n`
  const length = Buffer.byteLength(head) + upload.bytes + Buffer.byteLength(tail)
  const headers = { 'content-type': `multipart/related; boundary=${boundary}`, 'content-length': String(length) }
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(head)
    yield* checkedUpload(upload, signal)
    yield Buffer.from(tail)
  }
  const address = `${path}?${new URLSearchParams({ ...query, uploadType: 'multipart' }).toString()}`
  return client.send(address, { method, headers, body: body() as unknown as BodyInit, signal })
}
