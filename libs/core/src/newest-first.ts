import { createHash } from 'node:crypto'
import { z } from 'zod'
import { AshevilleError, throwIfAborted } from './errors.ts'
import type { AccountNames } from './adapter.ts'
import type { ContentType, Item, SkippedItem } from './item.ts'
import type { Covered, Page, PullIo, Range, Stream, Walk, WalkKind } from './network.ts'

/** One answer of a network that lists newest first. */
export interface Listing<R> {
  /** As the network sent them, newest first. */
  records: readonly R[]
  /** The mark below which the next answer begins; null: there is nothing older (above `after`). A needless one costs a request, a missing one loses history. */
  older: string | null
  /**
   * For networks whose answers may come out shorter than asked for in the midst of a listing, so that `older` is always given: this one
   * was not full. It is taken for the last when all that is known was met; otherwise one more request makes sure.
   */
  isShort?: boolean
  available?: Partial<Record<ContentType, number>>
  /** As in `Page`. */
  account?: AccountNames
  /** As in `Page`; with `chargesDaily`, as if everything were read for the first time that day. */
  reads?: number
}

/** Marks are exclusive: only what is older than `before` and newer than `after`. Both null: the newest there are. */
export interface ListRequest {
  before: string | null
  after: string | null
  /** For networks that can narrow a listing by date; what is outside is left out in any case. */
  range: Range
  /** An incremental walk wants little: a network that charges for what it lists may be asked for less at once. */
  kind: WalkKind
}

/** A part of a listing, by dates or, where ids tell when something was listed, by marks: exclusive ones, of which the first part has no `before` and the last no `after`. */
export type Part = Pick<ListRequest, 'before' | 'after' | 'range'>

/** What a network that lists newest first must bring along; the rest is the same everywhere. */
export interface Timeline<R> {
  list(request: ListRequest, io: PullIo): Promise<Listing<R>>
  /** Throws when the record is not as it should be; it is then skipped and reported. */
  item(record: R, io: PullIo): Item
  /** Names a record that is skipped. */
  idOf(record: R): string | null
  /** A record's own mark, where records have one (posts have ids). Without it (likes), only an answer has marks. */
  mark?(record: R): string | null
  /** How many of the newest items an incremental walk reads again; 20. Fewer than fit into one answer, or more is read again. */
  overlap?: number
  /**
   * For networks that list from the top alone, whose answers know nothing of `after`: so many of the newest are remembered. A walk is where all is
   * stored with the first answer of which half is remembered; what should be above the last of these and is not there is missing.
   */
  remembers?: number
  /** The network charges for a record once in a UTC day, however often it lists it: what was read today is told apart in `Page.reads`. */
  chargesDaily?: boolean
  /** The order is that of publication: a walk ends at the range's start, and pages say what they cover. */
  isDated?: boolean
  /**
   * When the record took its place in that order, where this may be later than its item's `at`: an edit that is listed anew. `list` then looks
   * for what is before a range's end beyond that end too.
   */
  placedAt?(record: R): string
  /** Disjoint parts to be pulled side by side, newest first, that together are the given range of the listing. Only with `mark` and `isDated`. */
  split?(range: Range, io: PullIo): Promise<Part[]>
  /** As `Stream.gone`; makes an incremental walk report recent items that disappeared. */
  gone?(ids: readonly string[], io: PullIo): Promise<string[]>
}

/** For edits, deletions, and what became visible late. */
const defaultOverlap = 20
/** An instant's worth of disorder between ids and dates that is tolerated at the start of a range. */
const slackMs = 24 * 3600_000

/** Key and content hash of an item that is stored already; with `chargesDaily`, the UTC day on which it was read last. */
const knownSchema = z.array(z.tuple([z.string(), z.string(), z.string().optional()]))
type Known = z.infer<typeof knownSchema>

