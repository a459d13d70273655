import { afterEach, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import type { FacebookOptions, FacebookSimulator } from './index.ts'
import { startRaw } from './tests/raw-client.ts'
import type { Wire } from './tests/raw-client.ts'

const open: FacebookSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: FacebookOptions = {}) {
  const raw = await startRaw(options)
  open.push(raw.server)
  return raw
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const bytesOf = async (address: string) => new Uint8Array(await (await fetch(address)).arrayBuffer())
const cafe = { name: 'Café “Zur Mühle”', city: 'Köln', country: 'Germany', latitude: 50.9, longitude: 6.9 }

test('what is not asked for is not given; the id is', async () => {
  const { server, get } = await start()
  const id = server.post({ message: 'One', createdAt: '2020-02-02T02:02:02.900Z' })
  expect((await get(`/${id}`)).body).toEqual({ created_time: '2020-02-02T02:02:02+0000', message: 'One', id })
  expect((await get(`/${id}`, { fields: 'updated_time' })).body).toEqual({ updated_time: '2020-02-02T02:02:02+0000', id })
  expect((await get('/me')).body).toEqual({ name: 'Alice Archer', id: server.account().id })
  expect((await get('/me', { fields: 'id,first_name,picture.width(90){url,width}' })).body).toEqual({
    first_name: 'Alice',
    picture: { data: { url: expect.stringContaining('oh='), width: 90 } },
    id: server.account().id,
  })
  server.rename('Alice A. New')
  expect((await get('/me', { fields: 'name,last_name' })).body).toMatchObject({ name: 'Alice A. New', last_name: 'A. New' })
})

test('unknown fields and broken syntax are errors', async () => {
  const { server, get } = await start()
  const id = server.post({ photos: [{}] })
  const error = async (path: string, fields: string) => (await get(path, { fields })).body.error
  expect(await error('/me', 'id,shoe_size')).toMatchObject({
    code: 100,
    message: '(#100) Tried accessing nonexisting field (shoe_size) on node type (User)',
  })
  expect(await error(`/${id}`, 'attachments{size}')).toMatchObject({ code: 100 })
  expect(await error(`/${id}`, 'place{id,stars}')).toBeUndefined()
  for (const fields of ['message,', 'attachments{media', 'attachments.limit(3', 'message}', '{message}'])
    expect(await error(`/${id}`, fields)).toMatchObject({ code: 2500, message: expect.stringContaining('Syntax error') })
})

describe('posts', () => {
  test('tags, company, place, privacy, numbers', async () => {
    const { server, get } = await start()
    const message = '👩🏿‍🌾 with Mira Okafor at the Mill'
    const id = server.post({
      message,
      tags: [{ name: 'Mira Okafor' }],
      with: ['Jonas'],
      place: cafe,
      privacy: 'SELF',
      reactions: 7,
      comments: 2,
      shares: 1,
    })
    const fields =
      'message_tags,with_tags,place{name,location{city,latitude}},privacy{value},story,shares,reactions.summary(true).limit(0),comments.summary(true).limit(0).as(talk),permalink_url,from'
    const { body } = await get(`/${id}`, { fields })
    const [tag] = body.message_tags as { name: string; offset: number; length: number }[]
    expect([...message].slice(tag!.offset, tag!.offset + tag!.length).join('')).toBe('Mira Okafor')
    expect(body).toMatchObject({
      with_tags: { data: [{ name: 'Jonas' }] },
      place: { name: cafe.name, location: { city: 'Köln', latitude: 50.9 }, id: expect.stringMatching(/^\d+$/) },
      privacy: { value: 'SELF' },
      story: `Alice Archer is at ${cafe.name}.`,
      shares: { count: 1 },
      reactions: { data: [], summary: { total_count: 7 } },
      talk: { data: [], summary: { total_count: 2 } },
      from: { name: 'Alice Archer' },
    })
    expect(body.permalink_url).toBe(server.truth('alice').posts[0]!.url)
    expect(Object.keys((body.place as Wire).location as Wire)).toEqual(['city', 'latitude'])
  })

  test('albums, videos and links as attachments; pictures to be found by their target', async () => {
    const { server, get } = await start()
    const many = server.post({ message: 'Many', photos: Array.from({ length: 14 }, (_, i) => ({ caption: `No. ${i}` })) })
    const video = server.post({ video: { title: 'Waves', seconds: 1.5 } })
    const link = server.post({ link: { url: 'https://example.org/a?b=1&c=2', title: 'A & B' } })
    const of = async (id: string, fields: string) => ((await get(`/${id}`, { fields })).body.attachments as { data: Wire[] }).data[0]!
    const album = await of(many, 'attachments{type,media_type,subattachments{target{id},media{image{src}},description,type}}')
    const subs = album.subattachments as { data: Wire[] }
    expect(album).toMatchObject({ type: 'album', media_type: 'album' })
    expect(subs.data).toHaveLength(12)
    expect(subs.data[3]).toEqual({
      target: { id: server.truth('alice').posts[2]!.photos[3]!.id },
      media: { image: expect.objectContaining({ src: expect.any(String) }) },
      description: 'No. 3',
      type: 'photo',
    })
    const all = await of(many, 'attachments{subattachments.limit(100)}')
    expect((all.subattachments as { data: Wire[] }).data).toHaveLength(14)
    expect(await of(video, 'attachments')).toMatchObject({ type: 'video_inline', title: 'Waves', media: { source: expect.any(String) } })
    expect(await of(link, 'attachments{url,unshimmed_url,title}')).toEqual({
      url: expect.stringContaining('https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org'),
      unshimmed_url: 'https://example.org/a?b=1&c=2',
      title: 'A & B',
    })
    expect((await get(`/${link}/attachments`, { fields: 'type' })).body.data).toEqual([{ type: 'share' }])
    expect((await get(`/${server.post()}/attachments`)).body).toEqual({ data: [] })
  })

  test('an edit keeps the id and the time of creation; broken records are broken', async () => {
    const { server, get } = await start()
    const id = server.post({ message: 'Befor', createdAt: '2020-01-01T00:00:00Z', photos: [{}] })
    server.edit(id, { message: 'Before', updatedAt: '2020-01-03T00:00:00Z' })
    const fields = 'message,created_time,updated_time,attachments{target,type}'
    expect((await get(`/${id}`, { fields })).body).toMatchObject({
      message: 'Before',
      created_time: '2020-01-01T00:00:00+0000',
      updated_time: '2020-01-03T00:00:00+0000',
    })
    const broken = async (how: Parameters<FacebookSimulator['breakRecord']>[1]) => {
      server.breakRecord(id, how)
      return (await get(`/${id}`, { fields })).body
    }
    expect(await broken('nullMessage')).toMatchObject({ message: null })
    expect(await broken('numberMessage')).toMatchObject({ message: 42 })
    expect(await broken('noCreatedTime')).not.toHaveProperty('created_time')
    expect(await broken('badCreatedTime')).toMatchObject({ created_time: 'yesterday' })
    expect(await broken('nullAttachments')).toMatchObject({ attachments: null })
    expect(await broken('noAttachmentTarget')).toMatchObject({ attachments: { data: [{ type: 'photo' }] } })
    expect(await broken('unknownAttachmentType')).toMatchObject({ attachments: { data: [{ type: 'hologram' }] } })
    expect(await broken(null)).toMatchObject({ message: 'Before', attachments: { data: [{ target: { id: expect.any(String) } }] } })
  })
})

describe('pictures and videos', () => {
  test('a picture has several sizes under signed addresses, another each time; the largest is the truth', async () => {
    const { server, get } = await start()
    const id = server.addPhoto({
      caption: 'Rain',
      alt: 'A wet street',
      place: cafe,
      bytes: Buffer.from('jpeg, honestly'),
      width: 400,
      height: 300,
    })
    const images = async () =>
      (await get(`/${id}`, { fields: 'images' })).body.images as { source: string; width: number; height: number }[]
    const [first, again] = [await images(), await images()]
    const largest = first.toSorted((a, b) => b.width - a.width)[0]!
    expect(first.map(({ width }) => width).sort()).toEqual([120, 240, 400])
    expect(again.map(({ source }) => source)).not.toEqual(first.map(({ source }) => source))
    expect(again.map(({ source }) => source.split('?')[0])).toEqual(first.map(({ source }) => source.split('?')[0]))
    expect(sha256(await bytesOf(largest.source))).toBe(server.truth('alice').photos[0]!.sha256)
    expect(sha256(await bytesOf(largest.source))).toBe(sha256(Buffer.from('jpeg, honestly')))
    const smaller = await fetch(first.find(({ width }) => width === 240)!.source)
    expect([smaller.status, smaller.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)])
    expect((await get(`/${id}`, { fields: 'name,alt_text_custom,place{name},album{name},width' })).body).toEqual({
      name: 'Rain',
      alt_text_custom: 'A wet street',
      place: { name: cafe.name, id: expect.any(String) },
      album: { name: 'Timeline photos', id: server.truth('alice').albums[0]!.id },
      width: 400,
      id,
    })
  })

  test('addresses end, cannot be changed, and lead nowhere when the file is gone', async () => {
    let time = Date.parse('2024-05-05T05:05:05Z')
    const { server, get } = await start({ now: () => time, mediaSeconds: 60 })
    const id = server.addVideo({ seconds: 1, title: 'Waves' })
    const source = async () => (await get(`/${id}`, { fields: 'source' })).body.source as string
    const told = async (address: string) => {
      const reply = await fetch(address, { headers: { authorization: 'Bearer x' } })
      return [reply.status, reply.ok ? sha256(new Uint8Array(await reply.arrayBuffer())) : await reply.text()]
    }
    const address = await source()
    expect(await told(address)).toEqual([200, server.truth('alice').videos[0]!.sha256])
    expect(await told(address.replace(/oe=(.)/, 'oe=7'))).toEqual([403, 'URL signature mismatch'])
    expect(await told(address.replace(/&oe=.*/, ''))).toEqual([403, 'Bad URL timestamp'])
    time += 61_000
    expect(await told(address)).toEqual([403, 'URL signature expired'])
    const next = await source()
    server.expireMedia()
    expect(await told(next)).toEqual([403, 'URL signature expired'])
    server.loseMedia(id)
    expect((await told(await source()))[0]).toBe(404)
    server.loseMedia(id, false)
    expect((await told(await source()))[0]).toBe(200)
    server.breakRecord(id, 'noSource')
    expect(await source()).toBeUndefined()
    expect(server.counters.snapshot().other.tokensToMedia).toBe(7)
  })
})

test('several objects by their ids: up to 50, all or none, and not from v26.0 on', async () => {
  const { server, get } = await start()
  const [a, b] = [server.post({ message: 'a' }), server.post({ message: 'b' })]
  expect((await get('/', { ids: `${a},${b}`, fields: 'message' })).body).toEqual({
    [a]: { message: 'a', id: a },
    [b]: { message: 'b', id: b },
  })
  server.remove(a)
  expect((await get('/', { ids: `${a},${b}` })).body.error).toMatchObject({ code: 803, message: expect.stringContaining(a) })
  expect((await get(`/${a}`)).body.error).toMatchObject({ code: 100, error_subcode: 33, type: 'GraphMethodException' })
  const many = Array.from({ length: 51 }, (_, i) => `${i}`).join(',')
  expect((await get('/', { ids: many })).body.error).toMatchObject({ code: 100 })
  expect((await get('/v26.0', { ids: b })).body.error).toMatchObject({ code: 12 })
})
