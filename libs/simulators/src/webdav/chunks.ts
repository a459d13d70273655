import type { Answer, Call } from '../kit/index.ts'
import { pathIn, hasParent, type Space } from './space.ts'
import { etagOf, nameOf, parentOf, type FileNode } from './tree.ts'

/**
 * Putting a file together of parts: https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/chunking.html. Parts are
 * named 1 to 10000 and joined in that order; a MOVE of `.file` makes the file, and ends the upload.
 */
export function joinChunks(files: Space, uploads: Space, call: Call, isRefused: (destination: string) => Answer | null): Answer {
  const folder = parentOf(pathIn(uploads, call.path) ?? '')
  const destination = typeof call.headers.destination === 'string' ? pathIn(files, call.headers.destination) : null
  if (destination === null) return { status: 400, text: 'No proper Destination' }
  if (uploads.tree.get(folder)?.kind !== 'folder' || folder === '') return { status: 404, text: 'Not Found' }
  if (!hasParent(files, destination)) return { status: 409, text: 'The parent collection does not exist' }
  const refusal = isRefused(destination)
  if (refusal) return refusal
  const parts = uploads.tree
    .children(folder)
    .filter((node): node is FileNode => node.kind === 'file')
    .sort((one, other) => Number(nameOf(one.path)) - Number(nameOf(other.path)))
  const data = Buffer.concat(parts.map((part) => part.data))
  const total = call.headers['oc-total-length']
  if (total !== undefined && Number(total) !== data.length)
    return { status: 400, text: `Chunks on server do not sum up to ${String(total)} but to ${data.length} bytes` }
  if (!files.tree.fits(destination, data.length)) return { status: 507, text: 'Insufficient Storage' }
  const old = files.tree.get(destination)
  const checksum = typeof call.headers['oc-checksum'] === 'string' ? call.headers['oc-checksum'] : null
  const file = files.tree.put(destination, data, checksum)
  uploads.tree.remove(folder)
  const etag = etagOf(file)
  return { status: old ? 204 : 201, headers: { etag, 'oc-etag': etag } }
}

/** A part's name is its place: 1 to 10000. */
export const isChunkName = (name: string): boolean => /^\d{1,5}$/.test(name) && Number(name) >= 1 && Number(name) <= 10_000
