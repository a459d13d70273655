import type { SimulatorOptions } from '../kit/index.ts'

export type TwitterApp = {
  /** Default: generated from the seed, as X forms them. */
  clientId?: string
  clientSecret?: string
  name?: string
  /** Compared exactly. Default: `http://localhost:3000/cb/twitter`. */
  redirectUris?: string[]
  /** A confidential app shows its secret in `Authorization: Basic`, a public one only names its client_id. Default confidential. */
  type?: 'confidential' | 'public'
}

/** The endpoints that have limits of their own, by their route. */
export type EndpointName =
  | 'GET /2/users/me'
  | 'GET /2/users/:id'
  | 'GET /2/users/by/username/:username'
  | 'GET /2/users/:id/tweets'
  | 'GET /2/users/:id/liked_tweets'
  | 'GET /2/users/:id/bookmarks'
  | 'GET /2/users/:id/following'
  | 'GET /2/tweets'
  | 'GET /2/tweets/:id'
/** Requests in a window: of one person, and of all people of the app together. Null: none. */
export type EndpointLimit = { perUser: number | null; perApp: number | null }
export type TwitterRateLimits = Partial<Record<EndpointName, EndpointLimit>>

export type TwitterOptions = SimulatorOptions & {
  /** Handles of people who can sign in; the first is who world functions act as by default. Default: alice and bob. */
  accounts?: string[]
  /** Default for each: `correct horse`. */
  passwords?: Record<string, string>
  app?: TwitterApp
  /** How long an access token lives. Default 7200. */
  tokenSeconds?: number
  /** How long an authorization code lives. Default 30, as X says. */
  codeSeconds?: number
  /** Instead of the documented limits of the endpoints named; null: no limits at all. */
  rateLimits?: TwitterRateLimits | null
  /** Default 15 minutes. */
  rateWindowMs?: number
  /** Posts that the app may read in a calendar month (UTC). Default 3,000,000; null: any number. */
  monthlyCap?: number | null
  /** No page is longer than this, whatever `max_results` asks for. Default 100 (1,000 for followed accounts). */
  maxResults?: number
  /** How many of the newest posts a timeline gives. Default 3,200. */
  timelineLimit?: number
  /** How many of the newest bookmarks there are to be had. Default 800. */
  bookmarkLimit?: number
  /** The last page of likes and bookmarks still has a `next_token`, which leads to an empty page, as has been seen of X. Default false. */
  lastPageHasToken?: boolean
  /** Where pictures and videos are said to be. Default: here. They are served here in any case. */
  mediaOrigin?: string
  /** Size of every picture in pixels; else they vary. */
  pictureSize?: { width: number; height: number }
  /** Pictures are at least this long. */
  pictureMinBytes?: number
  /** The sign-in form comes with name and password filled in. Default true. */
  prefillSignIn?: boolean
}

/** A video is served in several sizes, a GIF as a silent MP4, as X does. */
export type NewTweetMedia = {
  type?: 'photo' | 'video' | 'animated_gif'
  alt?: string | null
  /** Exactly these are the bytes of the best variant; else generated. */
  bytes?: Uint8Array
  width?: number
  height?: number
  durationMs?: number
}
export type NewPoll = { options: string[]; minutes?: number; votes?: number[] }
export type NewPlace = { name: string; fullName?: string; country?: string; countryCode?: string; latitude: number; longitude: number }
export type When = Date | string | number
export type NewTweet = {
  /** Handle of the author, any account of the world. Default: the first. */
  account?: string
  /** What the author types: plain text with whole links, `@handles` and `#tags`. Over 280 weighted characters it is a long post (a note). */
  text?: string
  media?: NewTweetMedia[]
  poll?: NewPoll
  place?: NewPlace
  language?: string
  sensitive?: boolean
  source?: string
  /** Default: now. */
  createdAt?: When
  /** Nobody sees it through the API before this moment, nor before `appear` when true: posts that X's index gets late. */
  late?: When | true
}
/** How an answer's record is broken. `mediaWithoutInclude` and `authorWithoutInclude` leave out what an expansion should have brought. */
export type Breakage =
  | 'noText'
  | 'nullText'
  | 'noCreatedAt'
  | 'badCreatedAt'
  | 'nullEntities'
  | 'badMetrics'
  | 'unknownMediaType'
  | 'mediaWithoutUrl'
  | 'mediaWithoutInclude'
  | 'authorWithoutInclude'

export type TwitterGenerateOptions = {
  seed?: string | number
  account?: string
  /** How many posts of the account, everything that they write counted (replies, quotes, retweets, parts of threads). Default 0. */
  tweets?: number
  /** True: three in ten posts have pictures, videos or GIFs; a number up to 1: that share. Default false. */
  withMedia?: boolean | number
  /** Instead: exactly so many posts, evenly spread, have one picture each. */
  pictures?: number
  /** Retweets and quotes of others among them. Default true. */
  retweets?: boolean
  /** Likes of posts by others. */
  likes?: number
  bookmarks?: number
  following?: number
  from?: When
  to?: When
}

/** `sha256` and `bytes` of the best that can be had: the original picture, the variant of most bits. */
export type TrueTweetMedia = {
  key: string
  type: 'photo' | 'video' | 'animated_gif'
  /** Address of the best: of a picture, the one whose name asks for the original. */
  url: string
  alt: string | null
  sha256: string
  bytes: number
}
export type TrueTweet = {
  id: string
  kind: 'post' | 'reply' | 'retweet' | 'quote'
  author: { id: string; username: string }
  createdAt: string
  /** When its first version was. */
  publishedAt: string
  /** Whole, with links as they were typed, nothing escaped. Of a retweet: what the retweeted author wrote. */
  text: string
  isLong: boolean
  url: string
  links: string[]
  language: string
  sensitive: boolean
  conversationId: string
  replyTo: string | null
  retweetOf: string | null
  quoteOf: string | null
  /** Ids of all versions, oldest first; the last is this one. */
  history: string[]
  poll: { options: string[]; votes: number[]; endsAt: string } | null
  place: { name: string; latitude: number; longitude: number } | null
  /** Of a retweet: the retweeted post's. */
  media: TrueTweetMedia[]
}
/** What this person can copy now: newest first, within X's limits, without what X would not show them. */
export type TwitterAccountTruth = {
  id: string
  username: string
  name: string
  posts: TrueTweet[]
  /** How many posts they have beyond the timeline's limit. */
  beyondLimit: number
  /** In the order of liking, the last first. */
  likes: TrueTweet[]
  bookmarks: TrueTweet[]
  following: { id: string; username: string }[]
}
export type TwitterTruth = Record<string, TwitterAccountTruth>
