import type { RateLimit, SimulatorOptions } from '../kit/index.ts'

export type FacebookApp = {
  /** Default: a number from the seed. */
  id?: string
  secret?: string
  name?: string
  /** Compared exactly. Default: `http://localhost:3000/cb/facebook`. */
  redirectUris?: string[]
}

export type FacebookOptions = SimulatorOptions & {
  /** Names by which tests know the people who can sign in; the first is who world functions act as by default. Default: alice and bob. */
  accounts?: string[]
  /** Default for each: `correct horse`. */
  passwords?: Record<string, string>
  app?: FacebookApp
  /** Versions that are served, oldest first. Older ones get the oldest of these, as Graph does; newer ones are no path. Default: v20.0 to v26.0. */
  versions?: string[]
  /** How long the token lives that a code is exchanged for. Default 5,400 (Facebook: one to two hours). */
  tokenSeconds?: number
  /** How long the one lives that `fb_exchange_token` gives. Default 5,183,944 (about 60 days). */
  longTokenSeconds?: number
  /** Tokens come without `expires_in`, as has been seen. Default false. */
  omitExpiresIn?: boolean
  /** How long an authorization code lives. Default 600. */
  codeSeconds?: number
  /** Calls without `appsecret_proof` are refused ("Require App Secret" in the app's settings). Default false. */
  requireProof?: boolean
  /** What a listing answers when its permission is missing: nothing in it, or error 10 or 200. Default `empty`. */
  missingPermission?: 'empty' | 10 | 200
  /** How many people use the app in a day: it may make 200 calls an hour for each of them. Default 1,000. */
  dailyUsers?: number
  /** Calls for one person in a window; error 17 beyond. Default: any number. */
  userLimit?: RateLimit | null
  /** Pages of more than this many are refused with error 1, "reduce the amount of data". Default: none are. */
  heaviestPage?: number
  /** How long the signed address of a picture or video is good. Default two days. */
  mediaSeconds?: number
  /** Where pictures and videos are said to be. Default: here. They are served here in any case. */
  mediaOrigin?: string
  /** Size of every picture in pixels; else they vary. */
  pictureSize?: { width: number; height: number }
  /** Pictures in their full size are at least this long. */
  pictureMinBytes?: number
  /** The sign-in form comes with name and password filled in. Default true. */
  prefillSignIn?: boolean
}

export type When = Date | string | number
/** What all things that somebody puts on Facebook have in common. */
export type NewThing = {
  /** Whose: a name given in `accounts` or to `createAccount`. Default: the first. */
  account?: string
  /** Default: now. */
  createdAt?: When
  /** The API does not have it before this moment, nor before `appear` when true. */
  late?: When | true
  /** Filtered for privacy: it has its place in listings, but is never given. */
  hidden?: boolean
}
export type NewPhoto = {
  caption?: string | null
  alt?: string | null
  /** Exactly these are the bytes of the full size; else generated. */
  bytes?: Uint8Array
  width?: number
  height?: number
  place?: NewPlace
}
export type NewVideo = { title?: string | null; description?: string | null; seconds?: number; bytes?: Uint8Array; place?: NewPlace }
export type NewPlace = { name: string; street?: string; city?: string; country?: string; zip?: string; latitude: number; longitude: number }
export type NewLink = { url: string; title?: string; description?: string; picture?: boolean }
export type Privacy = 'EVERYONE' | 'ALL_FRIENDS' | 'FRIENDS_OF_FRIENDS' | 'SELF' | 'CUSTOM'
export type NewPost = NewThing & {
  message?: string | null
  story?: string | null
  photos?: NewPhoto[]
  /** Id of an album for the pictures. Default: "Timeline photos". */
  album?: string
  video?: NewVideo
  link?: NewLink
  place?: NewPlace
  /** Names in the message that are tags; each must occur in it. */
  tags?: { name: string; type?: 'user' | 'page' | 'event' }[]
  /** Names of those who are with the author. */
  with?: string[]
  privacy?: Privacy
  reactions?: number
  comments?: number
  shares?: number
}
export type NewAlbum = NewThing & { name: string; description?: string; place?: NewPlace; privacy?: Privacy }
export type NewEvent = NewThing & {
  name?: string
  description?: string
  start?: When
  end?: When | null
  place?: NewPlace | null
  /** What the person is to it: `hosting`, or what they answered. Default `attending`. */
  role?: 'hosting' | 'attending' | 'unsure' | 'declined' | 'not_replied'
  isOnline?: boolean
  type?: 'public' | 'private'
}

