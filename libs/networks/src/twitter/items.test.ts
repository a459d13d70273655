import { describe, expect, test } from '@jest/globals'
import { as2Problems } from '@asheville/testkit'
import type { Found } from './api.ts'
import { readIncludes } from './includes.ts'
import { bookmarkItem, followItem, idOf, likeItem, postItem } from './items.ts'

/** Shapes of https://docs.x.com/x-api/fundamentals/data-dictionary; nobody's. */
const me = { id: '2244994945', name: 'Me', username: 'me', public_metrics: { tweet_count: 3, following_count: 1, like_count: 2 } }
const her = { id: '783214', name: '', username: 'her' }
const tweet = {
  id: '1260294888811347969',
  text: 'Hello &amp; good day',
  created_at: '2020-05-12T19:44:51.000Z',
  author_id: me.id,
  edit_history_tweet_ids: ['1260294888811347969'],
  conversation_id: '1260294888811347969',
  lang: 'en',
  possibly_sensitive: false,
  public_metrics: { retweet_count: 2, reply_count: 1, like_count: 3, quote_count: 0, bookmark_count: 0, impression_count: 90 },
  source: 'Twitter Web App',
}
const mine = 'https://x.com/i/user/2244994945'
const found = (record: unknown, includes: Record<string, unknown[]> = {}): Found => ({
  record,
  includes: readIncludes({ tweets: null, users: [me, her], media: null, polls: null, places: null, ...includes }),
  owner: me.id,
})
const tco = (start: number, expanded: string, more: object = {}) => ({
  ...{ start, end: start + 23, url: 'https://t.co/oeF3ZHeKQQ', expanded_url: expanded, display_url: expanded.slice(8, 20) },
  ...more,
})

test('a post', () => {
  expect(postItem(found(tweet))).toEqual({
    id: 'https://x.com/i/status/1260294888811347969',
    contentType: 'posts',
    at: '2020-05-12T19:44:51.000Z',
    media: [],
    raw: { data: tweet, includes: { users: [me] } },
    object: {
      id: 'https://x.com/i/status/1260294888811347969',
      type: 'Note',
      attributedTo: mine,
      content: '<p>Hello &#38; good day</p>',
      source: { content: 'Hello & good day', mediaType: 'text/plain' },
      published: '2020-05-12T19:44:51.000Z',
      url: 'https://x.com/i/status/1260294888811347969',
      context: 'https://x.com/i/status/1260294888811347969',
      generator: { type: 'Application', name: 'Twitter Web App' },
      'asheville:language': 'en',
      replies: { type: 'Collection', totalItems: 1 },
      shares: { type: 'Collection', totalItems: 2 },
      likes: { type: 'Collection', totalItems: 3 },
    },
  })
})

