import type { TrueTweet, TwitterAccountTruth } from '@asheville/simulators'
import type { ExpectedAccount, ExpectedItem } from './expected.ts'
import { wordsOf } from './words-of.ts'

/**
 * What an account of a simulated X should have brought. A post is named after its first version, whatever its author is called; likes, bookmarks and
 * follows are undated and named after who did what to which, and files of likes are not copied (libs/networks/src/twitter/README.md).
 */
export function expectTwitter(account: TwitterAccountTruth): ExpectedAccount {
  const actor = userAddress(account.id)
  const marked =
    (contentType: 'likes' | 'bookmarks', type: string) =>
    (tweet: TrueTweet): ExpectedItem => ({
      id: `${actor}#${contentType}/${tweet.history[0]}`,
      contentType,
      at: null,
      says: {
        ...{ type, actor, 'object.id': postAddress(tweet.history[0]!), 'object.published': tweet.publishedAt },
        ...{ ...textSays(tweet, 'object.'), 'object.attributedTo.preferredUsername': tweet.author.username },
      },
      media: contentType === 'likes' ? [] : tweet.media,
    })
  return {
    network: 'twitter',
    items: [
      ...account.posts.map((tweet) => postItem(tweet, actor)),
      ...account.likes.map(marked('likes', 'Like')),
      ...account.bookmarks.map(marked('bookmarks', 'Add')),
      ...account.following.map(({ id, username }) => ({
        id: `${actor}#follows/${id}`,
        contentType: 'follows',
        at: null,
        says: { type: 'Follow', actor, 'object.id': userAddress(id), 'object.preferredUsername': username },
        media: [],
      })),
    ],
  }
}

function postItem(tweet: TrueTweet, actor: string): ExpectedItem {
  const { id, kind, createdAt, publishedAt, history, poll, place, language, replyTo, quoteOf, retweetOf } = tweet
  const own = { published: publishedAt, url: postAddress(id), 'asheville:raw.data.id': id }
  const says =
    kind === 'retweet'
      ? { ...own, type: 'Announce', actor, 'object.id': postAddress(retweetOf!), ...textSays(tweet, 'object.') }
      : {
          ...own,
          ...{ type: poll ? 'Question' : 'Note', attributedTo: actor, ...textSays(tweet), 'asheville:language': language },
          updated: history.length > 1 ? createdAt : undefined,
          context: postAddress(tweet.conversationId),
          'location.name': place?.name,
          inReplyTo: replyTo === null ? undefined : isPostAddress,
          tag: (tags: unknown) => hasQuote(tags) === (quoteOf !== null),
          attachment: (files: unknown) =>
            isSame(
              tweet.media.map(({ alt }) => alt ?? undefined),
              namesOf(files),
            ),
          oneOf: poll ? (options: unknown) => isSame(poll.options, namesOf(options)) : undefined,
        }
  return { id: postAddress(history[0]!), contentType: 'posts', at: publishedAt, says, media: tweet.media }
}

const postAddress = (id: string) => `https://x.com/i/status/${id}`
const userAddress = (id: string) => `https://x.com/i/user/${id}`
const isPostAddress = (value: unknown) => typeof value === 'string' && /^https:\/\/x\.com\/i\/status\/\d+$/.test(value)

/** The text as it was typed, and the same with markup, which shows links in short and leads to all of them. */
function textSays({ text, links }: TrueTweet, prefix = ''): ExpectedItem['says'] {
  const whole = (html: string) =>
    html.replace(/<a href="([^"]*)">[^<]*<\/a>/g, (shown, href: string) => (links.includes(decoded(href)) ? href : shown))
  return {
    [`${prefix}source.content`]: text.trim(),
    [`${prefix}content`]: (html: unknown) => typeof html === 'string' && wordsOf(whole(html)) === text.replace(/\s+/g, ''),
  }
}

const decoded = (html: string) => html.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))

type Named = { name?: unknown; rel?: unknown }
const listOf = (value: unknown): Named[] => (Array.isArray(value) ? (value as Named[]) : [])
const namesOf = (value: unknown) => listOf(value).map(({ name }) => name)
const hasQuote = (tags: unknown) => listOf(tags).some(({ rel }) => rel === 'quote')
const isSame = (one: readonly unknown[], other: readonly unknown[]) => JSON.stringify(one) === JSON.stringify(other)
