import { describe, expect, test } from '@jest/globals'
import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from '@asheville/core'
import { defaultLimits, inBatches, type Batch } from './batches.ts'

const item = (id: string) => ({
  id,
  contentType: 'posts' as const,
  at: null,
  object: { id, type: 'Note' },
  media: [],
  raw: { text: 'x'.repeat(100) },
})

function page(number: number, more: Partial<Page> = {}): Page {
  return { items: [item(`${number}a`), item(`${number}b`)], gone: [], skipped: [], cursor: String(number), ...more }
}

async function collect(pages: AsyncIterable<Page>, limits = {}, kind: 'backfill' | 'incremental' = 'backfill'): Promise<Batch[]> {
  const batches: Batch[] = []
  for await (const batch of inBatches(pages, kind, { ...defaultLimits, ...limits })) batches.push(batch)
  return batches
}

async function* of(pages: Page[], everyMs = 0): AsyncGenerator<Page> {
  for (const one of pages) {
    if (everyMs > 0) await delay(everyMs)
    yield one
  }
}

describe('batches', () => {
  test('pages are grouped by count and never split; the cursor is the last page’s', async () => {
    const batches = await collect(of([page(1), page(2), page(3), page(4), page(5, { cursor: null })]), { items: 3 })
    expect(batches.map((batch) => [batch.pages, batch.items.length, batch.cursor])).toEqual([
      [2, 4, '2'],
      [2, 4, '4'],
      [1, 2, null],
    ])
  })

  test('bounded by bytes and by media', async () => {
    const media = [{ url: 'https://example.org/a.jpg', kind: 'image' as const }]
    expect(await collect(of([page(1), page(2), page(3)]), { bytes: 300 })).toHaveLength(3)
    const pictures = of([1, 2, 3].map((number) => page(number, { items: [{ ...item('p'), media }] })))
    expect(await collect(pictures, { media: 2 })).toHaveLength(2)
  })

  test('but for the first they end with a month, for which they take from the page after them what belongs to it', async () => {
    const of10 = (number: number, days: string[]) =>
      page(number, { items: days.map((day) => ({ ...item(`${number} ${day}`), at: `2024-${day}T00:00:00.000Z` })) })
    const pages = [
      of10(1, ['12-31', '12-30']),
      of10(2, ['12-29', '12-28']),
      of10(3, ['12-27', '11-30']),
      of10(4, ['11-29', '11-28']),
      of10(5, ['11-27', '10-31']),
      of10(6, ['10-30', '10-29']),
      of10(7, ['10-28', '10-27']),
      of10(8, ['10-26', '10-25']),
      of10(9, ['10-24', '09-30']),
    ]
    const batches = await collect(of(pages), { items: 2 })
    expect(batches.map((batch) => [batch.cursor, batch.items.map(({ item: { id } }) => id.slice(2)).join(' ')])).toEqual([
      ['1', '12-31 12-30'],
      // The third page comes whole with the batch after this one.
      ['2', '12-29 12-28 12-27'],
      ['4', '12-27 11-30 11-29 11-28'],
      // Twice the limit is the end, whatever it ends with.
      ['6', '11-27 10-31 10-30 10-29'],
      ['8', '10-28 10-27 10-26 10-25'],
      ['9', '10-24 09-30'],
    ])
  })

  test('the first batch is cut early, later ones when their time is up, though the next page is not there', async () => {
    const batches = await collect(
      of(
        [1, 2, 3, 4, 5, 6, 7, 8].map((number) => page(number)),
        30,
      ),
      { firstMs: 40, ms: 100 },
    )
    expect(batches[0]?.pages).toBeLessThan(4)
    expect(batches.length).toBeGreaterThan(1)
    expect(batches.flatMap((batch) => batch.items)).toHaveLength(16)
  })

  test('does not wait with what it has when the walk ends', async () => {
    const started = performance.now()
    expect(await collect(of([page(1, { cursor: null })]), { firstMs: 5000 })).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(1000)
  })

  test('what arrived before an error is delivered before it', async () => {
    async function* broken() {
      yield page(1)
      yield page(2)
      throw new Error('429')
    }
    const seen: Batch[] = []
    const run = async () => {
      for await (const batch of inBatches(broken(), 'backfill', defaultLimits)) seen.push(batch)
    }
    await expect(run()).rejects.toThrow('429')
    expect(seen.map((batch) => batch.cursor)).toEqual(['2'])
  })

  test('of a backfill the first head counts, of an incremental walk the last', async () => {
    const pages = [page(1, { head: 'h1' }), page(2, { head: 'h2' }), page(3)]
    expect((await collect(of(pages)))[0]?.head).toBe('h1')
    expect((await collect(of(pages), {}, 'incremental'))[0]?.head).toBe('h2')
  })

  test('ending early ends the pages', async () => {
    let isEnded = false
    async function* pages() {
      try {
        for (let number = 1; ; number += 1) yield page(number)
      } finally {
        isEnded = true
      }
    }
    for await (const _ of inBatches(pages(), 'backfill', { ...defaultLimits, items: 2 })) break
    expect(isEnded).toBe(true)
  })
})
