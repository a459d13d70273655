import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { itemHash } from './item-hash.ts'
import { mergePage, type Change } from './merge-page.ts'
import { newPage, objectOf, parsePage, printPage, salvage, toEntry, type Page } from './page-file.ts'
import type { StoredObject } from './stored-object.ts'

const empty = newPage({ network: 'mastodon', account: { id: '1', handle: 'ada' }, contentType: 'posts', month: '2024-03' })
const instant = (second: number) => new Date(Date.UTC(2024, 2, 1) + second * 1000).toISOString()

function object(id: number, { content = 'hello', edited = 0, seen = 0, likes = 0 } = {}): StoredObject {
  return {
    id: `https://example.social/${id}`,
    type: 'Note',
    published: instant(id),
    ...(edited > 0 && { updated: instant(1000 + edited) }),
    content,
    likes: { type: 'Collection', totalItems: likes },
    'asheville:at': instant(id),
    'asheville:stream': 'statuses',
    'asheville:seenAt': instant(5000 + seen),
    'asheville:raw': { id, content, likes },
  }
}

const put = (one: StoredObject): Change => ({ kind: 'put', entry: toEntry(one) })
const rules = { isDated: true, copies: 'keep' } as const
const merge = (page: Page, ...changes: Change[]) => mergePage(page, changes, rules)
const mirror = (page: Page, ...changes: Change[]) => mergePage(page, changes, { ...rules, copies: 'mirror' })
const historyOf = (page: Page) => (objectOf(page.entries[0]!)['asheville:history'] ?? []).map(({ content }) => content)
const contents = (page: Page) => page.entries.map((entry) => objectOf(entry)['content'])

