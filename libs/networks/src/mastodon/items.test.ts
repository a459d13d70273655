import { describe, expect, test } from '@jest/globals'
import { as2Problems } from '@asheville/testkit'
import { bookmarkItem, followItem, likeItem, localIdIn, statusItem } from './items.ts'

const me = { id: '7', username: 'me', acct: 'me', display_name: 'Me', url: 'https://home.example/@me' }
const her = { id: '9', username: 'her', acct: 'her@far.example', display_name: '', url: 'https://far.example/@her', bot: true }
const status = {
  id: '100',
  uri: 'https://home.example/users/me/statuses/100',
  url: 'https://home.example/@me/100',
  created_at: '2024-02-29T23:59:59.5+01:00',
  edited_at: null,
  in_reply_to_id: null,
  in_reply_to_account_id: null,
  sensitive: false,
  spoiler_text: '',
  visibility: 'public',
  language: 'de',
  content: '<p>Hallo</p>',
  replies_count: 1,
  reblogs_count: 2,
  favourites_count: 3,
  account: me,
  media_attachments: [],
  mentions: [],
  tags: [],
  poll: null,
  card: null,
  reblog: null,
}
const picture = {
  type: 'image',
  url: 'https://files.home.example/original/1.JPG',
  remote_url: null,
  description: 'A cat',
  blurhash: 'UFBWY',
  meta: { original: { width: 640, height: 480 }, focus: { x: -0.27, y: 0.51 } },
}

test('a post', () => {
  const item = statusItem(status)
  expect(item).toEqual({
    id: 'https://home.example/users/me/statuses/100',
    contentType: 'posts',
    at: '2024-02-29T22:59:59.500Z',
    media: [],
    raw: status,
    object: {
      id: 'https://home.example/users/me/statuses/100',
      type: 'Note',
      attributedTo: 'https://home.example/@me',
      content: '<p>Hallo</p>',
      published: '2024-02-29T22:59:59.500Z',
      url: 'https://home.example/@me/100',
      to: ['https://www.w3.org/ns/activitystreams#Public'],
      'asheville:visibility': 'public',
      'asheville:language': 'de',
      replies: { type: 'Collection', totalItems: 1 },
      shares: { type: 'Collection', totalItems: 2 },
      likes: { type: 'Collection', totalItems: 3 },
    },
  })
})

test('a post with all that a post can have', () => {
  const { object, media } = statusItem({
    ...status,
    edited_at: '2024-03-01T08:00:00.000Z',
    sensitive: true,
    spoiler_text: 'Cats',
    visibility: 'unlisted',
    media_attachments: [
      picture,
      {
        ...picture,
        type: 'gifv',
        url: null,
        remote_url: 'https://far.example/2.mp4',
        description: null,
        meta: { original: { duration: 1.11 } },
      },
      { ...picture, type: 'unknown', url: 'https://files.home.example/3.xyz', blurhash: null, meta: 'odd' },
      { ...picture, url: null },
    ],
    mentions: [{ acct: 'her@far.example', url: 'https://far.example/@her' }],
    tags: [{ name: 'cats', url: 'https://home.example/tags/cats' }],
    card: { url: 'https://example.org/', title: 'Example', description: '' },
    quote: { quoted_status: { uri: 'https://far.example/statuses/5', url: 'https://far.example/@her/5' } },
  })
  expect(as2Problems(object)).toEqual([])
  expect(object).toMatchObject({
    updated: '2024-03-01T08:00:00.000Z',
    summary: 'Cats',
    cc: ['https://www.w3.org/ns/activitystreams#Public'],
    'asheville:sensitive': true,
    attachment: [
      {
        type: 'Image',
        url: 'https://files.home.example/original/1.JPG',
        mediaType: 'image/jpeg',
        name: 'A cat',
        width: 640,
        height: 480,
        'asheville:focalPoint': [-0.27, 0.51],
        'asheville:blurhash': 'UFBWY',
      },
      { type: 'Video', url: 'https://far.example/2.mp4', mediaType: 'video/mp4', duration: 'PT1.11S' },
      { type: 'Document', url: 'https://files.home.example/3.xyz' },
      { type: 'Page', url: 'https://example.org/', name: 'Example' },
    ],
    tag: [
      { type: 'Mention', href: 'https://far.example/@her', name: '@her@far.example' },
      { type: 'Hashtag', href: 'https://home.example/tags/cats', name: '#cats' },
      { type: 'Link', href: 'https://far.example/statuses/5', rel: 'quote', name: 'RE: https://far.example/@her/5' },
    ],
  })
  expect(media).toEqual([
    { url: 'https://files.home.example/original/1.JPG', kind: 'image', mediaType: 'image/jpeg' },
    { url: 'https://far.example/2.mp4', kind: 'video', mediaType: 'video/mp4' },
    { url: 'https://files.home.example/3.xyz', kind: 'document' },
  ])
})

