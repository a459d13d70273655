import { describe, expect, test } from '@jest/globals'
import type { StoredItem } from '@asheville/clients'
import { createTranslate } from './i18n.ts'
import { itemView } from './item-view.ts'

const t = createTranslate('en')

function stored(object: Record<string, unknown>, part: Partial<StoredItem> = {}): StoredItem {
  return {
    key: 'k',
    id: 'https://example.social/1',
    network: 'mastodon',
    account: '@ann@example.social',
    contentType: 'posts',
    at: null,
    goneAt: null,
    path: 'p.json',
    ...part,
    object: { id: 'https://example.social/1', type: 'Note', ...object },
  }
}

const view = (object: Record<string, unknown>, part: Partial<StoredItem> = {}) => itemView(stored(object, part), 'Mastodon', t)

describe('itemView', () => {
  test('a post with a stored and a missing picture', () => {
    const { media, excerpt } = view({
      content: '<p>Hi</p>',
      attachment: [
        {
          type: 'Document',
          url: 'u',
          mediaType: 'image/jpeg',
          name: 'A lake',
          width: 3,
          height: 2,
          'asheville:path': 'media/2025/03/a b.jpg',
          'asheville:state': 'stored',
        },
        { type: 'Image', url: 'v', 'asheville:state': 'pending', 'asheville:reason': 'timed out' },
      ],
    })
    expect(excerpt).toBe('Hi')
    expect(media).toEqual([
      { kind: 'image', src: '/files/media/2025/03/a%20b.jpg', reason: null, alt: 'A lake', width: 3, height: 2, copies: null },
      { kind: 'image', src: null, reason: 'timed out', alt: '', width: null, height: null, copies: null },
    ])
  })

  test('a like shows what was liked, and by whom it was written', () => {
    const liked = {
      type: 'Note',
      id: 'https://other.example/1',
      attributedTo: 'https://other.example/users/kim',
      content: '<p>Yes</p>',
      url: 'https://other.example/@kim/1',
    }
    expect(view({ type: 'Like', object: liked }, { contentType: 'likes' })).toMatchObject({
      act: 'liked',
      by: '@kim@other.example',
      excerpt: 'Yes',
      original: 'https://other.example/@kim/1',
    })
    expect(view({ type: 'Like', object: 'https://bsky.app/profile/kim.example/post/1' }, { contentType: 'likes' })).toMatchObject({
      act: 'liked',
      by: '@kim.example',
      excerpt: '',
    })
    expect(view({ type: 'Like', object: 'at://did:plc:x/app.bsky.feed.post/1' }, { contentType: 'likes', id: 'at://x' })).toMatchObject({
      by: null,
      original: null,
    })
  })

  test('replies, warnings, links and titles', () => {
    expect(view({ inReplyTo: 'x', content: 'a' }).act).toBe('replied')
    expect(view({ summary: 'Film', content: 'the end' }).warning).toBe('Film')
    expect(view({ sensitive: true, content: 'x' }).warning).toBe('Marked as sensitive')
    expect(view({ type: 'Article', name: 'A <b>title</b>', content: 'x' }, { contentType: 'articles' }).title).toBe('A title')
    expect(view({ content: 'x', attachment: { type: 'Page', url: 'javascript:alert(1)', name: 'x' } }).links).toEqual([])
  })

  test('nothing that an object may hold makes it throw', () => {
    for (const odd of [null, 1, 'text', [], {}, [null], [[1]], { id: {} }, { name: ['x'] }, 'javascript:x', ''])
      for (const name of [
        'content',
        'attachment',
        'image',
        'object',
        'url',
        'tag',
        'summary',
        'name',
        'contentMap',
        'attributedTo',
        'inReplyTo',
      ])
        expect(() => view({ [name]: odd, type: name === 'object' ? 'Like' : 'Note' })).not.toThrow()
  })

  test('cuts between letters, not through an emoji', () => {
    const { excerpt } = view({ content: '👩🏽‍🌾'.repeat(100) })
    expect(excerpt.endsWith('👩🏽‍🌾…')).toBe(true)
  })
})
