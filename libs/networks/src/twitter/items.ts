import type { AS2Object, Item } from '@asheville/core'
import { z } from 'zod'
import { userSchema, type Found, type User } from './api.ts'
import { filesOf } from './files.ts'
import { pickIncludes, type Includes } from './includes.ts'
import { geoSchema, locationOf } from './locations.ts'
import { msIn } from './snowflakes.ts'
import { entitiesSchema, hashtagAddress, readText, userAddress, wholeAddress, type Entities, type UrlEntity } from './text.ts'

const text = z.string().nullish().catch(null)
const count = z.number().int().nonnegative().nullish().catch(null)

/**
 * https://docs.x.com/x-api/fundamentals/data-dictionary#tweet. What a post is not itself without (its id, text, date, what it refers to) makes a
 * record broken; of the rest, what is not as it should be is left out.
 */
const tweetSchema = z.object({
  id: z.string().regex(/^\d+$/),
  text: z.string(),
  created_at: z.string(),
  author_id: text,
  edit_history_tweet_ids: z.array(z.string()).nullish().catch(null),
  conversation_id: text,
  referenced_tweets: z.array(z.object({ type: z.string(), id: z.string() })).nullish(),
  attachments: z
    .object({ media_keys: z.array(z.string()).nullish(), poll_ids: z.array(z.string()).nullish() })
    .nullish()
    .catch(null),
  entities: entitiesSchema,
  note_tweet: z.object({ text: z.string(), entities: entitiesSchema }).nullish().catch(null),
  article: z.object({ title: z.string() }).nullish().catch(null),
  geo: geoSchema,
  public_metrics: z.object({ retweet_count: count, reply_count: count, like_count: count }).nullish().catch(null),
  possibly_sensitive: z.boolean().nullish().catch(null),
  lang: text,
  source: text,
})
type Tweet = z.infer<typeof tweetSchema>

const read = new WeakMap<object, Tweet>()

/** A post as it is checked, once however often it is looked at: for its item, its date, and by others that refer to it. Throws as zod does. */
function tweetOf(record: unknown): Tweet {
  const known = typeof record === 'object' && record !== null ? read.get(record) : undefined
  if (known) return known
  const tweet = tweetSchema.parse(record)
  read.set(record as object, tweet)
  return tweet
}

const pollSchema = z.object({
  end_datetime: text,
  options: z.array(z.object({ label: z.string(), votes: count })),
})

/** A post of the person's own: what they wrote, answered or quoted, or what they repeated. */
export function postItem({ record, includes, owner }: Found): Item {
  const tweet = tweetOf(record)
  const actor = userAddress(tweet.author_id ?? owner)
  const repeated = referenceTo(tweet, 'retweeted')
  const original = repeated === null ? null : tweetIn(includes, repeated)
  const object = repeated === null ? postOf(tweet, actor, includes) : announceOf(tweet, actor, repeated, original, includes)
  const { media } = filesOf((original ?? tweet).attachments?.media_keys, includes)
  return { id: object.id, contentType: 'posts', at: object.published!, object, media, raw: rawOf(record, tweet, includes) }
}

/** A like. X does not tell when, so it is named after who liked what. Its files are not copied: README.md. */
export function likeItem({ record, includes, owner }: Found): Item {
  const tweet = tweetOf(record)
  const id = markAddress(owner, 'likes', firstOf(tweet))
  const object = { id, type: 'Like', actor: userAddress(owner), object: postOf(tweet, authorOf(tweet, includes), includes) }
  return { id, contentType: 'likes', at: null, object, media: [], raw: rawOf(record, tweet, includes) }
}

/** A bookmark. AS2 has no word for it but adding something to a collection. */
export function bookmarkItem({ record, includes, owner }: Found): Item {
  const tweet = tweetOf(record)
  const id = markAddress(owner, 'bookmarks', firstOf(tweet))
  const target = { type: 'Collection', name: 'Bookmarks' }
  const object = { id, type: 'Add', actor: userAddress(owner), object: postOf(tweet, authorOf(tweet, includes), includes), target }
  const { media } = filesOf(tweet.attachments?.media_keys, includes)
  return { id, contentType: 'bookmarks', at: null, object, media, raw: rawOf(record, tweet, includes) }
}

export function followItem({ record, owner }: Found): Item {
  const user = userSchema.parse(record)
  const id = markAddress(owner, 'follows', user.id)
  const object = { id, type: 'Follow', actor: userAddress(owner), object: personOf(user) }
  return { id, contentType: 'follows', at: null, object, media: [], raw: record }
}

const identified = z.object({ id: z.string().min(1), edit_history_tweet_ids: z.array(z.string()).nullish().catch(null) })

/** A record's own id: of an edited post that of its newest version. */
export function markOf({ record }: Found): string | null {
  return identified.safeParse(record).data?.id ?? null
}

