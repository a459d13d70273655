import { Agent } from 'node:https'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { newestFirst, type Item, type Part, type PullIo, type Stream, type Timeline } from '@asheville/core'
import { createReference } from './reference-sync.ts'

interface Post {
  id: number
  /** Its place in the listing: the id, unless an edit moved it up. */
  place: number
  version: number
}

interface Vendor {
  posts: Map<number, Post>
  highest: number
  requests: number
}

const start = Date.parse('2024-01-01T00:00:00Z')
/** Three in a row share an instant. */
const atOf = (id: number) => new Date(start + Math.floor(id / 3) * 3600_000).toISOString()
const idOf = (id: number) => `http://v.test/${id}`
const numberIn = (id: string) => Number(id.slice(idOf(0).length - 1))

const io: PullIo = {
  http: { fetch, longPoll: fetch, agent: new Agent() },
  token: () => Promise.resolve(''),
  ...{ server: null, fields: {}, account: { id: '', handle: '' }, variables: {}, scratch: () => '', now: () => new Date(start) },
  signal: new AbortController().signal,
}

interface Shape {
  /** How many the vendor gives at once. */
  perPage: number
  /** Records have marks of their own, or only answers have, or the listing is to be had from the top alone. */
  marks: 'record' | 'answer' | 'none'
  /** An edited record gets a new mark, and with it another place. */
  movesEdits: boolean
  /** An answer that is not full has a mark all the same, as when the adapter cannot rely on it. */
  isWary: boolean
  parts: number
  splitsBy: 'dates' | 'marks'
}

function timelineOf(vendor: Vendor, { perPage, marks, isWary, parts, splitsBy, movesEdits }: Shape): Timeline<Post> {
  const isMarked = marks === 'record'
  const gone = (ids: readonly string[]) => Promise.resolve(ids.filter((id) => !vendor.posts.has(numberIn(id))))
  return {
    list({ before, after, range, kind }) {
      vendor.requests += 1
      if (marks === 'none') expect(after).toBeNull()
      const count = marks === 'none' && kind !== 'incremental' ? perPage * 5 : perPage
      const inside = [...vendor.posts.values()]
        .filter(({ place }) => (before === null || place < Number(before)) && (after === null || place > Number(after)))
        .filter(
          ({ place }) => (range.from === null || atOf(place) >= range.from) && (movesEdits || range.to === null || atOf(place) < range.to),
        )
        .sort((a, b) => b.place - a.place)
      const records = inside.slice(0, count)
      const hasMore = isWary ? records.length > 0 : inside.length > count
      return Promise.resolve({ records, older: hasMore ? String(records.at(-1)!.place) : null, isShort: records.length < count })
    },
    item: (post): Item => ({
      id: idOf(post.id),
      contentType: 'posts',
      at: isMarked ? atOf(post.id) : null,
      object: { id: idOf(post.id), type: 'Note', content: `v${post.version}`, likes: { type: 'Collection', totalItems: vendor.requests } },
      media: [],
      raw: post,
    }),
    idOf: ({ id }) => idOf(id),
    overlap: Math.max(1, Math.floor(perPage / 2)),
    ...(isMarked && { mark: ({ place }) => String(place), isDated: true, gone }),
    ...(isMarked && movesEdits && { placedAt: ({ place }) => atOf(place) }),
    // Nobody can be asked whether something is still liked: the listing says so.
    ...(marks === 'none' && { remembers: perPage * 4, gone: (ids) => Promise.resolve([...ids]) }),
    ...(isMarked && parts > 1 && { split: () => Promise.resolve(split(parts, vendor.highest, splitsBy)) }),
  }
}

/** Borders lie in the past, as they do where a network is asked when somebody joined. */
function split(parts: number, highest: number, by: Shape['splitsBy']): Part[] {
  const borders = Array.from({ length: parts - 1 }, (_, index) => Math.floor((highest * (parts - 1 - index)) / parts))
  return [...borders, null].map((border, index) => {
    const above = index === 0 ? null : borders[index - 1]!
    const at = (id: number | null) => (id === null ? null : atOf(id))
    if (by === 'dates') return { before: null, after: null, range: { from: at(border), to: at(above) } }
    const mark = (id: number | null) => (id === null ? null : String(id))
    return { before: mark(above === null ? null : above + 1), after: mark(border), range: { from: null, to: null } }
  })
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 14 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit' as const), nth: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), nth: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('sync' as const), pages: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sync' as const), pages: fc.constant(Infinity) }) },
)
const shape: fc.Arbitrary<Shape> = fc.record({
  perPage: fc.integer({ min: 2, max: 8 }),
  marks: fc.constantFrom('record', 'answer', 'none'),
  movesEdits: fc.boolean(),
  isWary: fc.boolean(),
  parts: fc.integer({ min: 1, max: 3 }),
  splitsBy: fc.constantFrom('dates', 'marks'),
})

