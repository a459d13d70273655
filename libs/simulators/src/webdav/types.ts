import type { SimulatorOptions } from '../kit/index.ts'

export type WebdavOptions = SimulatorOptions & {
  /** Names of accounts; the first is who doors act on by default. Default: alice and bob. */
  accounts?: string[]
  /** Default for each: `correct horse`. */
  passwords?: Record<string, string>
  /** Bytes that each account may hold; null: the server tells no quota and has none. Default 2 GiB. */
  quotaBytes?: number | null
  /** Whether `If-Match`, `If-None-Match`, `If` and `Overwrite: F` are heeded, as RFC 4918 wants. Default true. */
  heedsConditions?: boolean
  /** Whether a PUT shows only once it is whole. Default true. */
  putsWhole?: boolean
  /** What `OPTIONS` tells beside the classes, such as Apache's `<http://apache.org/dav/propset/fs/1>`. */
  davExtra?: string
  /** Whether the answer to a PUT tells the new entity tag. Default false, as Apache's. */
  tellsEtagOfPut?: boolean
  /** Names that differ only in case, or in how accents are composed, are one. Default false. */
  foldsNames?: boolean
  /** Seconds within which the entity tag of what was just written is weak, as Apache's. Default 0. */
  weakSeconds?: number
  /** Speaks what Nextcloud has beyond WebDAV: status.php, Login Flow v2, OCS, chunked upload, checksums. Default false. */
  nextcloud?: boolean
  /** Where the accounts' files are kept, each account's in a folder of its name, and found at the next start. Default: only in memory. */
  keptIn?: string
}

export type TrueFile = { path: string; bytes: number; sha256: string; etag: string }
export type WebdavAccountTruth = { used: number; folders: string[]; files: TrueFile[] }
export type WebdavTruth = Record<string, WebdavAccountTruth>

export type Account = { name: string; password: string }
