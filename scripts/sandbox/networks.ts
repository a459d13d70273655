import { startBluesky, startFeeds, startMastodon } from '@asheville/simulators'
import type { Memory } from './memory.ts'

/** How much there is to copy. */
export interface Amount {
  posts: number
}

export interface SimulatedNetworks {
  mastodon: Awaited<ReturnType<typeof startMastodon>>
  bluesky: Awaited<ReturnType<typeof startBluesky>>
  feeds: Awaited<ReturnType<typeof startFeeds>>
  close(): Promise<void>
}

const years = 5

/** A Mastodon and a Bluesky server and a blog, with what `demo` has left there in five years; the same at every start. */
export async function startNetworks({ ports, madeAt }: Memory, { posts }: Amount): Promise<SimulatedNetworks> {
  const to = new Date(madeAt)
  const from = new Date(to)
  from.setUTCFullYear(from.getUTCFullYear() - years)
  const span = { from: from.toISOString(), to: to.toISOString() }
  const share = (part: number): number => Math.ceil(posts * part)
  const accounts = ['demo', 'guest']

  const mastodon = await startMastodon({ accounts, port: ports.mastodon, seed: 'sandbox' })
  const marks = { favourites: share(0.1), bookmarks: share(0.03), following: share(0.04) }
  mastodon.generate({ seed: 'sandbox', account: 'demo', statuses: posts, withMedia: 0.3, ...marks, ...span })
  mastodon.generate({ seed: 'guest', account: 'guest', statuses: share(0.05), withMedia: true, ...span })
  const bluesky = await startBluesky({ accounts, port: ports.bluesky, seed: 'sandbox' })
  const acts = { likes: share(0.06), reposts: share(0.03), follows: share(0.02) }
  await bluesky.generate({ seed: 'sandbox', account: 'demo', posts: share(0.25), withImages: 0.3, ...acts, ...span })
  await bluesky.generate({ seed: 'guest', account: 'guest', posts: share(0.05), withImages: true, ...span })
  const feeds = await startFeeds({ port: ports.feeds, seed: 'sandbox', title: 'Notes from the ridge', paged: true })
  feeds.generate({ seed: 'sandbox', entries: share(0.05), withPictures: 0.5, ...span })
  return {
    mastodon,
    bluesky,
    feeds,
    async close() {
      await Promise.all([mastodon.close(), bluesky.close(), feeds.close()])
    },
  }
}