/** All up to `floor` is stored, or is another walk's (null: nothing needs to be assumed, the listing is short); above it, what is `known`. */
const headSchema = z.object({ floor: z.string().nullable(), known: knownSchema })
type Head = z.infer<typeof headSchema>

/** Where a walk is: above `floor`, below `before`. `next` is the head that it leaves; `last`, the oldest date of the pages before. */
const stateSchema = z.object({
  floor: z.string().nullable(),
  known: knownSchema,
  before: z.string().nullable(),
  next: headSchema.nullable(),
  last: z.string().nullable(),
})
type State = z.infer<typeof stateSchema>

interface Turned {
  readonly key: string
  readonly hash: string
  item: Item | null
  /** Null: not known. */
  placedAt: string | null
  skipped: SkippedItem | null
}

/**
 * `plan` and `pages` of a stream whose network lists newest first, with marks to go on below and to stop above. Nothing is
 * missed: a head moves only when all above the former one was read; what arrives while a walk runs is above the head that the
 * walk leaves; a walk that was interrupted reads once more from the top before it ends. The newest items are read again each
 * time, and only what changed of them is delivered. With nothing new it makes one request.
 */
export function newestFirst<R>(timeline: Timeline<R>): Pick<Stream, 'plan' | 'pages'> {
  return {
    async plan({ head, open, range }, io) {
      if (head === null) {
        if (open.some(({ kind }) => kind === 'backfill')) return []
        const parts = (await timeline.split?.(range, io)) ?? [{ before: null, after: null, range }]
        return parts.map(({ before, after, range: within }, index) => ({
          id: index === 0 ? 'backfill' : `backfill-${index}`,
          kind: 'backfill',
          range: within,
          cursor: before === null && after === null ? null : JSON.stringify({ ...startOf(after, []), before }),
        }))
      }
      if (open.some(({ kind }) => kind === 'incremental') || isOver(range, io.now())) return []
      const { floor, known } = decode(headSchema, head)
      return [{ id: 'incremental', kind: 'incremental', range, cursor: JSON.stringify(startOf(floor, known)) }]
    },

    async *pages(walk, io) {
      let state = walk.cursor === null ? startOf(null, []) : decode(stateSchema, walk.cursor)
      let wasInterrupted = state.before !== null
      for (;;) {
        throwIfAborted(io.signal)
        const listing = await timeline.list({ before: state.before, after: state.floor, range: askedFor(walk), kind: walk.kind }, io)
        const turned = listing.records.map((record) => turn(timeline, record, io))
        const day = timeline.chargesDaily ? io.now().toISOString().slice(0, 10) : undefined
        const page = pageOf(timeline, walk, state, listing, turned, day)
        if (walk.kind !== 'incremental') {
          state = { ...state, before: listing.older, last: oldestYet(state, turned) }
          yield { ...page, cursor: page.cursor === null ? null : JSON.stringify(state) }
        } else {
          const { left, passed, isMet } = compare(state.known, turned)
          const next = headOf(timeline, state, listing, turned, day)
          const isAllKnown =
            timeline.remembers === undefined ? listing.isShort === true && state.known.length > 0 && left.length === 0 : isMet
          if (page.cursor !== null && !isAllKnown) {
            state = { ...state, known: left, next, before: listing.older }
            yield { ...page, cursor: JSON.stringify(state) }
          } else {
            const isEnd = page.cursor === null
            const missing = (isEnd ? left : left.slice(0, passed)).map(([key]) => key)
            const gone = missing.length > 0 && timeline.gone ? await timeline.gone(missing, io) : []
            if (!isEnd) next.known = [...next.known, ...left.slice(passed)].slice(0, timeline.remembers)
            state = startOf(next.floor, next.known)
            yield { ...page, gone, ...(wasInterrupted ? { cursor: JSON.stringify(state) } : { cursor: null, head: JSON.stringify(next) }) }
            if (wasInterrupted) {
              wasInterrupted = false
              continue
            }
            return
          }
        }
        if (page.cursor === null) return
      }
    },
  }
}