/** How the item of a record is named, or would be if it were whole. */
export function idOf(kind: 'posts' | 'likes' | 'bookmarks' | 'follows'): (found: Found) => string | null {
  return ({ record, owner }) => {
    const parsed = identified.safeParse(record)
    if (!parsed.success) return null
    const first = firstOf(parsed.data)
    return kind === 'posts' ? postAddress(first) : markAddress(owner, kind, first)
  }
}

/** When a post was listed where it is: an edit is a post of its own to X, with a later date. */
export function placedAt({ record }: Found): string {
  return instant(tweetOf(record).created_at)
}

/** The id in a post's address. */
export function idIn(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1)
}

function announceOf(
  tweet: Tweet,
  actor: string,
  repeated: string,
  original: Tweet | null,
  includes: Includes,
): AS2Object & { published: string } {
  return {
    id: postAddress(firstOf(tweet)),
    type: 'Announce',
    actor,
    published: instant(tweet.created_at),
    url: postAddress(tweet.id),
    // Of what X does not show only the address is known, and the beginning of its text.
    ...(original
      ? { object: postOf(original, authorOf(original, includes), includes) }
      : { object: postAddress(repeated), content: readText(tweet.text, tweet.entities).html }),
  }
}

function postOf(tweet: Tweet, author: unknown, includes: Includes): AS2Object & { published: string } {
  const { html, plain } = textOf(tweet, includes)
  const published = publishedOf(tweet, includes)
  const repliedTo = referenceTo(tweet, 'replied_to')
  const poll = pollOf(tweet, includes)
  const location = locationOf(tweet.geo, includes)
  const attachment = [...filesOf(tweet.attachments?.media_keys, includes).attachment, ...cardsOf(tweet)]
  const tag = tagsOf(tweet, includes)
  const versions = earlierVersionsOf(tweet, includes)
  return {
    id: postAddress(firstOf(tweet)),
    type: poll ? 'Question' : 'Note',
    attributedTo: author,
    ...(tweet.article && { name: tweet.article.title }),
    content: html,
    source: { content: plain, mediaType: 'text/plain' },
    published,
    ...(versions.length > 0 && { updated: instant(tweet.created_at), 'asheville:versions': versions }),
    url: postAddress(tweet.id),
    ...(repliedTo !== null && { inReplyTo: addressIn(includes, repliedTo) }),
    ...(tweet.conversation_id && { context: postAddress(tweet.conversation_id) }),
    ...(attachment.length > 0 && { attachment }),
    ...(tag.length > 0 && { tag }),
    ...poll,
    ...(location && { location }),
    ...(tweet.source && { generator: { type: 'Application', name: tweet.source } }),
    ...(tweet.possibly_sensitive && { 'asheville:sensitive': true }),
    ...(tweet.lang && isLanguage(tweet.lang) && { 'asheville:language': tweet.lang }),
    replies: countOf(tweet.public_metrics?.reply_count),
    shares: countOf(tweet.public_metrics?.retweet_count),
    likes: countOf(tweet.public_metrics?.like_count),
  }
}

/** Long posts are whole in their note alone. Links that stand for pictures, or for the quoted post, are no words of the author's. */
function textOf(tweet: Tweet, includes: Includes): { html: string; plain: string } {
  const quoted = referenceTo(tweet, 'quoted')
  const quotedIds = quoted === null ? [] : [quoted, firstIn(includes, quoted)]
  const isLeftOut = (url: UrlEntity) => {
    if (url.media_key) return true
    const [, id, file] =
      /^https?:\/\/(?:www\.|mobile\.)?(?:twitter|x)\.com\/[^/]+\/status\/(\d+)(\/(?:photo|video)\/\d+)?$/.exec(url.expanded_url ?? '') ?? []
    if (id === undefined) return false
    return file === undefined ? quotedIds.includes(id) : historyOf(tweet).includes(id)
  }
  const { text: written, entities } = tweet.note_tweet ?? tweet
  return readText(written, entities, isLeftOut)
}

/**
 * When the first version was posted, whichever this is. Where X does not bring that one along its id tells: since November 2010 ids hold
 * their instant, of which X says the second.
 */
function publishedOf(tweet: Tweet, includes: Includes): string {
  const first = firstOf(tweet)
  if (first === tweet.id) return instant(tweet.created_at)
  const told = tweetIn(includes, first)?.created_at
  return told === undefined ? instantIn(first) : instant(told)
}

function instantIn(id: string): string {
  return new Date(Math.floor(msIn(id) / 1000) * 1000).toISOString()
}

/** What a post said before it was edited, oldest first; of what X does not show only the address. */
function earlierVersionsOf(tweet: Tweet, includes: Includes): object[] {
  return historyOf(tweet)
    .filter((id) => id !== tweet.id)
    .map((id) => {
      const version = tweetIn(includes, id)
      if (!version) return { type: 'Note', id: postAddress(id) }
      return { type: 'Note', id: postAddress(id), published: instant(version.created_at), content: textOf(version, includes).html }
    })
}

