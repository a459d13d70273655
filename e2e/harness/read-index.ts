import type { Client, platformRoutes } from '@asheville/clients'
import type { IndexView } from './expected.ts'

/** All that platform's index says of a person, page by page. `platform`: a client that signs as web. */
export async function readIndex(platform: Client<typeof platformRoutes>, userId: string): Promise<IndexView> {
  const items: IndexView['items'][number][] = []
  let cursor: string | undefined
  do {
    const reply = await platform.listItems({ userId, query: { limit: 100, ...(cursor !== undefined && { cursor }) } })
    for (const { network, contentType, id, at, path, goneAt } of reply.items)
      items.push({ network, contentType, id, at, path, isGone: goneAt !== null })
    cursor = reply.next ?? undefined
  } while (cursor !== undefined)
  const { counts, media } = await platform.getCounts({ userId })
  return {
    items,
    counts: counts.map(({ network, contentType, items: many, gone }) => ({ network, contentType, items: many, gone })),
    media: {
      files: media.reduce((sum, { files }) => sum + files, 0),
      bytes: media.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  }
}