/** A UTC day, where the network charges by the day. */
type Day = string | undefined

/** The page as any kind of walk has it; its `cursor` only says whether there is more. */
function pageOf<R>(timeline: Timeline<R>, walk: Walk, state: State, listing: Listing<R>, turned: Turned[], day: Day): Page {
  const known = new Map(state.known.map(([key, hash]) => [key, hash]))
  const fresh = turned.filter((one) => !known.has(one.key) || known.get(one.key) !== one.hash)
  const oldest = oldestOf(turned)
  const isBelowRange = timeline.isDated === true && oldest !== null && isLongBefore(oldest, walk.range.from)
  const isFirst = walk.kind === 'backfill' && walk.id === 'backfill' && state.before === null
  // Out of a part below another an edit may have moved something up, which this walk does not meet.
  const mayLack = timeline.placedAt !== undefined && walk.kind === 'backfill' && walk.id !== 'backfill'
  return {
    items: fresh.flatMap(({ item }) => (item && isWithin(item.at, walk.range) ? [item] : [])),
    gone: [],
    skipped: fresh.flatMap(({ skipped }) => (skipped ? [skipped] : [])),
    cursor: isBelowRange ? null : listing.older,
    covers: timeline.isDated && walk.kind !== 'incremental' && !mayLack ? coveredBy(walk.range, state, listing, turned) : [],
    ...(isFirst && { head: JSON.stringify(headAfter(timeline, state.floor, listing, turned, day)) }),
    ...(listing.available && { available: listing.available }),
    ...(listing.account && { account: listing.account }),
    ...(listing.reads !== undefined && { reads: listing.reads - readBefore(state.known, turned, day) }),
  }
}

/** How many of these were read, and paid for, on that day already. */
function readBefore(known: Known, turned: Turned[], day: Day): number {
  if (day === undefined) return 0
  const paid = new Set(known.flatMap(([key, , readOn]) => (readOn === day ? [key] : [])))
  return turned.filter(({ key }) => paid.has(key)).length
}

/** The head that a listing from the very top leaves: a floor some items below the newest, and what is known above it. */
function headAfter<R>(timeline: Timeline<R>, floor: string | null, listing: Listing<R>, turned: Turned[], day: Day): Head {
  const keep = (count: number): Known => turned.slice(0, count).map(({ key, hash }) => (day === undefined ? [key, hash] : [key, hash, day]))
  if (timeline.remembers !== undefined) return { floor: null, known: keep(timeline.remembers) }
  if (!timeline.mark) return { floor: listing.older ?? floor, known: keep(turned.length) }
  const overlap = timeline.overlap ?? defaultOverlap
  const below = listing.records[overlap]
  const mark = below === undefined ? null : timeline.mark(below)
  return mark === null ? { floor, known: keep(turned.length) } : { floor: mark, known: keep(overlap) }
}

/** The head that an incremental walk leaves so far: that of its first answer, or all that is to be remembered. */
function headOf<R>(timeline: Timeline<R>, state: State, listing: Listing<R>, turned: Turned[], day: Day): Head {
  if (state.next === null) return headAfter(timeline, state.floor, listing, turned, day)
  if (timeline.remembers === undefined) return state.next
  const { known } = headAfter(timeline, null, listing, turned, day)
  return { floor: null, known: [...state.next.known, ...known].slice(0, timeline.remembers) }
}

/** What is known and not in an answer, how many of these should be above the last known one in it, and whether half of it is known. */
function compare(known: Known, turned: Turned[]): { left: Known; passed: number; isMet: boolean } {
  const keys = new Set(known.map(([key]) => key))
  const met = new Set(turned.map(({ key }) => key).filter((key) => keys.has(key)))
  const isLeft = ([key]: Known[number]) => !met.has(key)
  const last = [...met].at(-1)
  const passed =
    last === undefined
      ? 0
      : known
          .slice(
            0,
            known.findIndex(([key]) => key === last),
          )
          .filter(isLeft).length
  return { left: known.filter(isLeft), passed, isMet: met.size > 0 && met.size * 2 >= turned.length }
}

