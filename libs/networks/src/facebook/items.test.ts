import { expect, test } from '@jest/globals'
import { as2Problems } from '@asheville/testkit'
import { eventItem, isAtOrBelow, likeItem, markOf, photoItem, postItem, videoItem } from './items.ts'

const io = { account: { id: '4001', handle: 'Ann Example' } }
const me = 'https://www.facebook.com/4001'
const place = {
  id: '900',
  name: 'Blue Café',
  location: { city: 'Asheville', country: 'United States', latitude: 35.59, longitude: -82.55, street: '1 Main St', zip: '28801' },
}

const post = (more: object = {}) => ({
  id: '4001_1',
  created_time: '2024-02-29T23:59:59+0000',
  permalink_url: 'https://www.facebook.com/ann/posts/1',
  ...more,
})
const pictureOf = (id: string, signature: string, more: object = {}) => ({
  type: 'photo',
  media_type: 'photo',
  target: { id, url: `https://www.facebook.com/photo.php?fbid=${id}` },
  url: `https://www.facebook.com/photo.php?fbid=${id}`,
  media: { image: { src: `https://scontent.example/${id}_p720.jpg?oh=${signature}&oe=66`, width: 720, height: 480 } },
  ...more,
})
const albumOf = (signature: string) => ({
  data: [
    {
      ...pictureOf('71', signature),
      type: 'album',
      media_type: 'album',
      title: 'Summer',
      target: { id: '70', url: 'https://www.facebook.com/media/set/?set=a.70' },
      url: 'https://www.facebook.com/media/set/?set=a.70',
      subattachments: {
        data: [
          pictureOf('71', signature, { description: 'At the lake' }),
          pictureOf('72', signature),
          {
            ...pictureOf('73', signature),
            type: 'video_inline',
            media_type: 'video',
            media: { source: `https://video.example/73.mp4?oh=${signature}` },
          },
        ],
      },
    },
  ],
})

test('a post with words, tags and counts', () => {
  const record = post({
    message: 'With 🐻 Bob & <Carl>\n\nBye',
    message_tags: [{ id: '55', name: 'Bob', type: 'user', offset: 7, length: 3 }],
    privacy: { value: 'ALL_FRIENDS', description: 'Your friends' },
    shares: { count: 2 },
    reactions: { data: [], summary: { total_count: 5 } },
    comments: { data: [], summary: { total_count: 1 } },
  })
  const item = postItem(record, io)
  expect(item).toEqual({
    id: 'https://www.facebook.com/4001_1',
    contentType: 'posts',
    at: '2024-02-29T23:59:59.000Z',
    media: [],
    raw: record,
    object: {
      id: 'https://www.facebook.com/4001_1',
      type: 'Note',
      attributedTo: me,
      url: 'https://www.facebook.com/ann/posts/1',
      published: '2024-02-29T23:59:59.000Z',
      content: '<p>With 🐻 <a href="https://www.facebook.com/55">Bob</a> &#38; &#60;Carl&#62;</p><p>Bye</p>',
      source: { content: 'With 🐻 Bob & <Carl>\n\nBye', mediaType: 'text/plain' },
      tag: [{ type: 'Mention', href: 'https://www.facebook.com/55', name: 'Bob' }],
      'asheville:visibility': 'friends',
      replies: { type: 'Collection', totalItems: 1 },
      shares: { type: 'Collection', totalItems: 2 },
      likes: { type: 'Collection', totalItems: 5 },
    },
  })
  expect(as2Problems(item.object)).toEqual([])
})