test('a long post with all that a post can have', () => {
  const note = 'Read https://t.co/oeF3ZHeKQQ @her #cats'
  const media = [
    { media_key: '3_1', type: 'photo', url: 'https://pbs.twimg.com/media/EXample1.jpg', width: 1200, height: 800, alt_text: 'A cat' },
    {
      ...{
        media_key: '7_2',
        type: 'video',
        preview_image_url: 'https://pbs.twimg.com/p.jpg',
        duration_ms: 46947,
        width: 1920,
        height: 1080,
      },
      variants: [
        { bit_rate: 632_000, content_type: 'video/mp4', url: 'https://video.twimg.com/low.mp4?tag=13' },
        { content_type: 'application/x-mpegURL', url: 'https://video.twimg.com/list.m3u8?tag=13' },
        { bit_rate: 10_368_000, content_type: 'video/mp4', url: 'https://video.twimg.com/high.mp4?tag=13' },
        { bit_rate: 2_176_000, content_type: 'video/mp4', url: 'https://video.twimg.com/middle.mp4?tag=13' },
      ],
    },
    {
      media_key: '16_3',
      type: 'animated_gif',
      variants: [{ bit_rate: 0, content_type: 'video/mp4', url: 'https://video.twimg.com/gif.mp4' }],
    },
    { media_key: '13_4', type: 'video', preview_image_url: 'https://pbs.twimg.com/q.jpg' },
    { media_key: '3_5', type: 'photo', url: 'https://pbs.twimg.com/media/EXample5?format=png&name=small' },
  ]
  const record = {
    ...tweet,
    text: 'Read https://t.co/oeF3ZHeKQQ…',
    note_tweet: {
      text: note,
      entities: {
        urls: [tco(5, 'https://example.org/', { title: 'Example', description: 'It is one' })],
        mentions: [{ start: 29, end: 33, username: 'her', id: her.id }],
        hashtags: [{ start: 34, end: 39, tag: 'cats' }],
      },
    },
    attachments: { media_keys: [...media.map(({ media_key: key }) => key), '3_9'] },
    referenced_tweets: [
      { type: 'replied_to', id: '1200000000000000001' },
      { type: 'quoted', id: '1200000000000000003' },
    ],
    geo: { place_id: '01a9a39529b27f36', coordinates: { type: 'Point', coordinates: [-74.1, 40.6] } },
    possibly_sensitive: true,
    lang: 'qme',
  }
  const quoted = { ...tweet, id: '1200000000000000003', edit_history_tweet_ids: ['1200000000000000002', '1200000000000000003'] }
  const place = { id: '01a9a39529b27f36', full_name: 'Manhattan, NY', country_code: 'US' }
  const { object, media: sources } = postItem(found(record, { media, tweets: [quoted], places: [place] }))
  expect(as2Problems(object)).toEqual([])
  expect(object).toMatchObject({
    inReplyTo: 'https://x.com/i/status/1200000000000000001',
    source: { content: 'Read https://example.org/ @her #cats' },
    'asheville:sensitive': true,
    location: { type: 'Place', name: 'Manhattan, NY', latitude: 40.6, longitude: -74.1, 'asheville:country': 'US' },
    attachment: [
      {
        ...{ type: 'Image', url: 'https://pbs.twimg.com/media/EXample1.jpg?name=orig', mediaType: 'image/jpeg' },
        ...{ name: 'A cat', width: 1200, height: 800 },
      },
      {
        type: 'Video',
        url: 'https://video.twimg.com/high.mp4?tag=13',
        mediaType: 'video/mp4',
        width: 1920,
        height: 1080,
        duration: 'PT46.947S',
      },
      { type: 'Video', url: 'https://video.twimg.com/gif.mp4', mediaType: 'video/mp4' },
      { type: 'Image', url: 'https://pbs.twimg.com/media/EXample5?format=png&name=orig', mediaType: 'image/png' },
      { type: 'Page', url: 'https://example.org/', name: 'Example', summary: 'It is one' },
    ],
    tag: [
      { type: 'Mention', href: 'https://x.com/i/user/783214', name: '@her' },
      { type: 'Hashtag', href: 'https://x.com/hashtag/cats', name: '#cats' },
      { type: 'Link', rel: 'quote', href: 'https://x.com/i/status/1200000000000000002' },
    ],
  })
  expect(object).not.toHaveProperty('asheville:language')
  expect(sources.map(({ url, kind }) => [url, kind])).toEqual([
    ['https://pbs.twimg.com/media/EXample1.jpg?name=orig', 'image'],
    ['https://video.twimg.com/high.mp4?tag=13', 'video'],
    ['https://video.twimg.com/gif.mp4', 'video'],
    ['https://pbs.twimg.com/media/EXample5?format=png&name=orig', 'image'],
  ])
})

test('links that stand for pictures or the quoted post are no words', () => {
  const quoted = { ...tweet, id: '1200000000000000003', edit_history_tweet_ids: ['1200000000000000003'], author_id: her.id }
  const record = {
    ...tweet,
    text: 'Mind this https://t.co/oeF3ZHeKQQ https://t.co/oeF3ZHeKQQ https://t.co/oeF3ZHeKQQ',
    entities: {
      urls: [
        tco(10, 'https://x.com/her/status/1100000000000000000'),
        tco(34, 'https://twitter.com/her/status/1200000000000000003'),
        tco(58, 'https://x.com/me/status/1260294888811347969/photo/1'),
      ],
    },
    referenced_tweets: [{ type: 'quoted', id: quoted.id }],
  }
  expect(postItem(found(record, { tweets: [quoted] })).object['source']).toMatchObject({
    content: 'Mind this https://x.com/her/status/1100000000000000000',
  })
})

test('a poll is a question; its votes are counts', () => {
  const options = [
    { position: 1, label: 'Yes', votes: 4 },
    { position: 2, label: 'No', votes: 'many' },
  ]
  const poll = { id: '1199786642468413448', options, end_datetime: '2020-05-13T19:44:51.000Z', voting_status: 'closed' }
  const { object, raw } = postItem(found({ ...tweet, attachments: { poll_ids: [poll.id] } }, { polls: [poll] }))
  expect(as2Problems(object)).toEqual([])
  expect(object).toMatchObject({
    type: 'Question',
    endTime: '2020-05-13T19:44:51.000Z',
    oneOf: [
      { type: 'Note', name: 'Yes', replies: { type: 'Collection', totalItems: 4 } },
      { type: 'Note', name: 'No', replies: { type: 'Collection' } },
    ],
  })
  expect(raw).toMatchObject({ includes: { polls: [poll] } })
})