function turn<R>(timeline: Timeline<R>, record: R, io: PullIo): Turned {
  try {
    const item = timeline.item(record, io)
    return {
      key: timeline.gone ? item.id : short(item.id),
      // Most are never compared with what is known.
      get hash() {
        return short(lasting(item.object))
      },
      item,
      placedAt: timeline.placedAt?.(record) ?? item.at,
      skipped: null,
    }
  } catch (error) {
    const id = timeline.idOf(record)
    const reason = error instanceof AshevilleError ? error.message : 'The network sent it in an unknown shape'
    return {
      key: id ?? short(JSON.stringify(record)),
      // Told once, whatever else of it changes with each listing.
      hash: short(id ?? JSON.stringify(record)),
      item: null,
      placedAt: null,
      skipped: { id, reason },
    }
  }
}

/**
 * From this page's last place on, up to the oldest instant of the pages before, both left out: others may share them. Nothing where an
 * answer is out of order, or it or the one before has what is not dated.
 */
function coveredBy<R>(range: Range, state: State, listing: Listing<R>, turned: Turned[]): Covered[] {
  // An answer may be empty in the midst of a listing, where all was filtered out: that says nothing of what is below.
  const isLast = listing.older === null && state.floor === null
  if (turned.length === 0 && !isLast) return []
  const places = turned.map(({ placedAt }) => placedAt)
  if (places.includes(null) || places.some((at, index) => index > 0 && at! > places[index - 1]!)) return []
  const top = state.before === null ? (places[0] ?? null) : state.last
  if (top === null) return []
  const oldest = places.at(-1)
  const bottom = isLast || oldest === undefined || oldest === null ? null : new Date(Date.parse(oldest) + 1).toISOString()
  const from = bottom === null || (range.from !== null && range.from > bottom) ? range.from : bottom
  const to = range.to !== null && range.to < top ? range.to : top
  return from !== null && from >= to ? [] : [{ by: 'at', from, to }]
}

function oldestOf(turned: Turned[]): string | null {
  return turned.findLast(({ item }) => item !== null && item.at !== null)?.item?.at ?? null
}

/** The oldest date of all pages so far; null after one with something whose date is not known, which may be older. */
function oldestYet(state: State, turned: Turned[]): string | null {
  const dates = turned.map(({ item }) => item?.at ?? null)
  if (dates.includes(null)) return null
  return [state.last, ...dates].reduce((oldest, at) => (oldest === null || (at !== null && at < oldest) ? at : oldest), null)
}

/** The walk that leaves a head is not cut off at its start, or there might be nothing to put the floor below. */
function askedFor({ id, kind, range }: Walk): Range {
  return kind === 'incremental' || id === 'backfill' ? { from: null, to: range.to } : range
}

function startOf(floor: string | null, known: Known): State {
  return { floor, known, before: null, next: null, last: null }
}

/** Counts change all the time; they make no item look edited. */
function lasting(object: unknown): string {
  return JSON.stringify(object, (key, value: unknown) => (/^(likes|shares|replies)$/.test(key) ? undefined : value))
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 10)
}

function isWithin(at: string | null, { from, to }: Range): boolean {
  return at === null || ((from === null || at >= from) && (to === null || at < to))
}

function isLongBefore(at: string, from: string | null): boolean {
  return from !== null && Date.parse(at) < Date.parse(from) - slackMs
}

function isOver({ to }: Range, now: Date): boolean {
  return to !== null && Date.parse(to) < now.getTime() - slackMs
}

function decode<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new AshevilleError('cursor-expired', 'A checkpoint that is not understood any more', { cause: error })
  }
}
