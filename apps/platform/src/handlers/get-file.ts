import { Readable } from 'node:stream'
import { AshevilleError, type ByteRange } from '@asheville/core'
import type { platformRoutes, RenditionSize, StoredMedia } from '@asheville/clients'
import type { App, Handler, StreamReply } from '@asheville/service'
import { isPlainImage } from '../media-type.ts'
import { mediaByPath } from '../queries/media.ts'
import { itemByKey } from '../queries/reading.ts'
import { readableTypes } from '../readable.ts'
import { readItems, type ReadParts } from '../read-items.ts'
import type { FindSize } from '../renditions/find-size.ts'
import { pathsOf } from '../stored-object.ts'

/**
 * A media file of the person. Its name is a hash of its content, so that it never changes and a browser may keep it. Anything but a
 * plain picture leaves as an attachment: files from networks must not run as pages of ours.
 */
export function getFile(parts: ReadParts & { findSize: FindSize }): Handler<typeof platformRoutes.getFile> {
  const { db, storageOf } = parts
  return async ({ userId, app, params, query, request, signal }) => {
    const path = [params.path].flat().join('/')
    const media = path.includes('\0') ? null : await mediaByPath(db, userId, path)
    const isShown = media !== null && (app === null || (await isShownBy(parts, app, query.item, path)))
    if (!media || !isShown) throw new AshevilleError('not-found', 'There is no such file')
    if (query.size !== 'original') return smallerCopy(parts.findSize, userId, media, query.size, request.headers['if-none-match'])
    const { bytes, mediaType } = media
    const etag = `"${media.sha256}"`
    const headers: Record<string, string> = {
      etag,
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=86400, immutable',
      'content-type': mediaType,
      'content-disposition': `${isPlainImage(mediaType) ? 'inline' : 'attachment'}; filename="${path.slice(path.lastIndexOf('/') + 1)}"`,
      'x-content-type-options': 'nosniff',
    }
    if (hasTag(request.headers['if-none-match'], etag)) return { status: 304, headers, body: null }

    const { storage } = await storageOf(userId, media.storageId)
    const { range: asked, 'if-range': ifRange } = request.headers
    const isRange = storage.can.range && asked !== undefined && (ifRange === undefined || ifRange === etag)
    const range = isRange ? parseRange(asked, bytes) : null
    if (range === 'unsatisfiable') return { status: 416, headers: { 'content-range': `bytes */${bytes}` }, body: null }

    const got = await storage.get(media.path, { ...(range && { range }), signal })
    if (got === null || got === 'unchanged') throw new AshevilleError('not-found', 'This file is not in your storage any more')
    if (!range) return { headers: { ...headers, 'content-length': String(got.bytes) }, body: got.body }
    const length = range.end - range.start + 1
    return {
      status: 206,
      headers: { ...headers, 'content-length': String(length), 'content-range': `bytes ${range.start}-${range.end}/${bytes}` },
      body: got.body,
    }
  }
}

/** What a square is cut around may change, and nothing else of a rendition. */
async function smallerCopy(
  { tagOf, find }: FindSize,
  userId: string,
  media: StoredMedia & { storageId: string },
  size: RenditionSize,
  ifNoneMatch: string | undefined,
): Promise<StreamReply> {
  const known = await tagOf(userId, media, size)
  const name = media.path.slice(media.path.lastIndexOf('/') + 1).replace(/\.\w+$/, '')
  const headersOf = (tag: string | null) => ({
    etag: `"${tag}"`,
    'cache-control': size === 'square' ? 'private, no-cache' : 'private, max-age=86400, immutable',
    'content-type': 'image/webp',
    'content-disposition': `inline; filename="${name}-${size}.webp"`,
    'x-content-type-options': 'nosniff',
  })
  if (known !== null && hasTag(ifNoneMatch, `"${known}"`)) return { status: 304, headers: headersOf(known), body: null }
  const data = await find(userId, media, size)
  const headers = headersOf(known ?? (await tagOf(userId, media, size)))
  return { headers: { ...headers, 'content-length': String(data.byteLength) }, body: Readable.from([data], { objectMode: false }) }
}

/** Whether the item of that key is one that the program may read, and has that file. */
async function isShownBy(parts: ReadParts, app: App, key: string | undefined, path: string): Promise<boolean> {
  if (key === undefined) {
    const message = 'Say by its key which item has the file'
    throw new AshevilleError('invalid', message, { faults: [{ pointer: '/query/item', message }] })
  }
  const row = await itemByKey(parts.db, app.userId, key, readableTypes(app))
  const [item] = row ? await readItems(parts, app.userId, [row]) : []
  return item !== undefined && pathsOf(item.object).has(path)
}

function hasTag(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}

/** One range of bytes; null, which means all of them, for what is not understood (RFC 9110 §14.2). */
function parseRange(header: string, bytes: number): ByteRange | 'unsatisfiable' | null {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.replaceAll(' ', '')) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return null
  if (first === '') return Number(last) === 0 ? 'unsatisfiable' : { start: Math.max(0, bytes - Number(last)), end: bytes - 1 }
  const start = Number(first)
  const end = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  if (last !== '' && Number(last) < start) return null
  return start >= bytes ? 'unsatisfiable' : { start, end }
}