describe('newestFirst', () => {
  test('loses nothing, whatever happens at the vendor and wherever a sync is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(step, { maxLength: 30 }), async (form, steps) => {
        const vendor: Vendor = { posts: new Map(), highest: 10, requests: 0 }
        const isMarked = form.marks === 'record'
        const stream = streamOf(vendor, isMarked ? form : { ...form, isWary: false })
        const reference = createReference(stream)
        const delivered = new Map<string, number>()
        const deleted = new Set<string>()
        const late = new Set<string>()
        const nth = (index: number) => [...vendor.posts.keys()].sort((a, b) => b - a)[index]
        const sync = async (pages = Infinity) => {
          const run = await reference.sync(io, { pages })
          for (const { id, object } of run.items) {
            const name = `${id} ${String(object['content'])}`
            delivered.set(name, (delivered.get(name) ?? 0) + 1)
          }
          for (const id of run.gone) expect(deleted).toContain(id)
          expect([...vendor.posts.keys()].map(idOf).filter((id) => reference.gone.has(id))).toEqual([])
          return run
        }
        for (const one of steps) {
          if (one.do === 'sync') await sync(one.pages)
          else if (one.do === 'add') for (let count = 0; count < one.count; count++) put(vendor, (vendor.highest += 2))
          else if (one.do === 'late' && form.marks !== 'none' && !deleted.has(idOf(vendor.highest - 1))) {
            put(vendor, vendor.highest - 1)
            late.add(idOf(vendor.highest - 1))
          } else if (one.do === 'edit' || one.do === 'delete') {
            const id = nth(one.nth)
            if (id === undefined) continue
            if (one.do === 'edit') {
              const post = vendor.posts.get(id)!
              post.version += 1
              if (isMarked && form.movesEdits) post.place = vendor.highest += 2
            } else {
              vendor.posts.delete(id)
              deleted.add(idOf(id))
            }
          }
        }
        await sync()
        await sync()
        const missing = [...vendor.posts.keys()].map(idOf).filter((id) => !reference.stored.has(id))
        expect(missing).toEqual([])
        // Below what is remembered nobody knows what is stored; what shows up or moves while a backfill is under way may be met by both walks.
        const isOnce = form.marks !== 'none' && !(form.movesEdits && form.parts > 1 && form.splitsBy === 'dates')
        if (isOnce) expect([...delivered].filter(([name, times]) => times > 1 && !late.has(name.split(' ')[0]!))).toEqual([])
        vendor.requests = 0
        const { items, gone } = await sync()
        expect({ items, gone, requests: vendor.requests }).toEqual({ items: [], gone: [], requests: 1 })
      }),
      { numRuns: 1000 },
    )
  })

  test('pages of a backfill cover all of it but the instants at their borders, and never more', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 8 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 60 }),
        fc.array(fc.record({ nth: fc.nat(59), up: fc.integer({ min: 1, max: 9 }) }), { maxLength: 6 }),
        async (perPage, parts, count, edits) => {
          const vendor: Vendor = { posts: new Map(), highest: 10, requests: 0 }
          for (let index = 0; index < count; index++) put(vendor, (vendor.highest += 2))
          // Each to a free place somewhere above its own.
          for (const { nth, up } of edits) {
            const post = vendor.posts.get(12 + nth * 2)
            if (post && ![...vendor.posts.values()].some(({ place }) => place === post.id + up * 2 - 1)) post.place = post.id + up * 2 - 1
          }
          const form: Shape = { perPage, marks: 'record', movesEdits: true, isWary: true, parts, splitsBy: 'marks' }
          const { pages } = await createReference(streamOf(vendor, form)).sync(io)
          const all = pages.flatMap(({ page }) => page.items)
          expect(all).toHaveLength(count)
          for (const { page } of pages) {
            for (const { from, to } of page.covers ?? []) {
              const inside = all.filter(({ at }) => (from === null || at! >= from) && (to === null || at! < to))
              expect(inside.every((item) => page.items.includes(item))).toBe(true)
            }
          }
          if (edits.length === 0 && count > 3 * parts * perPage)
            expect(pages.filter(({ page }) => page.covers!.length > 0).length).toBeGreaterThan(0)
        },
      ),
    )
  })

  test('a record that is skipped keeps its page and the next from claiming what it may be', async () => {
    const vendor: Vendor = { posts: new Map(), highest: 10, requests: 0 }
    for (let index = 0; index < 24; index++) put(vendor, (vendor.highest += 2))
    const form: Shape = { perPage: 8, marks: 'record', movesEdits: false, isWary: false, parts: 1, splitsBy: 'dates' }
    const timeline = timelineOf(vendor, form)
    const last = 12 + 16 * 2
    const breaking: Timeline<Post> = {
      ...timeline,
      item: (post, pull) => {
        if (post.id === last) throw new Error('broken')
        return timeline.item(post, pull)
      },
    }
    const stream: Stream = { name: 'posts', version: 1, contentTypes: ['posts'], ...newestFirst(breaking) }
    const { pages } = await createReference(stream).sync(io)
    expect(pages.map(({ page }) => page.items.length)).toEqual([7, 8, 8])
    const covered = pages.flatMap(({ page }) => page.covers ?? [])
    expect(covered).toHaveLength(1)
    expect(covered.filter(({ from, to }) => (from === null || atOf(last) >= from) && (to === null || atOf(last) < to))).toEqual([])
  })

  test('an empty answer in the midst of a listing says nothing of what is below it', async () => {
    const posts = new Map([9, 8, 3, 2].map((id) => [id, { id, place: id, version: 1 }]))
    const vendor = { posts, highest: 9, requests: 0 }
    const whole = timelineOf(vendor, { perPage: 2, marks: 'record', movesEdits: false, isWary: false, parts: 1, splitsBy: 'dates' })
    let answers = 0
    const list: typeof whole.list = async (request, given) => {
      answers += 1
      return answers === 2 ? { records: [], older: request.before } : whole.list(request, given)
    }
    const walk = { id: 'backfill', kind: 'backfill', range: { from: null, to: null }, cursor: null } as const
    const covers = []
    for await (const page of newestFirst({ ...whole, list }).pages(walk, io)) covers.push(page.covers)
    expect(covers).toEqual([[expect.anything()], [], [{ by: 'at', from: null, to: atOf(8) }]])
  })

  test('what is listed from the top alone: what was withdrawn is told, and little is read again', async () => {
    const vendor: Vendor = { posts: new Map(), highest: 10, requests: 0 }
    for (let index = 0; index < 100; index++) put(vendor, (vendor.highest += 2))
    const reference = createReference(
      streamOf(vendor, { perPage: 10, marks: 'none', movesEdits: false, isWary: false, parts: 1, splitsBy: 'dates' }),
    )
    await reference.sync(io)
    const newest = () => [...vendor.posts.keys()].sort((a, b) => b - a)
    const withdrawn = [newest()[2]!, newest()[7]!]
    for (const id of withdrawn) vendor.posts.delete(id)
    vendor.requests = 0
    expect((await reference.sync(io)).gone).toEqual(withdrawn.map(idOf))
    expect(vendor.requests).toBe(1)
    // More than one answer holds, but not all that is remembered.
    const many = newest().slice(0, 15)
    for (const id of many) vendor.posts.delete(id)
    put(vendor, (vendor.highest += 2))
    const { items, gone } = await reference.sync(io)
    expect(gone).toEqual(many.map(idOf))
    expect(items[0]!.id).toBe(idOf(vendor.highest))
    expect(vendor.requests).toBe(2)
    expect(await reference.sync(io)).toMatchObject({ items: [], gone: [] })
    expect(vendor.requests).toBe(3)
    for (let index = 0; index < 25; index++) put(vendor, (vendor.highest += 2))
    expect((await reference.sync(io)).items.map(({ id }) => id).slice(0, 25)).toEqual(newest().slice(0, 25).map(idOf))
    expect(vendor.requests).toBeLessThanOrEqual(6)
  })

  test.each(['record', 'none'] as const)(
    'where a record is charged for once a day, pages tell what they cost; marks: %s',
    async (marks) => {
      const vendor: Vendor = { posts: new Map(), highest: 0, requests: 0 }
      const timeline = timelineOf(vendor, { perPage: 10, marks, movesEdits: false, isWary: false, parts: 1, splitsBy: 'dates' })
      const paid = new Set<string>()
      let day = 0
      let bill = 0
      const list: typeof timeline.list = async (request, pulling) => {
        const listing = await timeline.list(request, pulling)
        for (const { id } of listing.records) {
          if (!paid.has(`${day} ${id}`)) bill += 1
          paid.add(`${day} ${id}`)
        }
        return { ...listing, reads: listing.records.length }
      }
      const today: PullIo = { ...io, now: () => new Date(start + day * 24 * 3600_000) }
      const stream: Stream = {
        name: 'posts',
        version: 1,
        contentTypes: ['posts'],
        ...newestFirst({ ...timeline, list, chargesDaily: true }),
      }
      const reference = createReference(stream)
      const told: number[] = []
      for (const count of [25, 0, 3, 0]) {
        for (let index = 0; index < count; index++) put(vendor, (vendor.highest += 1))
        const { pages } = await reference.sync(today)
        told.push(pages.reduce((sum, { page }) => sum + (page.reads ?? NaN), 0))
      }
      expect(told).toEqual([25, 0, 3, 0])
      for (day = 1; day < 3; day += 1) {
        for (const isFirst of [true, false]) {
          const before = bill
          const { pages } = await reference.sync(today)
          const cost = pages.reduce((sum, { page }) => sum + (page.reads ?? NaN), 0)
          expect(cost).toBe(bill - before)
          expect(cost > 0).toBe(isFirst)
        }
      }
    },
  )
})

function streamOf(vendor: Vendor, form: Shape): Stream {
  const timeline = timelineOf(vendor, form)
  return { name: 'posts', version: 1, contentTypes: ['posts'], ...newestFirst(timeline), ...(timeline.gone && { gone: timeline.gone }) }
}

function put(vendor: Vendor, id: number): void {
  if (!vendor.posts.has(id)) vendor.posts.set(id, { id, place: id, version: 1 })
}
