import type { Breakage } from './types.ts'

export type Account = {
  id: string
  username: string
  name: string
  about: string
  location: string
  website: string | null
  createdMs: number
  /** Null: nobody signs in as them. */
  password: string | null
  email: string | null
  isProtected: boolean
  isSuspended: boolean
}
export type MediaRecord = {
  key: string
  /** Its part of addresses. */
  name: string
  type: 'photo' | 'video' | 'animated_gif'
  alt: string | null
  width: number
  height: number
  durationMs: number
  bytes: Buffer | null
  isGone: boolean
}
export type PollRecord = { id: string; options: string[]; votes: number[]; minutes: number; endsMs: number }
export type PlaceRecord = {
  id: string
  name: string
  fullName: string
  country: string
  countryCode: string
  latitude: number
  longitude: number
}
export type Post = {
  id: string
  key: bigint
  author: Account
  text: string
  createdMs: number
  language: string
  source: string
  isSensitive: boolean
  media: MediaRecord[]
  poll: PollRecord | null
  place: PlaceRecord | null
  replyTo: string | null
  replyToAccount: string | null
  retweetOf: string | null
  quoteOf: string | null
  conversationId: string
  /** Ids of all versions, oldest first; one list for all of them. */
  history: string[]
  visibleMs: number
  isDeleted: boolean
  broken: Breakage | null
}
/** A like, a bookmark: `order` rises with each. */
export type Mark = { order: number; id: string }
export type Follow = { order: number; account: Account }
export type Shelf = { posts: Post[]; likes: Mark[]; bookmarks: Mark[]; following: Follow[] }
/** What somebody is told of a post: there is none, it is not for them, or the post. */
export type Standing = 'seen' | 'missing' | 'forbidden'
