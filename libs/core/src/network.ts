import type { Readable } from 'node:stream'
import type { Account, AccountNames, Fields, Http, Login, Variable } from './adapter.ts'
import type { ContentType, Item, MediaSource, SkippedItem } from './item.ts'

/** A network's opaque mark to go on after; only the adapter that made it reads it. */
export type Cursor = string

/** Publication dates, `from` included, `to` not; null is unbounded. ISO 8601 instants in UTC. */
export interface Range {
  from: string | null
  to: string | null
}

/**
 * A part of a stream that one page holds completely: every item that the network still has in it is in that page, so
 * what we stored of it and do not find there is gone. `by: 'id'` is the order of the ids' UTF-8 bytes, `by: 'at'` that of their
 * publication dates. `from` included, `to` not; null is unbounded. `contentType` where only that type was enumerated.
 */
export interface Covered {
  by: 'id' | 'at'
  from: string | null
  to: string | null
  contentType?: ContentType
}

export const walkKinds = ['backfill', 'incremental', 'recheck'] as const
export type WalkKind = (typeof walkKinds)[number]

/**
 * One range of a stream being enumerated. `cursor` is where to go on: as planned at the start, then the last page's cursor that
 * was saved. With null, all of the range is enumerated, whatever the kind; so an incremental walk whose head the network forgot
 * is planned with null. `id` is chosen by `plan` and unique within the stream's open walks.
 */
export interface Walk {
  id: string
  kind: WalkKind
  range: Range
  cursor: Cursor | null
}

/** What is wanted of a stream when a sync starts. */
export interface Wanted {
  /** The mark that the last complete incremental walk (or the first page of the first backfill) left; null: never synced. */
  head: Cursor | null
  /** Walks that an earlier sync left unfinished; they go on by themselves and must not be planned again. */
  open: readonly Walk[]
  contentTypes: readonly ContentType[]
  range: Range
}

/** What a network's API hands out at once, turned into items. */
export interface Page {
  items: Item[]
  /** Ids of items that the network says are gone. */
  gone: string[]
  skipped: SkippedItem[]
  /** Where to go on after this page; null: the walk is complete. */
  cursor: Cursor | null
  /**
   * Where the next incremental walk starts. Of a backfill, the first one given is taken if the stream has no head yet;
   * of an incremental walk, the last one given is taken when the walk is complete, and only then.
   */
  head?: Cursor
  covers?: Covered[]
  /** How many items of a content type the network says exist. */
  available?: Partial<Record<ContentType, number>>
  /** What the person is called there now, where an answer tells: people change their names. */
  account?: AccountNames
  /** How many records the network charges for this page, whether any of them is kept. Only of a stream with an `estimate`. */
  reads?: number
}

/** What an adapter may use while it pulls. */
export interface PullIo {
  readonly http: Http
  /** A current access token; throws `reconnect-required` when the grant is dead. Ask for it before every request. */
  token(): Promise<string>
  /** The server's origin, for networks that have many. */
  readonly server: string | null
  /** What the person filled in when connecting, secrets left out. */
  readonly fields: Fields
  readonly account: Pick<Account, 'id' | 'handle'>
  readonly variables: Fields
  /**
   * A directory of this connection's stream alone, for spooling what does not fit into memory, made when it is first asked for. What is in
   * it is still there when the walk goes on, or it is empty again (another machine, a cleaned disk).
   */
  scratch(): string
  readonly signal: AbortSignal
  now(): Date
}

