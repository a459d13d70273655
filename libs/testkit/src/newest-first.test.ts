import { Agent } from 'node:https'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { newestFirst, type Item, type PullIo, type Range, type Stream, type Timeline } from '@asheville/core'
import { createReference } from './reference-sync.ts'

interface Post {
  id: number
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

const io: PullIo = {
  http: { fetch, agent: new Agent() },
  token: () => Promise.resolve(''),
  ...{ server: null, fields: {}, account: { id: '', handle: '' }, variables: {}, scratch: '', now: () => new Date(start) },
  signal: new AbortController().signal,
}

interface Shape {
  /** How many the vendor gives at once. */
  perPage: number
  /** Records have marks of their own; else only answers have. */
  isMarked: boolean
  /** An answer that is not full has a mark all the same, as when the adapter cannot rely on it. */
  isWary: boolean
  parts: number
}

function timelineOf(vendor: Vendor, { perPage, isMarked, isWary, parts }: Shape): Timeline<Post> {
  const gone = (ids: readonly string[]) => Promise.resolve(ids.filter((id) => !vendor.posts.has(Number(id.slice(idOf(0).length - 1)))))
  return {
    list({ before, after, range }) {
      vendor.requests += 1
      const inside = [...vendor.posts.values()]
        .filter(({ id }) => (before === null || id < Number(before)) && (after === null || id > Number(after)))
        .filter(({ id }) => (range.from === null || atOf(id) >= range.from) && (range.to === null || atOf(id) < range.to))
        .sort((a, b) => b.id - a.id)
      const records = inside.slice(0, perPage)
      const hasMore = isWary ? records.length > 0 : inside.length > perPage
      return Promise.resolve({ records, older: hasMore ? String(records.at(-1)!.id) : null, isShort: records.length < perPage })
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
    ...(isMarked && { mark: ({ id }) => String(id), isDated: true, gone }),
    ...(isMarked && parts > 1 && { split: (range) => Promise.resolve(split(range, parts, vendor.highest)) }),
  }
}

/** Borders lie in the past, as they do where a network is asked when somebody joined. */
function split(range: Range, parts: number, highest: number): Range[] {
  const borders = Array.from({ length: parts - 1 }, (_, index) => atOf(Math.floor((highest * (parts - 1 - index)) / parts)))
  const all = [range.to, ...borders, range.from]
  return all.slice(1).map((from, index) => ({ from, to: all[index]! }))
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
  isMarked: fc.boolean(),
  isWary: fc.boolean(),
  parts: fc.integer({ min: 1, max: 3 }),
})

describe('newestFirst', () => {
  test('loses nothing, whatever happens at the vendor and wherever a sync is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(step, { maxLength: 30 }), async (form, steps) => {
        const vendor: Vendor = { posts: new Map(), highest: 10, requests: 0 }
        const stream = streamOf(vendor, form.isMarked ? form : { ...form, isWary: false })
        const reference = createReference(stream)
        const delivered = new Map<string, number>()
        const deleted = new Set<string>()
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
          else if (one.do === 'late' && !deleted.has(idOf(vendor.highest - 1))) put(vendor, vendor.highest - 1)
          else if (one.do !== 'late') {
            const id = nth(one.nth)
            if (id === undefined) continue
            if (one.do === 'edit') vendor.posts.get(id)!.version += 1
            else {
              vendor.posts.delete(id)
              deleted.add(idOf(id))
            }
          }
        }
        await sync()
        await sync()
        const missing = [...vendor.posts.keys()].map(idOf).filter((id) => !reference.stored.has(id))
        expect(missing).toEqual([])
        expect([...delivered].filter(([, times]) => times > 1)).toEqual([])
        vendor.requests = 0
        const { items, gone } = await sync()
        expect({ items, gone, requests: vendor.requests }).toEqual({ items: [], gone: [], requests: 1 })
      }),
      { numRuns: 1000 },
    )
  })

  test('pages of a backfill cover all of it but the instants at their borders, and never more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 0, max: 60 }), async (perPage, count) => {
        const vendor: Vendor = { posts: new Map(), highest: 10, requests: 0 }
        for (let index = 0; index < count; index++) put(vendor, (vendor.highest += 2))
        const { pages } = await createReference(streamOf(vendor, { perPage, isMarked: true, isWary: true, parts: 1 })).sync(io)
        const all = pages.flatMap(({ page }) => page.items)
        for (const { page } of pages) {
          for (const { from, to } of page.covers ?? []) {
            const inside = all.filter(({ at }) => (from === null || at! >= from) && (to === null || at! < to))
            expect(inside.every((item) => page.items.includes(item))).toBe(true)
          }
        }
      }),
    )
  })
})

function streamOf(vendor: Vendor, form: Shape): Stream {
  const timeline = timelineOf(vendor, form)
  return { name: 'posts', version: 1, contentTypes: ['posts'], ...newestFirst(timeline), ...(timeline.gone && { gone: timeline.gone }) }
}

function put(vendor: Vendor, id: number): void {
  if (!vendor.posts.has(id)) vendor.posts.set(id, { id, version: 1 })
}
