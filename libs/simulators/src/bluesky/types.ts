import type { LexMap } from '@atproto/lex-data'
import type { RateLimit, SimulatorOptions } from '../kit/index.ts'

/** What a refresh token is worth once used: `refused`, `revokes` the whole session, or `grace`: the same next token again, as the reference server gives for two hours. */
export type RefreshReuse = 'refused' | 'revokes' | 'grace'
export type BlueskyOptions = SimulatorOptions & {
  /** Names of accounts; the first is who scripts act as by default. Default alice and bob. */
  accounts?: string[]
  /** Handles end with it. Default `.test`. */
  handleDomain?: string
  refreshReuse?: RefreshReuse
  /** Default two hours. */
  accessLifeMs?: number
  /** All requests of an address; null: none. Default 3000 in 5 minutes. */
  rateLimit?: RateLimit | null
  /** Sign-ins per identifier; null: none. Default 30 in 5 minutes. */
  sessionLimit?: RateLimit | null
  pictureSize?: { width: number; height: number }
  pictureMinBytes?: number
}
export type AccountStatus = 'active' | 'takendown' | 'deactivated'
export type Person = { did: string; handle: string; displayName: string; about: string }
export type StrongRef = { uri: string; cid: string }
/** A record: a map of DAG-CBOR values. */
export type RecordValue = LexMap
export type StoredRecord = { collection: string; rkey: string; cid: string }

/** With `bytes` the image is exactly those; without, a generated picture. */
export type NewImage = { bytes?: Uint8Array; mimeType?: string; alt?: string; width?: number; height?: number }
export type NewPost = {
  account?: string
  text?: string
  createdAt?: Date | string | number
  langs?: string[]
  images?: NewImage[]
  /** A link card, with a picture if `thumb`. */
  external?: { uri: string; title?: string; description?: string; thumb?: boolean }
  /** The `at://` address of a post that is quoted. */
  quote?: string
  /** The `at://` address of a post that is answered. */
  replyTo?: string
  /** Handles of people; mentioned where `@handle` stands in the text. */
  mentions?: string[]
  /** Self-labels: content warnings such as `graphic-media`. */
  labels?: string[]
  /** Record key instead of one made from the time. */
  rkey?: string
  /** Replaces or adds fields of the record, whatever they are. */
  extra?: Record<string, unknown>
}
export type GenerateRecords = {
  seed?: string | number
  account?: string
  posts?: number
  likes?: number
  reposts?: number
  follows?: number
  /** True: three in ten posts have images; a number up to 1: that share. */
  withImages?: boolean | number
  /** Instead: exactly so many posts, evenly spread, have one image each. */
  images?: number
  from?: Date | string
  to?: Date | string
}
export type TrueRecord = { uri: string; cid: string; collection: string; rkey: string; value: unknown }
export type TrueBlob = { cid: string; mimeType: string; bytes: number; sha256: string }
export type RepoTruth = { did: string; handle: string; rev: string; records: TrueRecord[]; blobs: TrueBlob[] }
export type BlueskyTruth = Record<string, RepoTruth>