function pollOf({ attachments }: Tweet, includes: Includes): object | null {
  const parsed = pollSchema.safeParse(includes.polls.get(attachments?.poll_ids?.[0] ?? ''))
  if (!parsed.success) return null
  const { options, end_datetime: end } = parsed.data
  return {
    oneOf: options.map(({ label, votes }) => ({ type: 'Note', name: label, replies: countOf(votes) })),
    ...(end && !Number.isNaN(Date.parse(end)) && { endTime: instant(end) }),
  }
}

function entitiesOf({ note_tweet: note, entities }: Tweet): Entities {
  return note ? note.entities : entities
}

function tagsOf(tweet: Tweet, includes: Includes): object[] {
  const entities = entitiesOf(tweet)
  const quoted = referenceTo(tweet, 'quoted')
  const mentions = (entities?.mentions ?? []).map(({ id, username }) => ({
    type: 'Mention',
    href: id ? userAddress(id) : `https://x.com/${username}`,
    name: `@${username}`,
  }))
  const hashtags = (entities?.hashtags ?? []).map(({ tag }) => ({ type: 'Hashtag', href: hashtagAddress(tag), name: `#${tag}` }))
  // As https://codeberg.org/fediverse/fep/src/branch/main/fep/e232/fep-e232.md has quotes.
  const quotes =
    quoted === null ? [] : [{ type: 'Link', href: addressIn(includes, quoted), rel: 'quote', name: `RE: ${postAddress(quoted)}` }]
  return [...mentions, ...hashtags, ...quotes]
}

/** The pages that a post links to, where X has looked at them. */
function cardsOf(tweet: Tweet): object[] {
  return (entitiesOf(tweet)?.urls ?? []).flatMap((url) => {
    const address = wholeAddress(url)
    if (!url.title || address === null || url.media_key) return []
    return [{ type: 'Page', url: address, name: url.title, ...(url.description && { summary: url.description }) }]
  })
}

function authorOf({ author_id: id }: Tweet, includes: Includes): unknown {
  if (!id) return undefined
  const parsed = userSchema.safeParse(includes.users.get(id))
  return parsed.success ? personOf(parsed.data) : userAddress(id)
}

function personOf({ id, username, name }: User) {
  return { id: userAddress(id), type: 'Person', name: name || username, preferredUsername: username, url: `https://x.com/${username}` }
}

function rawOf(record: unknown, tweet: Tweet, includes: Includes): unknown {
  const references = (tweet.referenced_tweets ?? []).map(({ id }) => id)
  const others = references.flatMap((id) => tweetIn(includes, id) ?? [])
  return {
    data: record,
    ...pickIncludes(includes, {
      tweets: [...references, ...historyOf(tweet)].filter((id) => id !== tweet.id),
      users: [tweet, ...others].map(({ author_id: id }) => id),
      media: [tweet, ...others].flatMap(({ attachments }) => attachments?.media_keys ?? []),
      polls: [tweet, ...others].flatMap(({ attachments }) => attachments?.poll_ids ?? []),
      places: [tweet.geo?.place_id],
    }),
  }
}

function tweetIn(includes: Includes, id: string): Tweet | null {
  const record = includes.tweets.get(id)
  if (record === undefined) return null
  try {
    return tweetOf(record)
  } catch {
    return null
  }
}

function referenceTo({ referenced_tweets: references }: Tweet, type: string): string | null {
  return references?.find((one) => one.type === type)?.id ?? null
}

/** Ids of all versions, the first one first. */
function historyOf({ id, edit_history_tweet_ids: history }: Pick<Tweet, 'id' | 'edit_history_tweet_ids'>): string[] {
  return history && history.length > 0 ? history : [id]
}

/** An edit has a new id; the first version's names the post for good. */
function firstOf(tweet: Pick<Tweet, 'id' | 'edit_history_tweet_ids'>): string {
  return historyOf(tweet)[0]!
}

function firstIn(includes: Includes, id: string): string {
  const tweet = tweetIn(includes, id)
  return tweet ? firstOf(tweet) : id
}

function addressIn(includes: Includes, id: string): string {
  return postAddress(firstIn(includes, id))
}

/** X leads from here to the post whatever its author is called now. */
function postAddress(id: string): string {
  return `https://x.com/i/status/${id}`
}

function markAddress(owner: string, kind: string, id: string): string {
  return `${userAddress(owner)}#${kind}/${id}`
}

/** X has codes of its own for posts without words: `und`, `zxx`, and some that begin with `q`. */
function isLanguage(code: string): boolean {
  return !/^(und|zxx|q[a-z]{2})$/.test(code)
}

function countOf(number: number | null | undefined) {
  return { type: 'Collection', ...(typeof number === 'number' && { totalItems: number }) }
}

function instant(written: string): string {
  return new Date(written).toISOString()
}
