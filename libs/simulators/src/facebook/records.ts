import type { Breakage, NewEvent, NewLink, Privacy, Standing } from './types.ts'

/** Somebody who may sign in (`password`), or who is only there to write and host. */
export type Person = {
  id: string
  /** How tests call them; nobody on Facebook sees it. */
  key: string
  firstName: string
  lastName: string
  email: string | null
  password: string | null
  birthday: string
  hometown: string
  /** What they allowed the app, or did not. Empty: the app is not theirs. */
  permissions: Map<string, 'granted' | 'declined'>
  standing: Standing | null
}
export type Place = {
  id: string
  name: string
  street: string
  city: string
  country: string
  zip: string
  latitude: number
  longitude: number
}

/** What can be listed. `order` breaks ties between things of one moment; both rise with time. */
export type Thing = {
  id: string
  owner: Person
  createdMs: number
  updatedMs: number
  order: number
  visibleMs: number
  isDeleted: boolean
  isHidden: boolean
  broken: Breakage | null
}
export type Album = Thing & {
  kind: 'album'
  name: string
  description: string | null
  type: 'normal' | 'wall' | 'profile'
  place: Place | null
  privacy: Privacy
}
export type Photo = Thing & {
  kind: 'photo'
  /** Its part of addresses. */
  name: string
  caption: string | null
  alt: string | null
  album: Album
  place: Place | null
  width: number
  height: number
  bytes: Buffer | null
  isGone: boolean
  postId: string | null
}
export type Video = Thing & {
  kind: 'video'
  name: string
  title: string | null
  description: string | null
  seconds: number
  place: Place | null
  bytes: Buffer | null
  isGone: boolean
  postId: string | null
}
export type Tag = { id: string; name: string; type: 'user' | 'page' | 'event'; offset: number; length: number }
export type Link = Required<NewLink>
export type Post = Thing & {
  kind: 'post'
  /** `owner` is whose timeline it is on. */
  author: Person
  message: string | null
  story: string | null
  photos: Photo[]
  video: Video | null
  link: Link | null
  place: Place | null
  tags: Tag[]
  with: { id: string; name: string }[]
  privacy: Privacy
  reactions: number
  comments: number
  shares: number
}
/** A page of Facebook (a band, a shop), not of a listing. */
export type Page = { kind: 'page'; id: string; name: string; category: string; about: string; fans: number; website: string }
/** A page that somebody likes; `createdMs` is since when, `id` the page's. */
export type Like = Thing & { page: Page }
export type Happening = Thing & {
  kind: 'event'
  name: string
  description: string
  startMs: number
  endMs: number | null
  place: Place | null
  host: Person
  role: NonNullable<NewEvent['role']>
  type: 'public' | 'private'
  isOnline: boolean
  isCanceled: boolean
  attending: number
}
/** `posts` are the person's own, `feed` everything on their timeline. All lists are sorted by time, the oldest first. */
export type Shelf = { posts: Post[]; feed: Post[]; photos: Photo[]; videos: Video[]; albums: Album[]; likes: Like[]; events: Happening[] }
export type Node = Post | Photo | Video | Album | Happening | Page
