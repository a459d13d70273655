import { newestFirst, type ContentType, type Item, type Network, type PullIo, type Stream } from '@asheville/core'
import { z } from 'zod'
import { getFollowing, getMarked, getOwnAccount, getStatuses, hasStatus, hostOf, serverOf, type Answer } from './api.ts'
import { bookmarkItem, followItem, idOf, likeItem, localIdIn, markOf, statusItem } from './items.ts'
import { domainOf, login } from './login.ts'

/** https://docs.joinmastodon.org/client/intro/; what the API cannot do: README.md. */
export const mastodon: Network = {
  id: 'mastodon',
  title: 'Mastodon',
  description: 'Your posts with their pictures and videos, boosts, favourites, bookmarks and follows, from any server.',
  website: 'https://joinmastodon.org',
  variables: [],
  // https://docs.joinmastodon.org/api/rate-limits/
  budgets: [{ per: 'connection', requests: 300, windowMs: 5 * 60_000 }],
  logins: [login],
  streams: [
    {
      name: 'statuses',
      version: 1,
      contentTypes: ['posts'],
      ...newestFirst({ list: listStatuses, item: statusItem, idOf, mark: markOf, isDated: true, gone: confirmGone }),
      gone: confirmGone,
    },
    marked('favourites', 'likes', likeItem, (io, marks) => getMarked(io, 'favourites', marks)),
    marked('bookmarks', 'bookmarks', bookmarkItem, (io, marks) => getMarked(io, 'bookmarks', marks)),
    marked('follows', 'follows', followItem, getFollowing),
  ],

  async account(io) {
    const own = await getOwnAccount(io)
    // Only for show: a server that does not say its name is called by its address.
    const domain = await domainOf(serverOf(io), io).catch(() => hostOf(io))
    const title = own.display_name || own.username
    return { id: `${own.id}@${hostOf(io)}`, handle: `@${own.username}@${domain}`, title, url: own.url, declined: [] }
  },
}

/**
 * A page may be shorter than asked for, and without a link, when statuses disappear while it is made: as long as there is
 * any, it goes on below the last one.
 */
async function listStatuses(marks: { before: string | null; after: string | null }, io: PullIo) {
  const { records, older, isShort } = await getStatuses(io, marks)
  const last = records.findLast((record) => markOf(record) !== null)
  const counted = records.find((record) => countSchema.safeParse(record).success)
  return {
    records,
    older: older ?? markOf(last),
    isShort,
    ...(counted !== undefined && { available: { posts: countSchema.parse(counted).account.statuses_count } }),
  }
}

const countSchema = z.object({ account: z.object({ statuses_count: z.number().int().nonnegative() }) })

/** What the person marked: listed in the order of marking, whose ids are only in the `Link` header, and undated. */
function marked(
  name: string,
  contentType: ContentType,
  itemOf: (record: unknown, actor: string) => Item,
  list: (io: PullIo, marks: { before: string | null; after: string | null }) => Promise<Answer>,
): Stream {
  return {
    name,
    version: 1,
    contentTypes: [contentType],
    ...newestFirst({ list: (marks, io) => list(io, marks), item: (record, io) => itemOf(record, actorOf(io)), idOf }),
  }
}

/** The person's page, from what is stored of them: these answers do not have it. */
function actorOf(io: PullIo): string {
  const username = io.account.handle.replace(/^@/, '').split('@')[0] ?? ''
  return new URL(`/@${username}`, serverOf(io)).href
}

/** Which of these statuses the server says are gone. Those of software that hides its ids in other ways cannot be asked about. */
async function confirmGone(ids: readonly string[], io: PullIo): Promise<string[]> {
  const gone: string[] = []
  for (const uri of ids) {
    const id = localIdIn(uri)
    if (id !== null && !(await hasStatus(io, id))) gone.push(uri)
  }
  return gone
}
