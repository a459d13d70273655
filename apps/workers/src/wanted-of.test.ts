import { describe, expect, test } from '@jest/globals'
import type { Covered, Item } from '@asheville/core'
import type { Batch } from './batches.ts'
import { wantedOf } from './wanted-of.ts'

const stream = { contentTypes: ['posts', 'likes'] } as const

function item(id: string, contentType: Item['contentType'] = 'posts', more: Partial<Item> = {}): Item {
  return { id, contentType, at: '2024-01-01T00:00:00.000Z', object: { id, type: 'Note' }, media: [], raw: {}, ...more }
}

function batchOf(items: Item[], covers: Covered[] = []): Batch {
  const seen = items.map((one) => ({ item: one, seenAt: '2024-01-01T00:00:00.000Z' }))
  return { items: seen, gone: [], skipped: [], covers, available: { posts: 2, likes: 3 }, head: 'h', account: null, cursor: 'c', pages: 1 }
}

const covered: Covered = { by: 'id', from: null, to: null }

describe('what is stored of a batch', () => {
  test('is all of it when all of the stream is wanted', () => {
    const batch = batchOf([item('a'), item('b', 'likes')], [covered])
    expect(wantedOf(batch, stream, ['posts', 'likes'])).toEqual(batch)
  })

  test('is only the content types that the person wants; the others are neither stored, counted, nor taken for gone', () => {
    const likes: Covered = { ...covered, contentType: 'likes' }
    const wanted = wantedOf(batchOf([item('a'), item('b', 'likes')], [covered, likes]), stream, ['posts'])
    expect(wanted.items.map((one) => one.item.id)).toEqual(['a'])
    expect(wanted.skipped).toEqual([])
    expect(wanted.covers).toEqual([{ ...covered, contentType: 'posts' }])
    expect(wanted.available).toEqual({ posts: 2 })
  })

  test('an item that no service of ours would take is skipped, and holds up no other', () => {
    const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown
    const unfit = [
      item('a\0'),
      item('b\ud800'),
      item('c'.repeat(3000)),
      item('d', 'posts', { at: '+012024-01-01T00:00:00.000Z' }),
      item('e', 'posts', { raw: deep }),
      item('f', 'posts', { media: [{ url: 'https://a.example/\0.png', kind: 'image' }] }),
    ]
    const wanted = wantedOf(batchOf([...unfit, item('good')], [covered]), stream, ['posts', 'likes'])
    expect(wanted.items.map((one) => one.item.id)).toEqual(['good'])
    expect(wanted.skipped).toHaveLength(unfit.length)
    expect(wanted.covers).toEqual([])
  })
})