test('a poll is a question; its votes are counts', () => {
  const poll = {
    expires_at: '2024-03-02T00:00:00Z',
    multiple: false,
    options: [
      { title: 'Yes', votes_count: 4 },
      { title: 'No', votes_count: null },
    ],
  }
  const { object } = statusItem({ ...status, poll })
  expect(object).toMatchObject({
    type: 'Question',
    endTime: '2024-03-02T00:00:00.000Z',
    oneOf: [
      { type: 'Note', name: 'Yes', replies: { type: 'Collection', totalItems: 4 } },
      { type: 'Note', name: 'No' },
    ],
  })
  expect(as2Problems(object)).toEqual([])
  expect(statusItem({ ...status, poll: { ...poll, multiple: true } }).object['anyOf']).toHaveLength(2)
})

describe('inReplyTo', () => {
  test('is the address of a post of one’s own', () => {
    const { object } = statusItem({ ...status, in_reply_to_id: '99', in_reply_to_account_id: '7' })
    expect(object['inReplyTo']).toBe('https://home.example/users/me/statuses/99')
  })

  test('of another’s post is its place at this server’s API', () => {
    const { object } = statusItem({ ...status, in_reply_to_id: '98', in_reply_to_account_id: '9' })
    expect(object['inReplyTo']).toBe('https://home.example/api/v1/statuses/98')
  })
})

const hers = {
  ...status,
  id: '55',
  uri: 'https://far.example/users/her/statuses/3',
  url: null,
  account: her,
  media_attachments: [picture],
  language: null,
}

test('a boost holds the post, with its files and under its author', () => {
  const item = statusItem({ ...status, uri: `${status.uri}/activity`, content: '', reblog: hers })
  expect(as2Problems(item.object)).toEqual([])
  expect(item).toMatchObject({
    id: 'https://home.example/users/me/statuses/100/activity',
    media: [{ url: picture.url }],
    object: {
      type: 'Announce',
      actor: 'https://home.example/@me',
      published: '2024-02-29T22:59:59.500Z',
      object: {
        id: 'https://far.example/users/her/statuses/3',
        attributedTo: { type: 'Service', name: 'her', preferredUsername: 'her@far.example' },
        attachment: [{ url: picture.url }],
      },
    },
  })
})

test('favourites, bookmarks and follows are undated acts', () => {
  const like = likeItem(hers, 'https://home.example/@me')
  const bookmark = bookmarkItem(hers, 'https://home.example/@me')
  const follow = followItem(her, 'https://home.example/@me')
  expect([like, bookmark, follow].map(({ id, at, object }) => [id, at, object.type])).toEqual([
    ['https://home.example/@me#likes/55', null, 'Like'],
    ['https://home.example/@me#bookmarks/55', null, 'Add'],
    ['https://home.example/@me#follows/9', null, 'Follow'],
  ])
  expect([like, bookmark, follow].map(({ media }) => media.length)).toEqual([0, 1, 0])
  expect([like, bookmark, follow].flatMap(({ object }) => as2Problems(object))).toEqual([])
})

test.each([{ ...status, uri: undefined }, { ...status, created_at: 'soon' }, { ...status, media_attachments: 'none' }, null, 'text'])(
  'a record that is not as it should be throws (%#)',
  (record) => expect(() => statusItem(record)).toThrow(),
)

test.each([
  ['https://a.example/users/me/statuses/12', '12'],
  ['https://a.example/users/me/statuses/12/activity', '12'],
  ['https://a.example/ap/users/7/statuses/12', '12'],
  ['https://a.example/users/me/statuses/01HG8Z', '01HG8Z'],
  ['https://a.example/objects/3f2c', null],
])('the id in %s is %s', (uri, id) => expect(localIdIn(uri)).toBe(id))
