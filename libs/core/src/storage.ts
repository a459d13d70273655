import type { Readable } from 'node:stream'
import type { Account, Fields, Http, Login, Variable } from './adapter.ts'

/** The storage's opaque mark of one version of a file; equal marks mean equal bytes. */
export type Revision = string

/** Bytes `start` to `end`, both included, as in HTTP. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * A file to write. Paths are relative to the person's folder, with `/`; names are safe everywhere (DESIGN §4), yet the adapter still
 * refuses a path that would leave the folder (`invalid`).
 */
export interface Upload {
  path: string
  bytes: number
  /** Lower-case hex of the content; the adapter verifies what the storage can tell of what arrived. */
  sha256: string
  /** A fresh stream of the content; called again when the adapter must send it again. */
  body(): Readable
  /** The version that this replaces; null: the file must be absent; 'any': whatever is there. Stale: outcome `conflict`. */
  replaces: Revision | null | 'any'
}

/** Outcome of one upload, in the order given: one failed file does not fail the others. */
export type PutResult =
  | { outcome: 'stored'; path: string; revision: Revision }
  | { outcome: 'conflict'; path: string }
  | { outcome: 'failed'; path: string; error: Error }

export interface StoredFile {
  path: string
  bytes: number
  revision: Revision
  /** ISO 8601. */
  modified: string | null
}

export interface Got {
  body: Readable
  /** Of the whole file, whatever the range. */
  bytes: number
  revision: Revision
}

/** What has changed since a cursor, by us or by others. */
export interface Changes {
  /** Files written, replaced or removed; `'all'`: it cannot be told which. None: nothing has changed. */
  paths: string[] | 'all'
  /** From here on next time. */
  cursor: string
}

/** Bytes; null where the storage does not say. */
export interface Space {
  used: number | null
  total: number | null
}

/**
 * One person's own place, opened. No method retries: the layer above does. Errors: `storage-full`, `reconnect-required`,
 * `rate-limited`, `unavailable`, `invalid`. Absence is a value, never an error.
 */
export interface Storage {
  readonly can: {
    /** `replaces` is checked by the storage in the same step as the write. */
    readonly conditional: boolean
    /** How many files one `put` call commits at once; 1 where each is its own. */
    readonly batch: number
    readonly range: boolean
    /** The largest file it takes. */
    readonly maxBytes: number
    /** The hash by which it tells what it holds, if any. */
    readonly hash: string | null
  }
  /** Each file whole or absent: no reader ever sees half of one, also when the process dies. */
  put(files: readonly Upload[], signal: AbortSignal): Promise<PutResult[]>
  /** null: absent. 'unchanged': it still has the revision `unless`. */
  get(path: string, want: { range?: ByteRange; unless?: Revision; signal: AbortSignal }): Promise<Got | 'unchanged' | null>
  stat(path: string, signal: AbortSignal): Promise<StoredFile | null>
  /** Every file below the folder `prefix` (`''` for all), in no order, each once. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<StoredFile>
  /** Absent is fine. With a revision: only that version, else `conflict`. */
  remove(path: string, revision: Revision | null, signal: AbortSignal): Promise<void>
  /** Everything there is of the person, the folder itself too. Only of a storage that is not the person's own. Absent is fine. */
  removeAll?(signal: AbortSignal): Promise<void>
  space?(signal: AbortSignal): Promise<Space>
  /** null: `'all'`, and the cursor to begin with. A cursor that the storage forgot: `'all'` as well. */
  changes?(since: string | null, signal: AbortSignal): Promise<Changes>
  /**
   * Waits until `changes` has something to tell since a cursor, but no longer than `maxMs`; answers whether it has. `rate-limited` when it is
   * called again sooner than the storage wants.
   */
  untilChange?(since: string, maxMs: number, signal: AbortSignal): Promise<boolean>
}

/** What an adapter may use to reach one person's storage. */
export interface StorageIo {
  readonly http: Http
  token(): Promise<string>
  readonly server: string | null
  readonly fields: Fields
  readonly account: Pick<Account, 'id' | 'handle'>
  readonly variables: Fields
  now(): Date
}

/** A kind of storage. Adding one is one folder in `libs/storages`: docs/adding-a-storage.md. */
export interface StorageAdapter {
  /** In rows (`[a-z0-9-]+`); never changes. */
  readonly id: string
  readonly title: string
  readonly description: string
  readonly website: string | null
  readonly logins: readonly Login[]
  readonly variables: readonly Variable[]
  /**
   * Who this connection is; called before it is saved. `io.account.id` is the person's id at that moment. By the id (and server)
   * that it answers people are recognised when they sign in, and no two people can have the same: it names one folder.
   */
  account(io: StorageIo, signal: AbortSignal): Promise<Account>
  open(io: StorageIo): Storage
}
