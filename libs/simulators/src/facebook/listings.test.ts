import { afterEach, describe, expect, test } from '@jest/globals'
import type { FacebookOptions, FacebookSimulator } from './index.ts'
import { idsOf, startRaw } from './tests/raw-client.ts'

const open: FacebookSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: FacebookOptions = {}) {
  const raw = await startRaw(options)
  open.push(raw.server)
  return raw
}
const day = (n: number) => new Date(Date.UTC(2020, 0, n)).toISOString()

describe('by time', () => {
  test('pages of 25, a hundred at most; an empty one ends it; addresses carry the token and what was asked', async () => {
    const { server, token, get, walk, me } = await start()
    const ids = Array.from({ length: 130 }, (_, i) => server.post({ message: `${i}`, createdAt: day(i + 1) })).reverse()
    const first = await get('/me/posts', { fields: 'message', appsecret_proof: server.proofOf(token) })
    expect(idsOf([first.body.data])).toEqual(ids.slice(0, 25))
    const next = new URL(first.body.paging!.next!)
    expect(next.origin + next.pathname).toBe(`${server.url}/v25.0/${me}/posts`)
    expect(Object.fromEntries(next.searchParams)).toEqual({
      access_token: token,
      fields: 'message',
      until: String(Date.parse(day(106)) / 1000),
      __paging_token: expect.stringMatching(/^enc_/),
    })
    const pages = await walk('/me/posts', { limit: 500, fields: 'id' })
    expect(pages.map(({ length }) => length)).toEqual([100, 30, 0])
    expect(idsOf(pages)).toEqual(ids)
    expect((await get('/me/posts', { until: next.searchParams.get('until')! })).body.data[0]!.id).toBe(ids[24])
  })

  test('several posts of one second are neither lost nor doubled; the way back leads back', async () => {
    const { server, get, walk } = await start()
    const ids = Array.from({ length: 9 }, (_, i) => server.post({ message: `${i}`, createdAt: '2020-01-01T00:00:00Z' })).reverse()
    expect(idsOf(await walk('/me/posts', { limit: 4 }))).toEqual(ids)
    const second = await get('/me/posts', { limit: 4, ...position((await get('/me/posts', { limit: 4 })).body.paging!.next!) })
    const back = await get('/me/posts', { limit: 4, ...position(second.body.paging!.previous!) })
    expect([idsOf([second.body.data]), idsOf([back.body.data])]).toEqual([ids.slice(4, 8), ids.slice(0, 4)])
  })
  const position = (address: string) => {
    const query = new URL(address).searchParams
    query.delete('access_token')
    return Object.fromEntries(query)
  }

  test('since and until in seconds or as a time, both included', async () => {
    const { server, get, walk } = await start()
    const ids = Array.from({ length: 10 }, (_, i) => server.post({ message: `${i}`, createdAt: day(i + 1) })).reverse()
    const since = Date.parse(day(4)) / 1000
    expect(idsOf(await walk('/me/posts', { since, limit: 2 }))).toEqual(ids.slice(0, 7))
    expect(idsOf(await walk('/me/posts', { since: day(4), until: day(6) }))).toEqual(ids.slice(4, 7))
    expect((await get('/me/posts', { since: 'some day' })).body.error).toMatchObject({ code: 100 })
    expect((await get('/me/posts', { limit: 'many' })).body.error).toMatchObject({ code: 100 })
  })

  test('what is filtered makes pages shorter or empty, and there is a next one all the same', async () => {
    const { server, get, walk } = await start()
    const ids = Array.from({ length: 12 }, (_, i) => server.post({ message: `${i}`, createdAt: day(i + 1) })).reverse()
    for (const id of ids.slice(3, 9)) server.hide(id)
    const pages = await walk('/me/posts', { limit: 4 })
    expect(pages.map(({ length }) => length)).toEqual([3, 0, 3, 0])
    expect(idsOf(pages)).toEqual([...ids.slice(0, 3), ...ids.slice(9)])
    expect((await get(`/${ids[5]}`)).body.error).toMatchObject({ error_subcode: 33 })
    expect(server.truth('alice').posts.map(({ id }) => id)).toEqual(idsOf(pages))
  })

  test('a post that is deleted between pages shifts nothing; a late one appears in its place', async () => {
    const { server, get } = await start()
    const ids = Array.from({ length: 6 }, (_, i) => server.post({ message: `${i}`, createdAt: day(i + 1) })).reverse()
    const late = server.post({ message: 'late', createdAt: day(3), late: true })
    const { next } = (await get('/me/posts', { limit: 3 })).body.paging!
    server.remove(ids[2]!)
    server.remove(ids[1]!)
    const rest = (await (await fetch(next!)).json()) as { data: { id: string }[] }
    expect(rest.data.map(({ id }) => id)).toEqual(ids.slice(3))
    server.appear(late)
    expect(idsOf([(await get('/me/posts')).body.data])).toEqual([ids[0], late, ...ids.slice(3)])
  })

  test('others’ posts are in the feed only', async () => {
    const { server, get } = await start()
    const own = server.post({ createdAt: day(1) })
    const wall = server.wallPost('Mira Okafor', { createdAt: day(2) })
    expect(idsOf([(await get('/me/posts')).body.data])).toEqual([own])
    const feed = (await get('/me/feed', { fields: 'from{name},to,status_type' })).body.data
    expect(feed.map(({ id, status_type }) => [id, status_type])).toEqual([
      [wall, 'wall_post'],
      [own, 'mobile_status_update'],
    ])
    expect(feed[0]).toMatchObject({ from: { name: 'Mira Okafor' }, to: { data: [{ name: 'Alice Archer' }] } })
    expect(server.truth('alice').wall.map(({ id }) => id)).toEqual([wall])
  })
})