/** How a thing is broken in answers. */
export type Breakage =
  | 'noCreatedTime'
  | 'badCreatedTime'
  | 'nullMessage'
  | 'numberMessage'
  | 'nullAttachments'
  | 'noAttachmentTarget'
  | 'unknownAttachmentType'
  | 'noImages'
  | 'emptyImages'
  | 'noSource'
  | 'nullPlace'

/** Why a person's tokens are refused: Facebook asks them something first (190/459), the address is not confirmed (190/464), or blocked for abuse (368). */
export type Standing = 'checkpoint' | 'unconfirmed' | 'blocked'

export type Usage = { callCount?: number; totalTime?: number; totalCpuTime?: number }
/** An error to be given instead of an answer. `minutes` goes into `x-business-use-case-usage`. */
export type PlannedRefusal = {
  subcode?: number
  /** How many calls are refused; absent: all, until `acceptAgain`. */
  next?: number
  /** Part of the path, such as `/posts`; absent: every call of the API. */
  route?: string
  status?: number
  message?: string
  minutes?: number
}

export type FacebookGenerateOptions = {
  seed?: string | number
  account?: string
  /** How many posts; check-ins come on top. Default 0. */
  posts?: number
  /** True: four in ten posts have pictures, a video or a link; a number up to 1: that share. Default false. */
  withMedia?: boolean | number
  /** Instead: exactly so many posts, evenly spread, have one picture each. */
  pictures?: number
  /** Posts at a place. */
  checkIns?: number
  /** Pictures in albums of their own, of which there is no post. */
  photos?: number
  /** Videos of which there is no post. */
  videos?: number
  /** Pages that the person likes. */
  likes?: number
  events?: number
  /** Posts of others on the person's timeline, which only `feed` has. */
  wallPosts?: number
  /** For each post, this share of further ones that are filtered from every page. */
  hidden?: number
  from?: When
  to?: When
}

/** `sha256` and `bytes` of the largest there is. */
export type TruePhoto = {
  id: string
  createdAt: string
  caption: string | null
  alt: string | null
  album: { id: string; name: string }
  width: number
  height: number
  place: TruePlace | null
  /** Id of the post that it came with. */
  post: string | null
  sha256: string
  bytes: number
}
export type TrueVideo = {
  id: string
  createdAt: string
  title: string | null
  description: string | null
  seconds: number
  place: TruePlace | null
  post: string | null
  sha256: string
  bytes: number
}
export type TruePlace = { id: string; name: string; city: string; country: string; latitude: number; longitude: number }
export type TruePost = {
  id: string
  from: { id: string; name: string }
  createdAt: string
  updatedAt: string
  message: string | null
  story: string | null
  url: string
  privacy: Privacy
  place: TruePlace | null
  with: string[]
  tags: string[]
  link: string | null
  photos: TruePhoto[]
  videos: TrueVideo[]
  reactions: number
  comments: number
  shares: number
}
export type TrueAlbum = { id: string; name: string; createdAt: string; description: string | null; photos: string[] }
export type TrueLike = { id: string; name: string; url: string; likedAt: string }
export type TrueEvent = {
  id: string
  name: string
  description: string
  start: string
  end: string | null
  place: TruePlace | null
  host: string
  rsvp: string
  isCanceled: boolean
}
/** `post`: id of the post that says so, or that the picture or video came with. */
export type TrueCheckIn = { id: string; createdAt: string; place: TruePlace; post: string | null }
/** What there is of this person now, newest first, whatever the permissions: without what was filtered, deleted or is late. */
export type FacebookAccountTruth = {
  id: string
  name: string
  email: string | null
  /** What they wrote themselves. */
  posts: TruePost[]
  /** What others wrote on their timeline. */
  wall: TruePost[]
  /** All uploaded pictures and videos, those of posts too. */
  photos: TruePhoto[]
  videos: TrueVideo[]
  albums: TrueAlbum[]
  likes: TrueLike[]
  events: TrueEvent[]
  checkIns: TrueCheckIn[]
  permissions: Record<string, 'granted' | 'declined'>
}
export type FacebookTruth = Record<string, FacebookAccountTruth>
