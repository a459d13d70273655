import {
  newestFirst,
  type AccountNames,
  type Item,
  type ListRequest,
  type Listing,
  type Network,
  type Part,
  type PullIo,
  type Range,
  type Stream,
} from '@asheville/core'
import { findMissing, getFollowing, getMarked, getOwnUser, getPosts, userSchema, type Answer, type Found, type User } from './api.ts'
import { bookmarkItem, followItem, idIn, idOf, likeItem, markOf, placedAt, postItem } from './items.ts'
import { login, scopesOf } from './login.ts'
import { lowestIdAt, msIn } from './snowflakes.ts'

/** https://docs.x.com/x-api/posts/timelines/introduction, https://docs.x.com/x-api/posts/bookmarks/introduction */
const mostPosts = 3200
/** X charges for each record that it lists, known or not, once a day: what is looked at again each time is kept small. */
const readAgain = 10
const remembered = 50
/** From so many posts on, those of the past are pulled in parts. */
const longHistory = 1000
const parts = 8

/** https://docs.x.com/x-api; what the API cannot do, and what is charged: README.md. */
export const twitter: Network = {
  id: 'twitter',
  title: 'X (Twitter)',
  description: 'Your posts, replies, reposts and quotes with their pictures and videos, your likes, bookmarks and follows.',
  website: 'https://x.com',
  variables: [
    { name: 'TWITTER_CLIENT_ID', description: 'The OAuth 2.0 client ID of your app at https://console.x.com', default: '' },
    { name: 'TWITTER_CLIENT_SECRET', description: 'The OAuth 2.0 client secret of that app', default: '' },
    { name: 'TWITTER_API_URL', description: 'Where X’s API is', default: 'https://api.x.com' },
    { name: 'TWITTER_WEB_URL', description: 'Where people allow us in at X', default: 'https://x.com' },
  ],
  // X counts by endpoint and says with each answer when a window ends; this is the widest: https://docs.x.com/x-api/fundamentals/rate-limits
  budgets: [{ per: 'connection', requests: 900, windowMs: 15 * 60_000 }],
  logins: [login],
  streams: [
    {
      name: 'posts',
      version: 1,
      contentTypes: ['posts'],
      scopes: scopesOf.posts,
      reach: 'X gives the newest 3,200 posts only. Older ones are in the archive that X lets you download.',
      ...newestFirst({
        list: listPosts,
        item: postItem,
        ...{ idOf: idOf('posts'), mark: markOf, placedAt, overlap: readAgain, chargesDaily: true, isDated: true, gone: confirmGone },
        split: splitPosts,
      }),
      gone: confirmGone,
      estimate: estimatePosts,
    },
    {
      ...marked('likes', likeItem, (io, page) => getMarked(io, 'liked_tweets', page)),
      estimate: async (_range, io) => (await getOwnUser(io)).public_metrics.like_count ?? null,
    },
    {
      ...marked('bookmarks', bookmarkItem, (io, page) => getMarked(io, 'bookmarks', page)),
      reach: 'X gives the newest 800 bookmarks only.',
      estimate: () => Promise.resolve(null),
    },
    {
      ...marked('follows', followItem, getFollowing),
      estimate: async (_range, io) => (await getOwnUser(io)).public_metrics.following_count ?? null,
    },
  ],

  async account(io) {
    const own = await getOwnUser(io)
    return { id: own.id, ...namesOf(own), declined: [] }
  },
}

function namesOf({ username, name }: User): AccountNames {
  return { handle: `@${username}`, title: name || username, url: `https://x.com/${username}` }
}

async function listPosts(request: ListRequest, io: PullIo): Promise<Listing<Found>> {
  const { found, next, oldest } = await getPosts(io, request)
  const own = found[0] && userSchema.safeParse(found[0].includes.users.get(io.account.id)).data
  const available = atMost(mostPosts, own?.public_metrics.tweet_count)
  return {
    records: found,
    older: next === null ? null : (oldest ?? next),
    reads: found.length,
    ...(available !== null && { available: { posts: available } }),
    ...(own && { account: namesOf(own) }),
  }
}

/** As if the posts were spread evenly from the account's beginning to its newest: how they are is not known before they are read. */
async function estimatePosts(range: Range, io: PullIo): Promise<number | null> {
  const { public_metrics: metrics, most_recent_tweet_id: newest } = await getOwnUser(io)
  const listed = atMost(mostPosts, metrics.tweet_count)
  if (listed === null) return null
  const end = newest === null ? io.now().getTime() : msIn(newest)
  const begin = end - ((end - msIn(io.account.id)) * listed) / Math.max(1, metrics.tweet_count ?? 0)
  const from = Math.max(begin, range.from === null ? -Infinity : Date.parse(range.from))
  const to = Math.min(end, range.to === null ? Infinity : Date.parse(range.to))
  return from <= begin && to >= end ? listed : Math.ceil((listed * Math.max(0, to - from)) / (end - begin))
}

/**
 * Equal times between the beginning of the account and its newest post: ids hold their instant, those of newer accounts too. How the posts are
 * spread over them is not known before they are read; a part that has none costs a request and no money.
 */
async function splitPosts(range: Range, io: PullIo): Promise<Part[]> {
  const { from, to } = range
  const { public_metrics: metrics, most_recent_tweet_id: newest } = await getOwnUser(io)
  const begin = Math.max(msIn(io.account.id), from === null ? -Infinity : Date.parse(from))
  const end = Math.min(newest === null ? io.now().getTime() : msIn(newest), to === null ? Infinity : Date.parse(to))
  const isLong = (metrics.tweet_count ?? 0) >= longHistory && end > begin
  const borders = isLong ? Array.from({ length: parts - 1 }, (_, index) => lowestIdAt(end - ((end - begin) * (index + 1)) / parts)) : []
  return [null, ...borders].map((before, index) => ({
    before: before === null ? null : String(before),
    after: index === borders.length ? null : String(borders[index]! - 1n),
    range,
  }))
}

/** What the person marked: listed in the order of marking from the last on, undated, with nothing but tokens of pages for marks. */
function marked(
  kind: 'likes' | 'bookmarks' | 'follows',
  item: (found: Found) => Item,
  get: (io: PullIo, page: { token: string | null; most: number }) => Promise<Answer>,
): Stream {
  return {
    name: kind,
    version: 1,
    contentTypes: [kind],
    scopes: scopesOf[kind],
    ...newestFirst({
      async list({ before, kind: walk }: ListRequest, io: PullIo): Promise<Listing<Found>> {
        const { found, next } = await get(io, { token: before, most: walk === 'incremental' ? readAgain : Infinity })
        return { records: found, older: next, reads: found.length }
      },
      item,
      idOf: idOf(kind),
      remembers: remembered,
      chargesDaily: true,
      // What is listed no longer was withdrawn, or X does not show it any more: there is nobody else to ask.
      gone: (ids) => Promise.resolve([...ids]),
    }),
  }
}

/** Which of these posts X says it does not have. A post that was edited is asked for by its first version, which goes with the others. */
async function confirmGone(addresses: readonly string[], io: PullIo): Promise<string[]> {
  const missing = await findMissing(io, addresses.map(idIn))
  return addresses.filter((address) => missing.has(idIn(address)))
}

function atMost(limit: number, count: number | null | undefined): number | null {
  return typeof count === 'number' ? Math.min(limit, count) : null
}