describe('by cursors', () => {
  test('photos: uploads are asked for by type; the last page has cursors but no next', async () => {
    const { server, get, walk } = await start()
    const album = server.addAlbum({ name: 'Sea', createdAt: day(1) })
    const ids = Array.from({ length: 7 }, (_, i) => server.addPhoto({ album, createdAt: day(i + 1) })).reverse()
    expect((await get('/me/photos')).body).toEqual({ data: [] })
    const first = await get('/me/photos', { type: 'uploaded', limit: 3, fields: 'width' })
    expect(first.body.data[0]).toEqual({ created_time: '2020-01-07T00:00:00+0000', width: expect.any(Number), id: ids[0] })
    expect(Object.keys(first.body.paging!)).toEqual(['cursors', 'next'])
    expect(new URL(first.body.paging!.next!).searchParams.get('after')).toBe(first.body.paging!.cursors!.after)
    const pages = await walk('/me/photos', { type: 'uploaded', limit: 3 })
    expect([pages.map(({ length }) => length), idsOf(pages)]).toEqual([[3, 3, 1], ids])
    expect(idsOf(await walk(`/${album}/photos`, { limit: 4 }))).toEqual(ids)
    const last = await get('/me/photos', { type: 'uploaded', limit: 3, after: cursorOf(pages) })
    expect(last.body.data).toHaveLength(0)
    const back = await get('/me/photos', {
      type: 'uploaded',
      limit: 2,
      before: (await get('/me/photos', { type: 'uploaded', limit: 3, after: first.body.paging!.cursors!.after })).body.paging!.cursors!
        .before,
    })
    expect(idsOf([back.body.data])).toEqual(ids.slice(1, 3))
    function cursorOf(all: { id: string }[][]) {
      return Buffer.from(`1:${all.at(-1)!.at(-1)!.id}`).toString('base64url')
    }
  })

  test('a cursor dies with its object, and when Facebook wants', async () => {
    const { server, get } = await start()
    const ids = Array.from({ length: 5 }, (_, i) => server.addPhoto({ createdAt: day(i + 1) })).reverse()
    const after = async () => (await get('/me/photos', { type: 'uploaded', limit: 2 })).body.paging!.cursors!.after
    const dead = await after()
    server.remove(ids[1]!)
    expect((await get('/me/photos', { type: 'uploaded', after: dead })).body.error).toMatchObject({
      code: 2642,
      message: '(#2642) Invalid cursors values',
    })
    const old = await after()
    expect((await get('/me/photos', { type: 'uploaded', after: old })).status).toBe(200)
    server.expireCursors()
    expect((await get('/me/photos', { type: 'uploaded', after: old })).body.error).toMatchObject({ code: 2642 })
    expect((await get('/me/photos', { type: 'uploaded', after: 'nonsense' })).body.error).toMatchObject({ code: 2642 })
  })

  test('pages that are liked, and no more', async () => {
    const { server, get } = await start()
    const first = server.likePage('Bakery', { createdAt: day(1) })
    const second = server.likePage('Choir', { createdAt: day(2) })
    expect((await get('/me/likes')).body.data).toEqual([
      { name: 'Choir', created_time: '2020-01-02T00:00:00+0000', id: second },
      { name: 'Bakery', created_time: '2020-01-01T00:00:00+0000', id: first },
    ])
    expect((await get('/me/likes', { fields: 'category,link' })).body.data[0]).toEqual({
      created_time: '2020-01-02T00:00:00+0000',
      category: expect.any(String),
      link: `https://www.facebook.com/${second}`,
      id: second,
    })
    const isLiked = async (target: string) => (await get('/me/likes', { target_id: target })).body.data.map(({ id }) => id)
    expect(await isLiked(first)).toEqual([first])
    server.unlikePage(second)
    expect(await isLiked(second)).toEqual([])
    server.renamePage(first, 'New Bakery')
    expect((await get('/me/likes')).body.data.map(({ name }) => name)).toEqual(['New Bakery'])
    expect((await get(`/${second}`)).body).toEqual({ name: 'Choir', id: second })
  })

  test('events by role; called off ones are asked for', async () => {
    const { server, get } = await start()
    const hosted = server.addEvent({ name: 'Mine', role: 'hosting', start: day(9) })
    const coming = server.addEvent({ name: 'Theirs', start: day(8), place: { name: 'Hall', latitude: 1, longitude: 2 } })
    const declined = server.addEvent({ role: 'declined', start: day(7) })
    const names = async (query: Record<string, string> = {}) => idsOf([(await get('/me/events', { fields: 'id', ...query })).body.data])
    expect(await names()).toEqual([hosted, coming])
    expect(await names({ type: 'created' })).toEqual([hosted])
    expect(await names({ type: 'declined' })).toEqual([declined])
    server.changeEvent(coming, { isCanceled: true })
    expect(await names()).toEqual([hosted])
    expect(
      (await get('/me/events', { include_canceled: 'true', fields: 'name,start_time,is_canceled,place{name},owner' })).body.data[1],
    ).toEqual({
      name: 'Theirs',
      start_time: '2020-01-08T00:00:00+0000',
      is_canceled: true,
      place: { name: 'Hall', id: expect.any(String) },
      owner: { name: 'Mira Okafor', id: expect.any(String) },
      rsvp_status: 'attending',
      id: coming,
    })
  })

  test('places that the person was at, from posts and pictures', async () => {
    const { server, get } = await start()
    const hall = { name: 'Hall', city: 'Bergen', latitude: 60, longitude: 5 }
    const post = server.checkIn(hall, { createdAt: day(1) })
    const photo = server.addPhoto({ place: hall, createdAt: day(2) })
    const { data } = (await get('/me/tagged_places')).body
    expect(data.map(({ id }) => id)).toEqual([photo, post.split('_')[1]])
    expect(data[1]).toEqual({
      created_time: '2020-01-01T00:00:00+0000',
      place: { name: 'Hall', location: { city: 'Bergen', latitude: 60, longitude: 5 }, id: expect.any(String) },
      id: post.split('_')[1],
    })
    expect((await get(`/${data[1]!.id}`, { fields: 'place{name}' })).body).toMatchObject({ place: { name: 'Hall' } })
    expect(server.truth('alice').checkIns.map(({ id, post: of }) => [id, of])).toEqual([
      [photo, null],
      [data[1]!.id, post],
    ])
  })

  test('listings within a person, with limits and pages of their own', async () => {
    const { server, get } = await start()
    const album = server.addAlbum({ name: 'Sea', createdAt: day(1) })
    const photos = Array.from({ length: 3 }, (_, i) => server.addPhoto({ album, createdAt: day(i + 1) })).reverse()
    server.post({ createdAt: day(5) })
    const { body } = await get('/me', { fields: 'albums.limit(1){name,count,photos.limit(2){width}},posts.limit(1).as(latest){message}' })
    const albums = body.albums as { data: { photos: { data: { id: string }[]; paging: { next: string } } }[] }
    expect(albums).toMatchObject({ data: [{ name: 'Sea', count: 3, id: album }], paging: { cursors: expect.any(Object) } })
    expect(albums.data[0]!.photos.data.map(({ id }) => id)).toEqual(photos.slice(0, 2))
    const rest = (await (await fetch(albums.data[0]!.photos.paging.next)).json()) as { data: object[] }
    expect(rest.data).toEqual([{ created_time: '2020-01-01T00:00:00+0000', width: expect.any(Number), id: photos[2] }])
    expect(body.latest).toMatchObject({ data: [{ message: 'Hello from a simulated Facebook' }], paging: { next: expect.any(String) } })
  })
})

