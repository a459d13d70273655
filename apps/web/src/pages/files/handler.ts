import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { renditionSizes, type RenditionSize } from '@asheville/clients'
import { route } from '@asheville/core'
import { bind, type Binding } from '@asheville/service'
import { z } from 'zod'
import type { Site } from '../../site.ts'

const file = route({
  method: 'GET',
  path: '/files/*path',
  summary: 'A media file of the signed-in person',
  policy: { who: 'person' },
  params: z.strictObject({ path: z.union([z.string(), z.array(z.string())]) }),
  query: z.strictObject({ size: z.enum(Object.keys(renditionSizes) as RenditionSize[]).optional() }),
  reply: 'stream',
})

/** What browsers may show among our pages. Everything else, SVG and HTML above all, is downloaded. */
const inlineTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/quicktime',
  'audio/mpeg',
  'audio/mp4',
  'audio/ogg',
  'audio/webm',
  'audio/wav',
  'audio/flac',
  'audio/aac',
])

const passedOn = ['content-length', 'content-range', 'accept-ranges', 'etag', 'last-modified'] as const

/** `/files/*path`: a stored file, with Range and ETag as platform answers them; it can run nothing, whatever it holds. */
export function filesPages(site: Site): Binding[] {
  return [
    bind(file, async ({ params, query, userId, request, signal, ...call }) => {
      const asked = Object.fromEntries(
        (['range', 'if-range', 'if-none-match'] as const).flatMap((name) => {
          const value = request.headers[name]
          return typeof value === 'string' ? [[name, value]] : []
        }),
      )
      const { platform } = site.backends({ ...call, request, signal })
      const reply = await platform.getFile({ params, query, userId, headers: asked, signal })
      const type = (reply.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
      const isInline = inlineTypes.has(type)
      const headers: Record<string, string> = {
        'content-type': isInline ? type : 'application/octet-stream',
        'content-disposition': isInline ? 'inline' : 'attachment',
        'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': query.size === 'square' ? 'private, no-cache' : 'private, max-age=86400',
        vary: 'cookie',
      }
      for (const name of passedOn) {
        const value = reply.headers.get(name)
        if (value !== null) headers[name] = value
      }
      return { status: reply.status, headers, body: reply.body ? Readable.fromWeb(reply.body as ReadableStream<Uint8Array>) : null }
    }),
  ]
}
