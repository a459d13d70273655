import { afterEach, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import type { FacebookOptions, FacebookSimulator } from './index.ts'
import { idsOf, startRaw } from './tests/raw-client.ts'
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
const life = { posts: 120, withMedia: true, checkIns: 9, photos: 40, videos: 3, likes: 20, events: 6, wallPosts: 4, hidden: 0.2 }

test('everything that the API gives is the truth, and all of it', async () => {
  const { server, walk } = await start()
  server.generate(life)
  const truth = server.truth('alice')
  const ids = (list: { id: string }[]) => list.map(({ id }) => id)
  const walked = async (path: string, query: Record<string, string | number> = {}) => idsOf(await walk(path, query))
  expect(await walked('/me/posts', { limit: 7 })).toEqual(ids(truth.posts))
  expect(truth.posts).toHaveLength(129)
  expect((await walked('/me/feed', { limit: 100 })).sort()).toEqual([...ids(truth.posts), ...ids(truth.wall)].sort())
  expect(await walked('/me/photos', { type: 'uploaded' })).toEqual(ids(truth.photos))
  expect(await walked('/me/videos', { type: 'uploaded' })).toEqual(ids(truth.videos))
  expect(await walked('/me/albums')).toEqual(ids(truth.albums))
  expect(await walked('/me/likes', { limit: 6 })).toEqual(ids(truth.likes))
  expect(await walked('/me/events')).toEqual(ids(truth.events))
  expect(await walked('/me/tagged_places', { limit: 4 })).toEqual(ids(truth.checkIns))
  for (const album of truth.albums) expect(await walked(`/${album.id}/photos`)).toEqual(album.photos)
  expect([truth.likes.length, truth.events.length, truth.checkIns.length >= 9]).toEqual([20, 6, true])

  const largest = (images: { width: number; source: string }[]) => images.toSorted((a, b) => b.width - a.width)[0]!.source
  const photos = (await walk('/me/photos', { type: 'uploaded', limit: 100, fields: 'images' })).flat()
  for (const [i, photo] of photos.slice(0, 30).entries()) {
    const bytes = new Uint8Array(await (await fetch(largest(photo.images as { width: number; source: string }[]))).arrayBuffer())
    expect([createHash('sha256').update(bytes).digest('hex'), bytes.length]).toEqual([truth.photos[i]!.sha256, truth.photos[i]!.bytes])
  }
})

test('the same seed makes the same life', async () => {
  const lives = await Promise.all([start(), start(), start({ seed: 4 })])
  const truths = lives.map(({ server }) => {
    server.generate(life)
    return JSON.stringify(server.truth('alice'))
  })
  expect(truths[0]).toBe(truths[1])
  expect(truths[0]).not.toBe(truths[2])
})

test('exactly so many pictures, within the span, for the account named', async () => {
  const { server } = await start()
  server.generate({ account: 'bob', posts: 200, pictures: 20, from: '2022-01-01', to: '2022-12-31' })
  const { posts, photos } = server.truth('bob')
  expect([posts.length, photos.length, server.truth('alice').posts.length]).toEqual([200, 20, 0])
  expect(posts.filter((post) => post.photos.length === 1)).toHaveLength(20)
  expect(posts.every(({ createdAt }) => createdAt >= '2022-01-01' && createdAt < '2022-12-31')).toBe(true)
})

test('ten thousand posts can be walked', async () => {
  const { server, walk } = await start()
  server.generate({ posts: 10_000, pictures: 500 })
  const pages = await walk('/me/posts', { limit: 100, fields: 'message,created_time,attachments{target,type}' })
  expect([pages.length, new Set(idsOf(pages)).size]).toEqual([101, 10_000])
  const withPicture = pages.flat().filter((post) => (post.attachments as { data: Wire[] } | undefined)?.data[0]?.type === 'photo')
  expect(withPicture).toHaveLength(500)
})
