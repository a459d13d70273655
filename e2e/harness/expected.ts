/** A value that must be there as it is, or a test of it. */
export type Wanted = string | number | boolean | null | undefined | object | ((value: unknown) => boolean)

/** One item that a person should have, in the words of the files: nothing here knows how a network tells it. */
export interface ExpectedItem {
  id: string
  contentType: string
  /** The instant that decides its month; null: undated; undefined: not known, and not compared. */
  at: string | null | undefined
  /** By property path (`object.content`): what the stored object must say there; undefined: that it says nothing. */
  says: Readonly<Record<string, Wanted>>
  /** Its files, byte for byte. */
  media: readonly { sha256: string; bytes: number }[]
}

/** What one account of a network should have brought. `folder`: of the account, where a person has several of one network. */
export interface ExpectedAccount {
  network: string
  folder?: string
  items: readonly ExpectedItem[]
}

/** What the index says: platform's `listItems`, all of it, and `getCounts`. */
export interface IndexView {
  items: readonly { network: string; contentType: string; id: string; at: string | null; path: string; isGone: boolean }[]
  counts: readonly { network: string; contentType: string; items: number; gone: number }[]
  media: { files: number; bytes: number }
}

export const findingKinds = [
  /** It should be there and is not: an item, a file, a page that others presuppose. */
  'lost',
  /** It is there more than once. */
  'doubled',
  /** It is there and says something else. */
  'differing',
  /** Nobody published it. */
  'unexpected',
  /** A name that not every file system keeps. */
  'unsafe-name',
  /** Not Activity Streams 2.0, or not JSON. */
  'invalid',
  /** In the wrong place: within its page, or in another month's. */
  'out-of-order',
  /** A file that should have been removed. */
  'leftover',
  /** Index or manifest and the files disagree. */
  'index',
] as const
export type FindingKind = (typeof findingKinds)[number]

export interface Finding {
  kind: FindingKind
  id?: string
  path?: string
  detail: string
}

/** Tells what is found; the rest is bound. */
export type Report = (kind: FindingKind, where: { id?: string; path?: string }, detail: string) => void
