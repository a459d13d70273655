import type { RateLimit, SimulatorOptions } from '../kit/index.ts'

export type DropboxApp = {
  /** Default: generated from the seed. */
  key?: string
  secret?: string
  name?: string
  redirectUris?: string[]
  /** What the app may ask for. Default: reading and writing of files, account_info.read. */
  scopes?: string[]
}

export type DropboxOptions = SimulatorOptions & {
  /** Names of accounts; the first is who doors act on by default. Default: alice and bob. */
  accounts?: string[]
  /** Default for each: `correct horse`. */
  passwords?: Record<string, string>
  app?: DropboxApp
  /** Bytes that each account may hold. Default 2 GiB. */
  quotaBytes?: number
  /** How long a short-lived access token lives. Default 14400. */
  tokenSeconds?: number
  /** How long a commit holds its account's lock; another that comes meanwhile fails. Default 15. */
  commitMs?: number
  /** How long the job of `finish_batch` takes, its lock included. Default 60. */
  jobMs?: number
  /**
   * How `upload`, `create_folder_v2`, `move_v2` and `copy_v2` tell that the lock is held: by status 429 with a `reason`, or by 409 with
   * the tag that their write errors have. The real one does either. Default `rate-limit`. Deletions and `finish` always tell it by their own tag.
   */
  lockAnswer?: 'rate-limit' | 'tagged'
  /** What a session that was committed is told to be; the documentation leaves it open. Default `not_found`. */
  committedSession?: 'closed' | 'not_found'
  /** Entries on a page of `list_folder` where the caller names no limit. Default 500. */
  pageSize?: number
  /** How long a longpoll waits, whatever `timeout` it asks for; Dropbox adds up to 90 s to that at random. Default: what it asks for. */
  longpollMs?: number
  /** Per token; Dropbox publishes none. Default none. */
  rateLimit?: RateLimit | null
  /** Where the accounts' files are kept, each account's in a folder of its name, and found at the next start. Default: only in memory. */
  keptIn?: string
  /** The sign-in form comes with name and password filled in. Default true. */
  prefillSignIn?: boolean
}

export type Account = {
  id: string
  uid: string
  name: string
  email: string
  password: string
  rootNamespace: string
}

/** Dropbox's tagged union value. */
export type Tagged = { '.tag': string; [field: string]: unknown }

/** What the person has, with paths as the app sees them. */
export type TrueFile = { path: string; bytes: number; sha256: string; contentHash: string; rev: string; clientModified: string }
export type DropboxAccountTruth = { used: number; allocated: number; folders: string[]; files: TrueFile[] }
export type DropboxTruth = Record<string, DropboxAccountTruth>

export type Put = { account?: string; clientModified?: Date }