test('a place without a point is its middle, with how far it reaches', () => {
  const place = { id: 'p', full_name: 'Bergen', geo: { type: 'Feature', bbox: [5, 60, 5.2, 60.1], properties: {} } }
  const { location } = postItem(found({ ...tweet, geo: { place_id: 'p' } }, { places: [place] })).object as Record<string, unknown>
  expect(location).toEqual({ type: 'Place', name: 'Bergen', latitude: 60.05, longitude: 5.1, radius: expect.any(Number), units: 'm' })
  expect((location as { radius: number }).radius).toBeGreaterThan(5500)
  expect((location as { radius: number }).radius).toBeLessThan(8500)
})

describe('an edited post', () => {
  const first = '1575590109413711872'
  const edited = {
    ...tweet,
    id: '1575591085650759681',
    edit_history_tweet_ids: [first, '1575591085650759681'],
    created_at: '2022-09-29T20:59:22.000Z',
  }
  const before = {
    ...tweet,
    id: first,
    text: 'Helo',
    created_at: '2022-09-29T20:55:29.000Z',
    edit_history_tweet_ids: edited.edit_history_tweet_ids,
  }

  test('is named and dated after its first version, which it tells', () => {
    const { id, at, object } = postItem(found(edited, { tweets: [before] }))
    expect([id, at]).toEqual([`https://x.com/i/status/${first}`, '2022-09-29T20:55:29.000Z'])
    expect(as2Problems(object)).toEqual([])
    expect(object).toMatchObject({
      ...{ updated: '2022-09-29T20:59:22.000Z', url: 'https://x.com/i/status/1575591085650759681' },
      'asheville:versions': [{ type: 'Note', id, published: at, content: '<p>Helo</p>' }],
    })
  })

  test('has that date from the id where X does not bring the version along', () => {
    const { at, object } = postItem(found(edited))
    expect(at).toBe('2022-09-29T20:55:29.000Z')
    expect(object['asheville:versions']).toEqual([{ type: 'Note', id: `https://x.com/i/status/${first}` }])
  })
})

const hers = {
  ...tweet,
  id: '1100000000000000000',
  edit_history_tweet_ids: ['1100000000000000000'],
  author_id: her.id,
  attachments: { media_keys: ['3_1'] },
}
const picture = { media_key: '3_1', type: 'photo', url: 'https://pbs.twimg.com/media/EXample1.jpg' }

test('a repost holds the post, whole and with its files, under its author', () => {
  const record = { ...tweet, text: 'RT @her: Hello &amp; go…', referenced_tweets: [{ type: 'retweeted', id: hers.id }] }
  const item = postItem(found(record, { tweets: [hers], media: [picture] }))
  expect(as2Problems(item.object)).toEqual([])
  expect(item).toMatchObject({
    media: [{ url: 'https://pbs.twimg.com/media/EXample1.jpg?name=orig' }],
    raw: { data: record, includes: { tweets: [hers], users: [me, her], media: [picture] } },
    object: {
      ...{ type: 'Announce', actor: mine, published: '2020-05-12T19:44:51.000Z' },
      object: {
        id: 'https://x.com/i/status/1100000000000000000',
        content: '<p>Hello &#38; good day</p>',
        attributedTo: { id: 'https://x.com/i/user/783214', name: 'her', preferredUsername: 'her', url: 'https://x.com/her' },
        attachment: [{ type: 'Image' }],
      },
    },
  })
  const hidden = postItem(found(record)).object
  expect(as2Problems(hidden)).toEqual([])
  expect(hidden).toMatchObject({ object: 'https://x.com/i/status/1100000000000000000', content: '<p>RT @her: Hello &#38; go…</p>' })
})

test('likes, bookmarks and follows are undated acts', () => {
  const items = [likeItem(found(hers, { media: [picture] })), bookmarkItem(found(hers, { media: [picture] })), followItem(found(her))]
  expect(items.map(({ id, at, object }) => [id, at, object.type])).toEqual([
    [`${mine}#likes/1100000000000000000`, null, 'Like'],
    [`${mine}#bookmarks/1100000000000000000`, null, 'Add'],
    [`${mine}#follows/783214`, null, 'Follow'],
  ])
  expect(items.map(({ media }) => media.length)).toEqual([0, 1, 0])
  expect(items.flatMap(({ object }) => as2Problems(object))).toEqual([])
})

test.each([
  { ...tweet, text: null },
  { ...tweet, created_at: 'soon' },
  { ...tweet, id: 'x' },
  { ...tweet, referenced_tweets: 'none' },
  null,
  'text',
])('a record that is not as it should be throws (%#)', (record) => expect(() => postItem(found(record))).toThrow())

test('a record is named as its item would be, broken or not', () => {
  const broken = found({ id: '2', edit_history_tweet_ids: ['1', '2'] })
  expect(idOf('posts')(broken)).toBe('https://x.com/i/status/1')
  expect(idOf('likes')(broken)).toBe(`${mine}#likes/1`)
  expect(idOf('follows')(found({ id: '5' }))).toBe(`${mine}#follows/5`)
  expect(idOf('posts')(found({ text: 'no id' }))).toBeNull()
})