test('an album: each of its pictures once, and its video', () => {
  const item = postItem(post({ message: 'Three', attachments: albumOf('a') }), io)
  expect(item.media.map(({ url, kind }) => [url, kind])).toEqual([
    ['https://www.facebook.com/71', 'image'],
    ['https://www.facebook.com/72', 'image'],
    ['https://www.facebook.com/73', 'video'],
  ])
  expect(item.object['attachment']).toEqual([
    { type: 'Image', url: 'https://www.facebook.com/71', name: 'At the lake' },
    { type: 'Image', url: 'https://www.facebook.com/72' },
    { type: 'Video', url: 'https://www.facebook.com/73' },
  ])
  expect(item.object['asheville:album']).toEqual({ name: 'Summer', url: 'https://www.facebook.com/media/set/?set=a.70' })
  expect(as2Problems(item.object)).toEqual([])
})

test('what changes with each listing is no part of the item: signatures, and when somebody commented', () => {
  const [one, other] = ['a', 'b'].map((signature) =>
    postItem(post({ updated_time: `2024-03-0${signature === 'a' ? 1 : 2}T00:00:00+0000`, attachments: albumOf(signature) }), io),
  )
  expect(other!.object).toEqual(one!.object)
  expect(other!.media.map(({ url }) => url)).toEqual(one!.media.map(({ url }) => url))
  expect(other!.media[0]!.fresh).not.toBe(one!.media[0]!.fresh)
})

test('a single picture does not say the words of its post again', () => {
  const item = postItem(post({ message: 'Look', attachments: { data: [pictureOf('71', 'a', { description: 'Look' })] } }), io)
  expect(item.object['attachment']).toEqual([{ type: 'Image', url: 'https://www.facebook.com/71' }])
})

test('links lead where they lead, without Facebook in between', () => {
  const shim = (hash: string) => `https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org%2Fa%3Fb%3D1&h=${hash}&s=1`
  const link = (more: object) => ({
    type: 'share',
    media_type: 'link',
    title: 'A page',
    description: 'About it',
    target: { url: shim('x') },
    ...more,
  })
  const attachmentOf = (more: object) => postItem(post({ attachments: { data: [link(more)] } }), io).object['attachment']
  const expected = [{ type: 'Page', url: 'https://example.org/a?b=1', name: 'A page', summary: 'About it' }]
  expect(attachmentOf({ url: shim('AT0') })).toEqual(expected)
  expect(attachmentOf({ url: shim('AT1'), unshimmed_url: 'https://example.org/a?b=1' })).toEqual(expected)
  expect(
    attachmentOf({ type: 'video_share_youtube', media_type: 'video', url: shim('AT2'), media: { source: 'https://example.org/embed' } }),
  ).toEqual(expected)
})

test('a post with a place is a check-in, whatever else it has, and nothing besides', () => {
  const map = { type: 'map', title: 'Blue Café', url: 'https://www.facebook.com/900', target: { id: '900' } }
  const record = post({ message: 'Coffee', place, attachments: { data: [map, pictureOf('71', 'a')] } })
  const item = postItem(record, io)
  expect(item).toMatchObject({ contentType: 'check-ins', object: { type: 'Arrive', actor: me, content: '<p>Coffee</p>' } })
  expect(item.object['location']).toEqual({
    id: 'https://www.facebook.com/900',
    type: 'Place',
    url: 'https://www.facebook.com/900',
    name: 'Blue Café',
    latitude: 35.59,
    longitude: -82.55,
    'asheville:address': { street: '1 Main St', zip: '28801', city: 'Asheville', country: 'United States' },
  })
  expect(item.media).toHaveLength(1)
  expect(item.object['attachment']).toHaveLength(1)
  expect(as2Problems(item.object)).toEqual([])
})

test('a share of somebody’s post, and a post of Facebook’s own words only', () => {
  const share = postItem(post({ message: 'So true', parent_id: '77_8', story: 'Ann shared a post.', place }), io)
  expect(share).toMatchObject({
    contentType: 'posts',
    object: {
      type: 'Announce',
      actor: me,
      object: 'https://www.facebook.com/77_8',
      content: '<p>So true</p>',
      'asheville:story': 'Ann shared a post.',
    },
  })
  expect(as2Problems(share.object)).toEqual([])
  expect(postItem(post({ story: 'Ann updated her profile picture.' }), io).object).toMatchObject({
    content: '<p>Ann updated her profile picture.</p>',
  })
})

