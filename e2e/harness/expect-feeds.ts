import type { FeedsTruth } from '@asheville/simulators'
import type { ExpectedAccount } from './expected.ts'

/**
 * What a simulated site's feed should have brought. Of the text only what is read counts, not how it is marked up: addresses in it are
 * made absolute, and each format has its own way to write it.
 */
export function expectFeeds({ entries }: FeedsTruth): ExpectedAccount {
  return {
    network: 'feeds',
    items: entries.map(({ id, url, title, html, published, updated, pictures }) => ({
      id,
      contentType: 'articles',
      at: published,
      says: {
        type: 'Article',
        url,
        name: (name: unknown) => readable(name) === readable(title),
        content: (content: unknown) => readable(content) === readable(html),
        published,
        updated: (value: unknown) => (updated === published ? value === undefined || value === published : value === updated),
      },
      media: pictures,
    })),
  }
}

/** Words without markup and without regard to white space; markup of hostile entries is not always balanced. */
function readable(html: unknown): string {
  return (typeof html === 'string' ? html : '')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
