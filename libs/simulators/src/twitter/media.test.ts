import { afterEach, expect, test } from '@jest/globals'
import { sha256 } from '../kit/index.ts'
import { startTwitter } from './index.ts'
import type { Breakage, TwitterOptions, TwitterSimulator } from './index.ts'

const open: TwitterSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: TwitterOptions = {}) {
  const server = await startTwitter({ seed: 3, ...options })
  open.push(server)
  const headers = { authorization: `Bearer ${server.issueTokens().accessToken}` }
  const look = async (id: string) => {
    const query =
      'tweet.fields=created_at,entities,public_metrics&expansions=author_id,attachments.media_keys&media.fields=url,variants,preview_image_url'
    const body = (await (await fetch(`${server.url}/2/tweets/${id}?${query}`, { headers })).json()) as {
      data: Wire
      includes: Record<string, Wire[]>
    }
    return { ...body, media: (body.includes.media ?? []) as Media[] }
  }
  return { server, look }
}
type Wire = Record<string, unknown>
type Media = {
  media_key: string
  type: string
  url?: string
  preview_image_url?: string
  variants?: { bit_rate?: number; content_type: string; url: string }[]
}
const bytesOf = async (url: string) => {
  const response = await fetch(url)
  return { status: response.status, type: response.headers.get('content-type'), sha256: sha256(Buffer.from(await response.arrayBuffer())) }
}

test('a picture: smaller without a name, whole as `orig`, and gone with its post', async () => {
  const { server, look } = await start({ pictureSize: { width: 1600, height: 40 } })
  const id = server.post({ media: [{ alt: 'A harbour' }] })
  const url = (await look(id)).media[0]!.url!
  const truth = server.truth('alice').posts[0]!.media[0]!
  const whole = await bytesOf(`${url}?name=orig`)
  expect([whole.sha256, whole.status, truth.url]).toEqual([truth.sha256, 200, `${url}?name=orig`])
  const [address, format] = url.split(/\.(?=\w+$)/)
  expect(await bytesOf(`${address}?format=${format}&name=orig`)).toEqual(whole)
  expect(await bytesOf(url)).toMatchObject({ status: 200, type: whole.type })
  expect((await bytesOf(url)).sha256).not.toBe(whole.sha256)
  expect((await bytesOf(`${url}?name=huge`)).status).toBe(404)
  server.deletePost(id)
  expect((await bytesOf(`${url}?name=orig`)).status).toBe(404)
})

test('a video in its variants, the best of most bits; a GIF as an MP4', async () => {
  const { server, look } = await start({ mediaOrigin: 'http://video.example:81' })
  const given = Buffer.from('not really an mp4')
  const id = server.post({ media: [{ type: 'video' }, { type: 'animated_gif' }, { type: 'video', bytes: given }] })
  const { media } = await look(id)
  const truth = server.truth('alice').posts[0]!.media
  const here = (url: string) => server.url + url.replace('http://video.example:81', '')
  expect(media.map(({ variants }) => variants!.map((one) => one.bit_rate ?? 'playlist'))).toEqual([
    [832_000, 'playlist', 2_176_000, 256_000],
    [0],
    [832_000, 'playlist', 2_176_000, 256_000],
  ])
  for (const [i, { variants, preview_image_url: preview }] of media.entries()) {
    const files = await Promise.all(variants!.map(async (one) => ({ ...one, ...(await bytesOf(here(one.url))) })))
    expect(files.map(({ status, type, content_type: said }) => [status, type === said])).toEqual(files.map(() => [200, true]))
    expect(new Set(files.map((one) => one.sha256)).size).toBe(files.length)
    const best = files.filter((one) => one.bit_rate !== undefined).sort((a, b) => b.bit_rate! - a.bit_rate!)[0]!
    expect([best.sha256, best.url]).toEqual([truth[i]!.sha256, truth[i]!.url])
    expect(await bytesOf(here(preview!))).toMatchObject({ status: 200, type: expect.stringMatching(/^image\//) })
  }
  expect(truth[2]!.sha256).toBe(sha256(given))
  server.loseMedia(id)
  expect((await bytesOf(here(media[1]!.variants![0]!.url))).status).toBe(404)
})

test('records that are broken in every way, and whole again', async () => {
  const { server, look } = await start()
  const id = server.post({ text: 'Whole #word', media: [{}] })
  const whole = await look(id)
  const changed: Record<Breakage, (answer: typeof whole) => unknown> = {
    noText: ({ data }) => data.text,
    nullText: ({ data }) => data.text,
    noCreatedAt: ({ data }) => data.created_at,
    badCreatedAt: ({ data }) => data.created_at,
    nullEntities: ({ data }) => data.entities,
    badMetrics: ({ data }) => data.public_metrics,
    unknownMediaType: ({ media }) => media[0]?.type,
    mediaWithoutUrl: ({ media }) => media[0]!.url,
    mediaWithoutInclude: ({ media }) => media.length,
    authorWithoutInclude: ({ includes }) => includes.users,
  }
  for (const [how, of] of Object.entries(changed)) {
    server.breakPost(id, how as Breakage)
    expect(of(await look(id))).not.toEqual(of(whole))
  }
  server.breakPost(id, null)
  expect(await look(id)).toEqual(whole)
})

test('a process of its own: the world by control routes', async () => {
  const { server } = await start()
  const control = async (path: string, ...args: unknown[]) =>
    (await (await fetch(`${server.url}/__sim/${path}`, { method: 'POST', body: JSON.stringify(args) })).json()) as unknown
  const id = await control('script/post', { text: 'From outside' })
  await control('script/generate', { tweets: 3 })
  const truth = (await (await fetch(`${server.url}/__sim/truth`)).json()) as Record<string, { posts: { id: string }[] }>
  expect(truth.alice!.posts).toHaveLength(4)
  expect(truth.alice!.posts[0]!.id).toBe(id)
  const counts = (await (await fetch(`${server.url}/__sim/counters`)).json()) as { total: number }
  expect(counts.total).toBe(0)
})
