import { createHash } from 'node:crypto'
import { platformRoutes, type SeenItem, type StoredMedia } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { bindAll, createLogger, createVerifier, startService, type PublicKeys } from '@asheville/service'

/** TEMPORARY until apps/platform lands. */
export async function startFakePlatform(publicKeys: PublicKeys) {
  const items = new Map<string, SeenItem>()
  const media = new Map<string, StoredMedia>()
  const fences = new Map<string, number>()
  const check = (key: string, fence: number) => {
    if ((fences.get(key) ?? 0) > fence) throw new AshevilleError('conflict', 'older fence')
    fences.set(key, fence)
  }
  const never = () => Promise.reject(new Error('not here'))
  const service = await startService({
    name: 'platform',
    host: '127.0.0.1',
    port: 0,
    logger: createLogger('platform', 'silent'),
    verify: createVerifier({ audience: 'platform', publicKeys }),
    checks: {},
    version: '0',
    bindings: bindAll(platformRoutes, {
      findMedia: ({ body, userId }) =>
        Promise.resolve({
          found: Object.fromEntries(
            body.urls.flatMap((url) => (media.has(userId + url) ? [[url, { state: 'stored' as const, ...media.get(userId + url)! }]] : [])),
          ),
        }),
      async putMedia({ query, body, userId }) {
        check(`${query.connectionId}-${query.stream}`, query.fence)
        const hash = createHash('sha256')
        let bytes = 0
        for await (const chunk of body as AsyncIterable<Buffer>) {
          hash.update(chunk)
          bytes += chunk.length
        }
        if (query.bytes !== undefined && query.bytes !== bytes) throw new AshevilleError('invalid', 'short')
        const stored = {
          path: `media/${hash.copy().digest('hex')}`,
          sha256: hash.digest('hex'),
          bytes,
          mediaType: query.mediaType ?? 'x/y',
        }
        media.set(userId + query.source, stored)
        return stored
      },
      putItems({ body, userId }) {
        check(`${body.connectionId}-${body.stream}`, body.fence)
        let added = 0
        for (const item of body.items) {
          if (!items.has(userId + item.id)) added += 1
          items.set(userId + item.id, item)
        }
        return Promise.resolve({ new: added, changed: 0, unchanged: body.items.length - added, gone: 0, skipped: [], missing: [] })
      },
      finishSync: () => Promise.resolve(null),
      listItems: never,
      getItem: never,
      getFile: never,
      getCounts: () => Promise.resolve({ counts: [], media: { files: media.size, bytes: 0 } }),
    }),
  })
  return {
    url: service.url,
    stored: (userId: string) => [...items].flatMap(([key, item]) => (key.startsWith(userId) ? [{ id: item.id }] : [])),
    media,
    close: () => service.close(),
  }
}