describe('mergePage', () => {
  test('orders by date, whatever the order of arrival, and repeating changes nothing', () => {
    const changes = [3, 1, 2].map((id) => put(object(id, { content: `${id}` })))
    const page = merge(empty, ...changes)
    expect(contents(page)).toEqual(['1', '2', '3'])
    expect(merge(page, ...changes)).toBe(page)
    expect(printPage(merge(empty, ...changes.toReversed()))).toBe(printPage(page))
  })

  test('the undated page keeps the order of arrival', () => {
    const undated = (id: number) => put({ ...object(id, { content: `${id}` }), 'asheville:at': null })
    const inOrder = { ...rules, isDated: false }
    const page = mergePage(mergePage(empty, [undated(3)], inOrder), [undated(1)], inOrder)
    expect(contents(page)).toEqual(['3', '1'])
  })

  test('a late writer does not undo a newer edit', () => {
    const newer = merge(empty, put(object(1, { content: 'edited', edited: 2, seen: 1 })))
    expect(merge(newer, put(object(1, { content: 'first', seen: 9 })))).toBe(newer)
    expect(merge(newer, put(object(1, { content: 'between', edited: 1, seen: 9 })))).toBe(newer)
    expect(contents(merge(newer, put(object(1, { content: 'last', edited: 3 }))))).toEqual(['last'])
  })

  test('without edit dates, what was seen later counts', () => {
    const page = merge(empty, put(object(1, { content: 'seen late', seen: 5 })))
    expect(merge(page, put(object(1, { content: 'seen early', seen: 4 })))).toBe(page)
    expect(contents(merge(page, put(object(1, { content: 'seen last', seen: 6 }))))).toEqual(['seen last'])
  })

  test('the result is the same in whatever order versions come, but for which of them were seen', () => {
    const version = fc.record({
      id: fc.integer({ min: 1, max: 4 }),
      edited: fc.integer({ min: 0, max: 3 }),
      seen: fc.integer({ min: 0, max: 50 }),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(version, { maxLength: 12, selector: ({ id, seen }) => `${id} ${seen}` }),
        fc.func(fc.integer()),
        (versions, random) => {
          const changes = versions.map((one) => put(object(one.id, { ...one, content: `${one.id} ${one.edited} ${one.seen}` })))
          const shuffled = changes.map((change, index) => ({ change, place: random(index) })).sort((a, b) => a.place - b.place)
          for (const copies of [merge, mirror]) {
            const oneByOne = shuffled.reduce((page, { change }) => copies(page, change), empty)
            const current = (page: Page) => page.entries.map((entry) => ({ ...objectOf(entry), 'asheville:history': [] }))
            expect(current(oneByOne)).toEqual(current(copies(empty, ...changes)))
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('counts alone change nothing, but come along when the page is written anyway', () => {
    const page = merge(empty, put(object(1)), put(object(2)))
    const liked: Change = { kind: 'refresh', entry: toEntry(object(1, { likes: 7, seen: 3 })) }
    expect(merge(page, liked)).toBe(page)
    const written = merge(page, liked, put(object(3)))
    expect(objectOf(written.entries[0]!)['likes']).toEqual({ type: 'Collection', totalItems: 7 })
    expect(merge(written, liked, put(object(3)))).toBe(written)
  })

  test('what is gone stays, marked, until it is delivered again', () => {
    const page = merge(empty, put(object(1)))
    const gone = merge(page, { kind: 'gone', id: object(1).id, goneAt: instant(6000) })
    expect(objectOf(gone.entries[0]!)).toMatchObject({ content: 'hello', 'asheville:goneAt': instant(6000) })
    expect(merge(gone, { kind: 'gone', id: object(1).id, goneAt: instant(7000) })).toBe(gone)
    expect(merge(gone, put(object(1, { seen: 500 })))).toBe(gone)
    const back = merge(gone, put(object(1, { seen: 2000 })))
    expect(objectOf(back.entries[0]!)).not.toHaveProperty(['asheville:goneAt'])
    expect(merge(page, { kind: 'gone', id: 'unknown', goneAt: instant(1) })).toBe(page)
  })

  test('each version stays, as posted and each edit; repeated, nothing is added', () => {
    const posted = merge(empty, put(object(1, { content: 'posted', likes: 4 })))
    const edits = [1, 2, 3].map((edited) => put(object(1, { content: `edit ${edited}`, edited, seen: edited })))
    const page = merge(posted, ...edits)
    expect(merge(page, ...edits)).toBe(page)
    expect(contents(page)).toEqual(['edit 3'])
    expect(objectOf(page.entries[0]!)['asheville:history']).toEqual([
      {
        type: 'Note',
        published: instant(1),
        content: 'posted',
        'asheville:seenAt': instant(5000),
        'asheville:raw': { id: 1, content: 'posted', likes: 4 },
      },
      expect.objectContaining({ content: 'edit 1', updated: instant(1001) }),
      expect.objectContaining({ content: 'edit 2', updated: instant(1002) }),
    ])

    const gone = merge(page, { kind: 'gone', id: object(1).id, goneAt: instant(6000) })
    expect(historyOf(gone)).toEqual(['posted', 'edit 1', 'edit 2'])
    const back = merge(gone, put(object(1, { content: 'back', edited: 4, seen: 2000 })))
    expect(objectOf(back.entries[0]!)).not.toHaveProperty(['asheville:goneAt'])
    expect(objectOf(back.entries[0]!)['asheville:history']!.at(-1)).toMatchObject({ content: 'edit 3', 'asheville:goneAt': instant(6000) })
  })

  test('of very many versions the first and the latest stay', () => {
    const page = Array.from({ length: 300 }, (_, edited) => edited).reduce(
      (sum, edited) => merge(sum, put(object(1, { content: `${edited}`, edited, seen: edited }))),
      empty,
    )
    const history = historyOf(page)
    expect([history[0], history[1], history.length]).toEqual(['0', '199', 101])
    const large = Array.from({ length: 30 }, (_, edited) => edited).reduce(
      (sum, edited) => merge(sum, put(object(1, { content: `${edited} ${'x'.repeat(10_000)}`, edited, seen: edited }))),
      empty,
    )
    expect(Buffer.byteLength(printPage(large))).toBeLessThan(360_000)
    expect(historyOf(large).at(-1)).toMatch(/^28 /)
  })

  test('a file that could be had later is no edit', () => {
    const withFile = (places: object, seen: number) =>
      put({ ...object(1, { seen }), attachment: [{ type: 'Image', url: 'https://example.social/1.jpg', ...places }] })
    const pending = merge(empty, withFile({ 'asheville:state': 'pending', 'asheville:reason': 'no answer' }, 0))
    const stored = merge(pending, withFile({ 'asheville:state': 'stored', 'asheville:path': 'media/2024/03/a.jpg' }, 1))
    expect(objectOf(stored.entries[0]!)).toMatchObject({ attachment: [{ 'asheville:state': 'stored' }] })
    expect(objectOf(stored.entries[0]!)).not.toHaveProperty(['asheville:history'])
  })

  test('a mirror has what the network has, and no more', () => {
    const page = mirror(empty, put(object(1, { content: 'posted' })), put(object(2)))
    const edited = mirror(page, put(object(1, { content: 'edited', edited: 1, seen: 1 })))
    expect(contents(edited)).toEqual(['edited', 'hello'])
    expect(edited.entries[0]!.line).not.toContain('posted')
    const gone: Change = { kind: 'gone', id: object(1).id, goneAt: instant(6000) }
    expect(contents(mirror(edited, gone))).toEqual(['hello'])
    expect(mirror(edited, { ...gone, goneAt: instant(4000) })).toBe(edited)
  })

  test('what a person wrote into an item stays through edits; their own words become part of its history', () => {
    const stored = merge(empty, put({ ...object(1), 'asheville:hash': itemHash(object(1)) }))
    const mine = { ...objectOf(stored.entries[0]!), content: 'my words', 'my-note': { stars: 5 } }
    const page = parsePage(printPage({ ...stored, entries: [toEntry(mine)] }))!
    // The same as was delivered before changes nothing.
    expect(merge(page, put(object(1, { seen: 5 })))).toBe(page)
    for (const copies of [merge, mirror]) {
      const edited = copies(page, put(object(1, { content: 'edited', edited: 1, seen: 6 })))
      expect(objectOf(edited.entries[0]!)).toMatchObject({ content: 'edited', 'my-note': { stars: 5 } })
      expect(historyOf(edited)).toEqual(copies === merge ? ['my words'] : [])
    }
  })

  test('what a person wrote into the page stays', () => {
    const text = printPage(merge(empty, put(object(1)), put(object(2))))
    const edited = JSON.parse(text) as { orderedItems: Record<string, unknown>[]; note?: string }
    edited.note = 'mine'
    edited.orderedItems[0]!['content'] = 'my words'
    edited.orderedItems.push({ aside: 'no item' })
    const page = parsePage(JSON.stringify(edited, null, 2))!
    const same: Change = { kind: 'refresh', entry: toEntry(object(1, { likes: 3, seen: 9 })) }
    const merged = merge(page, same, put(object(3)))
    expect(merged.header['note']).toBe('mine')
    expect(merged.entries.map(({ line }) => line)).toContain('{"aside":"no item"}')
    expect(contents(merged)).toEqual(['my words', 'hello', 'hello', undefined])
  })
})

describe('page files', () => {
  test('come back from their text as they were, and are JSON of one item per line', () => {
    for (const count of [0, 1, 5]) {
      const page = merge(
        empty,
        ...Array.from({ length: count }, (_, id) => put(object(id, { content: 'line\nbreak, "quote", \u2028, ,' }))),
      )
      const text = printPage(page)
      expect((JSON.parse(text) as { orderedItems: unknown[] }).orderedItems).toHaveLength(count)
      expect(text.split('\n')).toHaveLength(count === 0 ? 11 : 10 + count + (count > 0 ? 1 : 0))
      expect(printPage(parsePage(text)!)).toBe(text)
    }
  })

  test('any text is a page, or null, and never throws', () => {
    const text = printPage(merge(empty, put(object(1)), put(object(2))))
    for (const broken of ['', '{', '[]', 'null', '{}', '{"orderedItems":3}', text.slice(0, -4), text.replace('},\n{', '}\n{'), `${text}x`])
      expect(parsePage(broken)).toBeNull()
    fc.assert(fc.property(fc.string(), (any) => void parsePage(any)))
  })

  test('of a broken text, the lines that are items are saved', () => {
    const text = printPage(merge(empty, put(object(1)), put(object(2))))
    expect(salvage(text.replace('"type":"Note"', '"type":"Note')).map(({ id }) => id)).toEqual([object(2).id])
  })
})

describe('itemHash', () => {
  test('knows no order of properties, counts, payload or time of seeing', () => {
    const { id, ...rest } = object(1)
    expect(itemHash({ ...rest, id })).toBe(itemHash(object(1)))
    expect(itemHash(object(1, { likes: 99, seen: 7 }))).toBe(itemHash(object(1)))
    expect(itemHash({ ...object(1), attachment: [{ url: 'a', replies: { type: 'Collection', totalItems: 1 } }] })).toBe(
      itemHash({ ...object(1), attachment: [{ url: 'a' }] }),
    )
  })
  test('knows content', () => {
    const hashes = [
      object(1),
      object(1, { content: 'other' }),
      object(1, { edited: 1 }),
      { ...object(1), tag: [] },
      { ...object(1), tag: [1] },
    ].map(itemHash)
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})