describe('without the permission', () => {
  test('a listing is empty, a field is missing, an object is not there', async () => {
    const { server, get } = await start()
    const id = server.post({ message: 'Mine' })
    const token = server.issueToken({ permissions: ['user_likes'] })
    expect((await get('/me/posts', {}, token)).body).toEqual({ data: [] })
    expect((await get('/me', { fields: 'posts,link,email' }, token)).body).toEqual({ id: server.account().id })
    expect((await get(`/${id}`, {}, token)).body.error).toMatchObject({ code: 100, error_subcode: 33 })
    server.setPermission('user_posts', 'granted')
    expect((await get('/me/posts', {}, token)).body.data).toHaveLength(1)
  })

  test.each([10, 200] as const)('or error %i', async (code) => {
    const { server, get } = await start({ missingPermission: code })
    const token = server.issueToken({ permissions: [] })
    const reply = await get('/me/events', {}, token)
    expect([reply.status, reply.body.error]).toEqual([
      403,
      expect.objectContaining({ code, message: expect.stringContaining('user_events') }),
    ])
  })

  test('what is another person’s is not there', async () => {
    const { server, get } = await start()
    const theirs = server.post({ account: 'bob' })
    const bob = server.account('bob').id
    for (const path of [`/${theirs}`, `/${bob}`, `/${bob}/posts`, `/${theirs}/attachments`])
      expect((await get(path)).body.error).toMatchObject({ code: 100, error_subcode: 33 })
  })
})
