import { AshevilleError, type PullIo, type Range } from '@asheville/core'
import { fetchJson, isNotTheService, isUnknownHost } from '@asheville/http-client'
import { TwitterApi, type ITwitterApiClientPlugin, type Tweetv2FieldsParams } from 'twitter-api-v2'
import { z } from 'zod'
import { includesSchema, readIncludes, type Includes } from './includes.ts'
import { accountIsAway, errorOfProblem } from './problems.ts'

const service = 'X'
/** The most that these lists give at once, the most ids that one look-up takes. */
const postsPerPage = 100
const usersPerPage = 1000
const idsPerLookUp = 100
/** Filters by date take none before this: https://docs.x.com/x-api/users/get-posts */
const earliest = '2010-11-06T00:00:00Z'
/** A post may be edited for half an hour (https://docs.x.com/x-api/fundamentals/edit-posts), and is listed with the date of its edit. */
const editMs = 3600_000

/** All that a post has, and all that it refers to, in one answer: what comes along is not charged for. */
const postFields = {
  'tweet.fields':
    'article,attachments,author_id,community_id,conversation_id,created_at,edit_controls,edit_history_tweet_ids,entities,geo,id,in_reply_to_user_id,lang,note_tweet,possibly_sensitive,public_metrics,referenced_tweets,reply_settings,source,text,withheld',
  expansions:
    'attachments.media_keys,attachments.poll_ids,author_id,edit_history_tweet_ids,geo.place_id,referenced_tweets.id,referenced_tweets.id.attachments.media_keys,referenced_tweets.id.author_id',
  'media.fields': 'alt_text,duration_ms,height,media_key,preview_image_url,type,url,variants,width',
  'poll.fields': 'duration_minutes,end_datetime,id,options,voting_status',
  'place.fields': 'country,country_code,full_name,geo,id,name,place_type',
  'user.fields': 'id,name,public_metrics,username',
} satisfies Tweetv2FieldsParams
const userFields =
  'created_at,description,entities,id,location,name,profile_image_url,protected,public_metrics,url,username,verified,verified_type'

/** One record of a list, with what came along with its page. `owner`: whose list it is. */
export interface Found {
  record: unknown
  includes: Includes
  owner: string
}

export interface Answer {
  found: Found[]
  /** X's token of the next page; null: there is none. */
  next: string | null
  /** The lowest id of a list of posts. */
  oldest: string | null
}

const metricsSchema = z
  .object({ tweet_count: count(), following_count: count(), like_count: count() })
  .nullish()
  .catch(null)
  .transform((metrics) => metrics ?? { tweet_count: null, following_count: null, like_count: null })

/** https://docs.x.com/x-api/fundamentals/data-dictionary#user */
export const userSchema = z.object({
  id: z.string().min(1),
  username: z.string().min(1),
  name: z.string().nullish(),
  public_metrics: metricsSchema,
  most_recent_tweet_id: z.string().regex(/^\d+$/).nullish().catch(null).default(null),
})
export type User = z.infer<typeof userSchema>

const answerSchema = z.object({
  data: z.array(z.unknown()).nullish(),
  includes: includesSchema,
  errors: z.array(z.unknown()).nullish().catch(null),
  meta: z.object({ next_token: z.string().nullish(), oldest_id: z.string().nullish() }).nullish(),
})

/**
 * `GET /2/users/:id/tweets`: all that the person posted, answered, repeated and quoted, newest first, 3,200 at most. `before` is an id, or the
 * token of a page that had none.
 */
export function getPosts(io: PullIo, marks: { before: string | null; after: string | null; range: Range }): Promise<Answer> {
  const { before, after, range } = marks
  const isId = before !== null && /^\d+$/.test(before)
  return list(io, 'tweets', {
    ...postFields,
    max_results: postsPerPage,
    ...(before !== null && (isId ? { until_id: before } : { pagination_token: before })),
    ...(after !== null && { since_id: after }),
    ...datesOf(range, io),
  })
}

/** `GET /2/users/:id/liked_tweets` and `/bookmarks`: posts in the order in which they were marked. */
export function getMarked(io: PullIo, path: 'liked_tweets' | 'bookmarks', page: { token: string | null; most: number }): Promise<Answer> {
  return list(io, path, { ...postFields, ...pageOf(page, postsPerPage) })
}