test('a photo in its largest size, a video, a liked page, an event', () => {
  const photo = photoItem(
    {
      id: '71',
      created_time: '2024-01-01T10:00:00+0100',
      name: 'The lake',
      alt_text: 'May be an image of a lake',
      link: 'https://www.facebook.com/photo.php?fbid=71',
      images: [
        { source: 'https://scontent.example/71_s.jpg', width: 320, height: 240 },
        { source: 'https://scontent.example/71_o.jpg', width: 2048, height: 1536 },
      ],
      album: { id: '70', name: 'Summer' },
    },
    io,
  )
  expect(photo).toMatchObject({
    id: 'https://www.facebook.com/71',
    contentType: 'photos',
    at: '2024-01-01T09:00:00.000Z',
    object: {
      type: 'Image',
      content: '<p>The lake</p>',
      attachment: [{ type: 'Image', url: 'https://www.facebook.com/71', width: 2048, height: 1536, name: 'May be an image of a lake' }],
      'asheville:album': { name: 'Summer', url: 'https://www.facebook.com/70' },
    },
    media: [{ url: 'https://www.facebook.com/71', kind: 'image', fresh: expect.stringContaining('71_o.jpg') }],
  })
  const video = videoItem(
    { id: '73', created_time: '2024-01-02T09:00:00+0000', length: 12.5, permalink_url: '/ann/videos/73/', description: 'Waves' },
    io,
  )
  expect(video).toMatchObject({
    contentType: 'videos',
    object: {
      type: 'Video',
      url: 'https://www.facebook.com/ann/videos/73/',
      duration: 'PT12.5S',
      attachment: [{ url: 'https://www.facebook.com/73' }],
    },
    media: [{ url: 'https://www.facebook.com/73', kind: 'video' }],
  })
  const like = likeItem(
    { id: '800', created_time: '2024-01-03T09:00:00+0000', name: 'Lakes', category: 'Nature', link: 'https://www.facebook.com/lakes' },
    io,
  )
  expect(like).toMatchObject({
    id: `${me}#likes/800`,
    contentType: 'likes',
    at: '2024-01-03T09:00:00.000Z',
    object: {
      type: 'Like',
      actor: me,
      object: { id: 'https://www.facebook.com/800', type: 'Page', name: 'Lakes', url: 'https://www.facebook.com/lakes' },
    },
  })
  const event = eventItem({
    id: '600',
    name: 'Swim',
    start_time: '2024-06-01T19:00:00+0200',
    place: { name: 'The lake' },
    cover: { id: '61', source: 'https://scontent.example/61.jpg?oh=a' },
    rsvp_status: 'attending',
  })
  expect(event).toMatchObject({
    id: 'https://www.facebook.com/600',
    contentType: 'events',
    at: null,
    object: {
      type: 'Event',
      name: 'Swim',
      startTime: '2024-06-01T17:00:00.000Z',
      image: { type: 'Image', url: 'https://www.facebook.com/61' },
      'asheville:rsvp': 'attending',
    },
  })
  for (const { object } of [photo, video, like, event]) expect(as2Problems(object)).toEqual([])
})

test.each([{ created_time: 'soon' }, { id: '1/../2' }, { id: 7 }, { attachments: { data: 'none' } }])(
  'a post that is not as it should be is refused: %j',
  (broken) => {
    expect(() => postItem(post(broken), io)).toThrow()
  },
)

test('a mark is a place in time: what is as old is below only when it is the same', () => {
  const at = (second: number, id: string) => ({ id, created_time: `2024-01-01T00:00:0${second}+0000` })
  const mark = markOf(at(5, '3'))!
  expect([at(6, '9'), at(5, '4'), at(5, '3'), at(4, '8'), { id: '1' }].map((record) => isAtOrBelow(record, mark))).toEqual([
    false,
    false,
    true,
    true,
    false,
  ])
})
