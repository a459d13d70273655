import type { RepoTruth, TrueRecord } from '@asheville/simulators'
import type { ExpectedAccount, ExpectedItem } from './expected.ts'
import { wordsOf } from './words-of.ts'

const contentTypes: Record<string, { contentType: string; type: string }> = {
  'app.bsky.feed.post': { contentType: 'posts', type: 'Note' },
  'app.bsky.feed.repost': { contentType: 'posts', type: 'Announce' },
  'app.bsky.feed.like': { contentType: 'likes', type: 'Like' },
  'app.bsky.graph.follow': { contentType: 'follows', type: 'Follow' },
}

/** What a simulated Bluesky repository should have brought: every post, repost, like and follow, its record as it is. */
export function expectBluesky(repo: RepoTruth): ExpectedAccount {
  const blobs = new Map(repo.blobs.map(({ cid, sha256, bytes }) => [cid, { sha256, bytes }]))
  return { network: 'bluesky', items: repo.records.flatMap((record) => itemOf(record, blobs) ?? []) }
}

function itemOf(
  { uri, collection, value }: TrueRecord,
  blobs: ReadonlyMap<string, { sha256: string; bytes: number }>,
): ExpectedItem | null {
  const kind = contentTypes[collection]
  if (!kind) return null
  const { createdAt, text } = value as { createdAt?: unknown; text?: unknown }
  const claimed = typeof createdAt === 'string' ? new Date(createdAt) : null
  // What its app claims to be its date need not be one; when it is of then is another's to say.
  const at = claimed === null || Number.isNaN(claimed.getTime()) ? undefined : claimed.toISOString()
  const links = [...JSON.stringify(value).matchAll(/"\$link":"(\w+)"/g)].map(([, cid]) => cid ?? '')
  return {
    id: uri,
    contentType: kind.contentType,
    at,
    says: {
      type: kind.type,
      'asheville:raw': value as object,
      ...(at !== undefined && { published: at }),
      ...(typeof text === 'string' && { 'source.content': text, content: (html: unknown) => wordsOf(html) === text.replace(/\s+/g, '') }),
    },
    media: links.flatMap((cid) => blobs.get(cid) ?? []),
  }
}
