import { createHash } from 'node:crypto'
import { AshevilleError, throwIfAborted, type Cursor, type Item, type Page, type PullIo, type Range, type Stream } from '@asheville/core'
import { z } from 'zod'
import { fetchFeed, notAFeed, type Fetched } from './api.ts'
import { readFeed, type Feed } from './entries.ts'
import { itemsOf } from './items.ts'

/** Digests of the newest entries, to tell what is new in a document that changed. */
const keptDigests = 200
/** Documents of one walk, for feeds that go on in another document. */
const mostDocuments = 1000

const headSchema = z.object({ etag: z.string().nullable(), modified: z.string().nullable(), known: z.array(z.string()) })
type Head = z.infer<typeof headSchema>

/** Which document is next; null: the feed itself. `since`: what an incremental walk started from; `next`: the head that it leaves. */
const stateSchema = z.object({
  document: z.string().nullable(),
  read: z.number(),
  since: headSchema.nullable(),
  next: headSchema.nullable(),
  /** Digests of the document before: when something is published meanwhile, its last entries move into this one. */
  before: z.array(z.string()),
})
type State = z.infer<typeof stateSchema>

/**
 * A feed holds the newest entries, often in no order that can be relied on; some go on in further documents. A walk reads the
 * document, and those that it goes on in until it meets an entry that it knows. With nothing new the server answers 304.
 */
export const entries: Stream = {
  name: 'entries',
  version: 1,
  contentTypes: ['articles'],
  reach: 'A feed shows its newest entries only, often 10 to 50.',

  plan({ head, open, range }) {
    if (head === null) {
      const isOpen = open.some(({ kind }) => kind === 'backfill')
      return Promise.resolve(isOpen ? [] : [{ id: 'backfill', kind: 'backfill', range, cursor: null }])
    }
    if (open.some(({ kind }) => kind === 'incremental')) return Promise.resolve([])
    const start: State = { document: null, read: 0, since: decode(headSchema, head), next: null, before: [] }
    return Promise.resolve([{ id: 'incremental', kind: 'incremental', range, cursor: JSON.stringify(start) }])
  },

  async *pages(walk, io) {
    let state: State =
      walk.cursor === null ? { document: null, read: 0, since: null, next: null, before: [] } : decode(stateSchema, walk.cursor)
    let wasInterrupted = state.since !== null && state.document !== null
    for (;;) {
      throwIfAborted(io.signal)
      const isFirst = state.document === null
      const address = state.document ?? feedOf(io)
      const fetched = await fetchFeed(io, address, isFirst && state.since ? state.since : undefined)
      if (fetched === null) {
        yield { items: [], gone: [], skipped: [], cursor: null, head: JSON.stringify(state.since) }
        return
      }
      const page = read(fetched, walk.range, state, io)
      state = page.state
      if (page.page.cursor === null && wasInterrupted) {
        // What was published since the walk began is above where it went on.
        wasInterrupted = false
        state = { document: null, read: 0, since: state.next, next: null, before: [] }
        yield { ...page.page, cursor: JSON.stringify(state) }
        continue
      }
      yield page.page
      if (page.page.cursor === null) return
    }
  },
}

function read(fetched: Fetched, range: Range, state: State, io: PullIo): { page: Page; state: State } {
  const isFirst = state.document === null
  const feed = parsed(fetched)
  const { items, skipped } = itemsOf(feed.entries, io.account.id || feedOf(io))
  const known = new Set(state.since?.known)
  const all = [
    ...items.map((item) => ({ item, digest: digest(item), lost: null })),
    ...skipped.map((lost) => ({ item: null, digest: short(JSON.stringify(lost)), lost })),
  ]
  const seen = new Set([...known, ...state.before])
  const fresh = all.filter((one) => !seen.has(one.digest))
  const digests = all.slice(0, keptDigests).map((one) => one.digest)
  const head: Head = { etag: fetched.etag, modified: fetched.modified, known: digests }
  const next = state.next ?? head
  const hasMet = all.some((one) => known.has(one.digest))
  const goesOn =
    feed.next !== null && feed.next !== fetched.url && state.read + 1 < mostDocuments && all.length > 0 && !(state.since && hasMet)
  const after: State = { ...state, document: goesOn ? feed.next : state.document, read: state.read + 1, next, before: digests }
  const cursor: Cursor | null = goesOn ? JSON.stringify(state.since ? after : { ...after, next: null }) : null
  const leavesHead = state.since ? cursor === null : isFirst
  return {
    state: after,
    page: {
      items: fresh.flatMap(({ item }) => (item && isWithin(item.at, range) ? [item] : [])),
      gone: [],
      skipped: fresh.flatMap(({ lost }) => lost ?? []),
      cursor,
      ...(leavesHead && { head: JSON.stringify(next) }),
    },
  }
}

/** What was a feed when it was connected. A page in its place is told; half a feed is asked for again later. */
function parsed({ text, url }: Fetched): Feed {
  const { host } = new URL(url)
  try {
    const feed = readFeed(text, url)
    if (feed) return feed
  } catch (error) {
    throw new AshevilleError('unavailable', `The feed of ${host} is broken or cut off`, { cause: error })
  }
  throw notAFeed(`${host} answers with something else instead of the feed`)
}

export function feedOf({ fields }: Pick<PullIo, 'fields'>): string {
  const url = fields['url']
  if (!url) throw notAFeed('This connection has no address of a feed')
  return url
}

function digest({ id, object }: Item): string {
  return short(`${id}\n${JSON.stringify(object)}`)
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 10)
}

function isWithin(at: string | null, { from, to }: Range): boolean {
  return at === null || ((from === null || at >= from) && (to === null || at < to))
}

function decode<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw new AshevilleError('cursor-expired', 'A checkpoint that is not understood any more', { cause: error })
  }
}
