import type { Content, RateLimit, SimulatorOptions } from '../kit/index.ts'

export type MastodonOptions = SimulatorOptions & {
  /** Local account names; the first is who scripts act as by default. Default: alice and bob. */
  accounts?: string[]
  /** Default for each: `correct horse`. */
  passwords?: Record<string, string>
  /** Default 4.5.0. Below 4.3 there is no authorization server metadata, no PKCE, no `profile` scope. */
  version?: string
  /** Per token (per address without one); null: none. Default 300 in 5 minutes. */
  rateLimit?: RateLimit | null
  /** Size of every generated picture in pixels; else they vary. */
  pictureSize?: { width: number; height: number }
  /** Generated pictures are at least this long. */
  pictureMinBytes?: number
  /** The sign-in form comes with name and password filled in. Default true. */
  prefillSignIn?: boolean
}

export type AccountRecord = {
  id: string
  username: string
  domain: string | null
  displayName: string
  about: string
  createdMs: number
  password: string | null
  email: string | null
}
export type Visibility = 'public' | 'unlisted' | 'private' | 'direct'
export type MediaFields = {
  /** File name: 16 hexadecimal digits and an extension. */
  name: string
  type: 'image' | 'gifv' | 'video' | 'audio' | 'unknown'
  description: string | null
  width: number
  height: number
}
export type PollFields = { options: string[]; multiple: boolean; expiresAt: number | null }
export type StatusFields = {
  /** What the author typed. */
  text: string
  /** HTML. */
  content: string
  spoilerText: string
  sensitive: boolean
  visibility: Visibility
  language: string | null
  media: MediaFields[]
  poll: PollFields | null
  link: string | null
  tags: string[]
  mentions: AccountRecord[]
  emojis: string[]
  inReplyTo: string | null
  inReplyToAccount: string | null
  reblogOf: string | null
  pinned: boolean
  editedAt: number | null
}
/** `fields` are there for scripted statuses; generated ones know their batch and index, those of other servers their index. */
export type StatusRecord = { key: bigint; account: AccountRecord; batch: Batch | null; index: number; fields: StatusFields | null }
export type Mark = { id: bigint; key: bigint }
export type Batch = {
  name: string
  from: number
  stepMs: number
  count: number
  wanted: GenerateOptions
  content: Content
  size: { width: number; height: number } | undefined
}

/** With `bytes` the file is exactly those; without, a generated picture. */
export type NewMedia = {
  bytes?: Uint8Array
  mime?: string
  extension?: string
  type?: MediaFields['type']
  description?: string
  width?: number
  height?: number
}
export type NewStatus = {
  account?: string
  /** Plain text, turned into HTML as the server does. */
  text?: string
  /** HTML as it is, instead: also what no honest server would send. */
  content?: string
  spoilerText?: string
  sensitive?: boolean
  visibility?: Visibility
  language?: string | null
  media?: NewMedia[]
  poll?: { options: string[]; multiple?: boolean; expiresAt?: Date | string | null }
  link?: string | null
  /** Addresses of accounts. */
  mentions?: string[]
  emojis?: string[]
  inReplyTo?: string
  reblogOf?: string
  pinned?: boolean
  /** Default: now. */
  createdAt?: Date | string | number
}
export type GenerateOptions = {
  seed?: string | number
  account?: string
  statuses?: number
  /** True: three in ten statuses have pictures; a number up to 1: that share. */
  withMedia?: boolean | number
  /** Instead: exactly so many statuses, evenly spread, have one picture each. */
  pictures?: number
  /** Boosts of other servers' statuses among them. Default true. */
  boosts?: boolean
  from?: Date | string | number
  to?: Date | string | number
  favourites?: number
  bookmarks?: number
  following?: number
}