/** What one kind of enumeration of a connection yields, with its own checkpoints and counts. */
export interface Stream {
  /** In rows and job ids (`[a-z-]+`); never changes. */
  readonly name: string
  /** Bump when the mapping to items changes: everything is pulled again once. */
  readonly version: number
  readonly contentTypes: readonly ContentType[]
  /** What the person must have allowed, in the words of the login's `scopes`; where they declined one of these, the stream is not pulled. */
  readonly scopes?: readonly string[]
  /** What the network does not give of it whoever asks, in a sentence for people: `X gives the newest 3,200 only.` */
  readonly reach?: string
  /**
   * For a network that charges for what is read: how many records a walk through all of this range will read, as far as the network
   * tells beforehand; null: it does not. The person sees it before the first backfill, and may set a bound.
   */
  estimate?(range: Range, io: PullIo): Promise<number | null>
  /**
   * The walks that a sync starts, besides the open ones: one, or disjoint ranges; none when there is nothing to ask. Throws
   * `cursor-expired` when the head is not understood (any more).
   */
  plan(wanted: Wanted, io: PullIo): Promise<Walk[]>
  /**
   * Pages from `walk.cursor` on until one with `cursor: null`. Only reads. Stops soon after `io.signal` aborts, by throwing.
   * Errors: `reconnect-required`, `rate-limited` (with `retryAfterMs` and scope), `unavailable`, `cursor-expired`
   * (the walk is planned afresh over the same range), `invalid` (what the person filled in is no such thing any more).
   */
  pages(walk: Walk, io: PullIo): AsyncIterable<Page>
  /** Which of these ids the network confirms to be gone; asked before anything found missing is marked as deleted. */
  gone?(ids: readonly string[], io: PullIo): Promise<string[]>
}

/** Whether the person allowed what the stream needs. */
export function isAllowed({ scopes = [] }: Pick<Stream, 'scopes'>, declined: readonly string[]): boolean {
  return !scopes.some((scope) => declined.includes(scope))
}

/**
 * How many requests may be made in a window, and who shares that budget. Each `io.http.fetch` of a stream counts, and of `openMedia`; once it is used
 * up the fetch throws `rate-limited`.
 */
export interface Budget {
  readonly per: 'app' | 'server' | 'connection'
  readonly requests: number
  readonly windowMs: number
}

/** What a network has sent by itself, as it came. */
export interface Hook {
  /** Those that `Webhook.headers` names. */
  headers: Readonly<Record<string, string>>
  body: Uint8Array
}

/** Streams of one account that have something new. */
export interface Hint {
  accountId: string
  streams: readonly string[]
}

/** How a network says by itself that there is something new, at `<WEB_URL>/hooks/<id>`: the operator tells the vendor that address. */
export interface Webhook {
  /** In small letters: those that tell who sent it. */
  readonly headers: readonly string[]
  /** The vendor asks, by a GET, whether it is to send anything: what it is answered; null: it is not the vendor, or the operator has set nothing. */
  confirm(query: Readonly<Record<string, string>>, variables: Fields): string | null
  /** Throws `forbidden` for what the vendor has not signed, `invalid` for what is not understood. What it says is no more than a hint: it is looked at. */
  hints(hook: Hook, variables: Fields): Hint[]
}

/** A place that content is pulled from. Adding one is one folder in `libs/networks`: docs/adding-a-network.md. */
export interface Network {
  /** In rows, paths and queue names (`[a-z0-9-]+`); never changes. */
  readonly id: string
  readonly title: string
  /** One sentence for people: what is copied from it. */
  readonly description: string
  readonly website: string
  readonly logins: readonly Login[]
  readonly variables: readonly Variable[]
  readonly budgets: readonly Budget[]
  readonly streams: readonly Stream[]
  /** Who this connection is; called before it is saved, so that a wrong one never is. `account.id` is empty then. */
  account(io: PullIo): Promise<Account>
  /** The bytes of a media source; without it, a guarded GET of its url. Throws `not-found` when it is gone for good. */
  openMedia?(source: MediaSource, io: PullIo): Promise<Readable>
  /**
   * For a network whose addresses of files end, so that a source's url merely names it: where its bytes are now. They are fetched from there as
   * any others are. Throws as `openMedia`.
   */
  locateMedia?(source: MediaSource, io: PullIo): Promise<string>
  readonly webhook?: Webhook
}

/** Whether the network charges for what is read: then the person sees what it takes, and starts it, before anything is pulled. */
export function isPaid({ streams }: Pick<Network, 'streams'>): boolean {
  return streams.some(({ estimate }) => estimate !== undefined)
}