/** `GET /2/users/:id/following`: accounts in the order in which they were followed. */
export function getFollowing(io: PullIo, page: { token: string | null; most: number }): Promise<Answer> {
  return list(io, 'following', { 'user.fields': userFields, ...pageOf(page, usersPerPage) })
}

/** `GET /2/users/me`: whose access it is. */
export async function getOwnUser(io: PullIo): Promise<User> {
  const parsed = z
    .object({ data: userSchema })
    .safeParse(await sdk(io).get('users/me', { 'user.fields': `${userFields},most_recent_tweet_id` }))
  if (!parsed.success) throw notLikeX(parsed.error)
  return parsed.data.data
}

const missingSchema = z.object({
  type: z.string().endsWith('/resource-not-found'),
  resource_type: z.literal('tweet'),
  parameter: z.literal('ids'),
  value: z.string(),
})

/** `GET /2/tweets`: which of these X says it does not have. What it has and does not show is none of them. */
export async function findMissing(io: PullIo, ids: readonly string[]): Promise<Set<string>> {
  const missing = new Set<string>()
  for (let start = 0; start < ids.length; start += idsPerLookUp) {
    const answer = answerOf(await sdk(io).get('tweets', { ids: ids.slice(start, start + idsPerLookUp).join(',') }))
    for (const error of answer.errors ?? []) {
      const parsed = missingSchema.safeParse(error)
      if (parsed.success) missing.add(parsed.data.value)
    }
  }
  return missing
}

async function list(io: PullIo, path: string, query: Record<string, string | number>): Promise<Answer> {
  const owner = io.account.id
  const answer = answerOf(await sdk(io).get(`users/${encodeURIComponent(owner)}/${path}`, query))
  // An empty list still has its `meta`; errors alone are about the account.
  if (!answer.meta) throw answer.errors ? accountIsAway() : notLikeX()
  const includes = readIncludes(answer.includes)
  const found = (answer.data ?? []).map((record) => ({ record, includes, owner }))
  return { found, next: answer.meta.next_token ?? null, oldest: answer.meta.oldest_id ?? null }
}

/**
 * The SDK, speaking through our guarded client: its hook before a request may answer in its stead. So it has no token to print, nothing
 * of it needs a socket, and what is thrown is ours already.
 */
function sdk(io: PullIo) {
  const plugin: ITwitterApiClientPlugin = {
    async onBeforeRequestConfig({ url: { pathname }, params: { query = {} } }) {
      const url = new URL(pathname, io.variables['TWITTER_API_URL'])
      for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
      const errorOf = (answer: Parameters<typeof errorOfProblem>[0]) => errorOfProblem(answer, io.now())
      try {
        const { body, headers } = await fetchJson(io.http.fetch, url, { token: await io.token(), signal: io.signal, service, errorOf })
        return { data: body, headers: Object.fromEntries(headers) }
      } catch (error) {
        throw isNotTheService(error) || isUnknownHost(error) ? notLikeX(error) : error
      }
    },
  }
  return new TwitterApi(undefined, { plugins: [plugin] }).readOnly.v2
}

function answerOf(body: unknown): z.infer<typeof answerSchema> {
  const parsed = answerSchema.safeParse(body)
  if (!parsed.success) throw notLikeX(parsed.error)
  return parsed.data
}

function notLikeX(cause?: unknown): AshevilleError {
  return new AshevilleError('unavailable', 'X does not answer as it should at the moment', { cause })
}

function pageOf({ token, most }: { token: string | null; most: number }, limit: number) {
  return { max_results: Math.min(most, limit), ...(token !== null && { pagination_token: token }) }
}

/** Ids go before dates where both are given (https://docs.x.com/x-api/users/get-posts), and a date to come is refused. */
function datesOf({ from, to }: Range, { now }: PullIo) {
  const end = to === null ? null : new Date(Date.parse(to) + editMs)
  return {
    ...(from !== null && from > earliest && { start_time: inSeconds(from) }),
    ...(end !== null && end > new Date(earliest) && end < new Date(now().getTime() - editMs) && { end_time: inSeconds(end.toISOString()) }),
  }
}

function inSeconds(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z')
}

function count() {
  return z.number().int().nonnegative().nullish().catch(null)
}
