import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { AshevilleError } from '@asheville/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import sharp from 'sharp'
import { post, startConstellation, streamOf, type Constellation, type Person } from './constellation.ts'
import { hostileImages } from './hostile-images.ts'

let asheville: Constellation
beforeAll(async () => {
  asheville = await startConstellation()
})
afterEach(() => asheville.disturb(null))
afterAll(() => asheville.close())

const connectionId = '3f9c2c62-3c1f-4b3a-9a52-0f5b3c9d7a11'
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

/** A PNG of about that many bytes: noise in a chunk of its own. */
function picture(size = 1000): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    return Buffer.concat([length, Buffer.from(type), body, Buffer.alloc(4)])
  }
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', Buffer.alloc(13)),
    chunk('IDAT', randomBytes(size)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** What is said of a file in an item. */
async function put(...wanted: Parameters<typeof send>) {
  const { isNew: _, ...media } = await send(...wanted)
  return media
}

function send(
  { userId, storageId }: Person,
  data: Buffer,
  query: Partial<Parameters<Constellation['client']['putMedia']>[0]['query']> = {},
) {
  const body = Readable.from(data.length > 0 ? [data] : [], { objectMode: false })
  const source = `https://media.example.social/${sha256(data).slice(0, 8)}.png`
  return asheville.client.putMedia({
    userId,
    body,
    query: { storageId, connectionId, stream: 'statuses', fence: 1, source, at: '2024-03-05T00:00:00.000Z', ...query },
  })
}

describe('files that could not be had', () => {
  const passTime = () => asheville.db.query('UPDATE pending_items SET next_at = now()')

  test('are tried again when their time has come, until they are there', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada, connectionId)
    const data = picture()
    const urls = [1, 2].map((number) => `https://media.example.social/${connectionId}/${number}.png`)
    const plain = post(1)
    const attachment = urls.map((url) => ({ type: 'Image', url, mediaType: 'image/png', name: 'A cat' }))
    const media = urls.map((url) => ({ url, kind: 'image' as const, mediaType: 'image/png' }))
    const item = { ...plain, object: { ...plain.object, attachment }, media }
    const pending = { state: 'pending', reason: 'No answer' } as const
    await stream.put([{ ...item, mediaStates: { [urls[0]!]: pending, [urls[1]!]: { state: 'gone', reason: '404' } } }, post(2)])
    const due = async () => {
      const query = { storageId: ada.storageId, connectionId, stream: 'statuses', limit: 10 }
      return (await asheville.client.listPending({ userId: ada.userId, query })).items
    }
    expect(await due()).toEqual([])
    await passTime()
    const { mediaStates: _, ...delivered } = item
    expect(await due()).toEqual([delivered])

    // It stays away, so it is tried less often.
    await stream.put([{ ...delivered, mediaStates: { [urls[0]!]: pending } }])
    expect(await due()).toEqual([])
    await passTime()
    const stored = await put(ada, data, { source: urls[0]! })
    const [again] = await due()
    expect(
      await stream.put([
        { ...again!, mediaStates: { [urls[0]!]: { state: 'stored', ...stored }, [urls[1]!]: { state: 'gone', reason: '404' } } },
      ]),
    ).toMatchObject({ changed: 1 })
    await passTime()
    expect(await due()).toEqual([])
    const [listed] = (await asheville.client.listItems({ userId: ada.userId, query: { limit: 1 } })).items
    expect(JSON.stringify(listed?.object['attachment'])).toContain(stored.path)
  })

  test('of another person are not told', async () => {
    const [ada, bob] = [asheville.person(), asheville.person()]
    const query = { storageId: ada.storageId, connectionId, stream: 'statuses', limit: 10 }
    await expect(asheville.client.listPending({ userId: bob.userId, query })).rejects.toMatchObject({ kind: 'not-found' })
  })
})

describe('putMedia', () => {
  test('a picture lies under its hash, is found by its source, and is sent once', async () => {
    const ada = asheville.person()
    const data = picture()
    const before = await asheville.storageCalls()
    const { isNew, ...stored } = await send(ada, data, { bytes: data.length, mediaType: 'application/x-wrong' })
    expect(isNew).toBe(true)
    expect(stored).toEqual({
      path: `media/2024/03/${sha256(data).slice(0, 40)}.png`,
      sha256: sha256(data),
      bytes: data.length,
      mediaType: 'image/png',
    })
    expect(await readFile(join(ada.folder, stored.path))).toEqual(data)
    expect((await asheville.storageCalls()) - before).toBe(1)

    const other = 'https://other.example/the-same.png'
    expect(await send(ada, data, { source: other, at: '2020-01-01T00:00:00.000Z' })).toEqual({ ...stored, isNew: false })
    expect((await asheville.storageCalls()) - before).toBe(1)
    const { found } = await asheville.client.findMedia({
      userId: ada.userId,
      body: { storageId: ada.storageId, urls: [other, 'https://unknown.example/'] },
    })
    expect(found).toEqual({ [other]: { state: 'stored', ...stored } })
  })

  test('a body that is cut short, empty, or ends before its format says so is refused and leaves nothing', async () => {
    const ada = asheville.person()
    const data = picture()
    await expect(put(ada, data.subarray(0, 500), { bytes: data.length })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('cut off'),
    })
    await expect(put(ada, data.subarray(0, 500))).rejects.toMatchObject({ kind: 'invalid' })
    await expect(put(ada, Buffer.alloc(0))).rejects.toMatchObject({ kind: 'invalid' })
    expect(await readdir(ada.folder).catch(() => [])).toEqual([])
    expect((await asheville.client.getCounts({ userId: ada.userId })).media).toEqual([])
  })

  test('a sender that breaks off leaves nothing', async () => {
    const ada = asheville.person()
    const url = new URL('/v1/media', asheville.url)
    url.search = new URLSearchParams({
      storageId: ada.storageId,
      connectionId,
      stream: 'statuses',
      fence: '1',
      source: 'https://a.example/',
    }).toString()
    const token = await asheville.token('workers', ada.userId)
    await new Promise<void>((done) => {
      const sending = request(url, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', 'content-length': 100_000 },
      })
      sending.on('error', () => done())
      sending.write(picture(50_000))
      setTimeout(() => sending.destroy(), 200)
    })
    expect(await readdir(ada.folder).catch(() => [])).toEqual([])
  })

  test('a large file passes through the disk and leaves no trace there', async () => {
    const ada = asheville.person()
    const data = picture(12 * 1024 * 1024)
    const stored = await put(ada, data)
    expect((await readFile(join(ada.folder, stored.path))).equals(data)).toBe(true)
    expect(await readdir(join(ada.folder, '../../scratch'))).toEqual([])
  })

  test('many who bring the same file at once bring it to one place', async () => {
    const ada = asheville.person()
    const data = picture()
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        put(ada, data, { source: `https://a.example/${index}`, at: `2024-0${index + 1}-01T00:00:00.000Z` }),
      ),
    )
    expect(new Set(all.map(({ path }) => path)).size).toBe(1)
    const names = await readdir(join(ada.folder, 'media'), { recursive: true })
    expect(names.filter((name) => name.endsWith('.png'))).toHaveLength(1)
  })

  test('a damaged copy that nobody vouched for is replaced', async () => {
    const ada = asheville.person()
    const data = picture()
    const { path } = await put(ada, data)
    await writeFile(join(ada.folder, path), 'damaged')
    await asheville.db.query('UPDATE media SET is_stored = false WHERE user_id = $1', [ada.userId])
    await put(ada, data)
    expect(await readFile(join(ada.folder, path))).toEqual(data)
  })

  test('an older fence and a full storage are refused by kind', async () => {
    const ada = asheville.person()
    await put(ada, picture(), { fence: 3 })
    await expect(put(ada, picture(), { fence: 2 })).rejects.toMatchObject({ kind: 'conflict' })
    asheville.disturb((storage) => ({
      ...storage,
      put: async (files) =>
        files.map(({ path }) => ({ outcome: 'failed', path, error: new AshevilleError('storage-full', 'Your disk is full') })),
    }))
    await expect(put(ada, picture(), { fence: 3 })).rejects.toMatchObject({ kind: 'storage-full' })
  })

  test('an item tells where its picture lies, also when the worker could not get it this time', async () => {
    const ada = asheville.person()
    const data = picture()
    const source = 'https://media.example.social/photo.png'
    const stored = await put(ada, data, { source })
    const base = post(1, { media: [{ url: source, kind: 'image' }] })
    const item = { ...base, object: { ...base.object, attachment: [{ type: 'Image', url: source, name: 'A cat' }] } }
    const stream = streamOf(asheville, ada)
    await stream.put([{ ...item, mediaStates: { [source]: { state: 'pending', reason: 'timed out' } } }])
    expect(await stream.put([{ ...item, mediaStates: { [source]: { state: 'stored', ...stored } } }])).toMatchObject({ unchanged: 1 })
    const { items } = await asheville.client.listItems({ userId: ada.userId, query: {} })
    expect(items[0]!.object['attachment']).toEqual([
      {
        type: 'Image',
        url: source,
        name: 'A cat',
        'asheville:state': 'stored',
        'asheville:path': stored.path,
        'asheville:sha256': stored.sha256,
        'asheville:bytes': stored.bytes,
        'asheville:mediaType': 'image/png',
      },
    ])
  })

  test('pending media are said to be pending; when they come, the item changes once', async () => {
    const ada = asheville.person()
    const source = 'https://media.example.social/late.png'
    const item = { ...post(1, { media: [{ url: source, kind: 'image' as const }] }) }
    const stream = streamOf(asheville, ada)
    const pending = (reason: string) => ({ ...item, mediaStates: { [source]: { state: 'pending' as const, reason } } })
    await stream.put([pending('timed out')])
    expect(await stream.put([pending('no answer')])).toMatchObject({ unchanged: 1 })
    const stored = await put(ada, picture(), { source })
    expect(await stream.put([{ ...item, mediaStates: { [source]: { state: 'stored', ...stored } } }])).toMatchObject({ changed: 1 })
    const { items } = await asheville.client.listItems({ userId: ada.userId, query: {} })
    expect(items[0]!.object['attachment']).toMatchObject([{ type: 'Image', url: source, 'asheville:path': stored.path }])
  })
})

async function get(person: Person, path: string, headers: Record<string, string> = {}) {
  const token = await asheville.token('web', person.userId)
  return fetch(new URL(`/v1/files/${path}`, asheville.url), { headers: { authorization: `Bearer ${token}`, ...headers } })
}

describe('getFile', () => {
  test('bytes, type, tag and ranges', async () => {
    const ada = asheville.person()
    const data = picture(5000)
    const { path } = await put(ada, data)
    const whole = await get(ada, path)
    expect(whole.status).toBe(200)
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(data.length),
      etag: `"${sha256(data)}"`,
      'x-content-type-options': 'nosniff',
      'content-disposition': expect.stringMatching(/^inline; filename="[0-9a-f]{40}\.png"$/),
    })
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(data)

    const calls = await asheville.storageCalls()
    expect((await get(ada, path, { 'if-none-match': `"x", W/"${sha256(data)}"` })).status).toBe(304)
    expect(await asheville.storageCalls()).toBe(calls)

    const ranges: [string, number, number][] = [
      ['bytes=0-99', 0, 100],
      ['bytes=100-', 100, data.length],
      ['bytes=-50', data.length - 50, data.length],
      ['bytes=10-999999', 10, data.length],
    ]
    for (const [range, start, end] of ranges) {
      const part = await get(ada, path, { range })
      expect([range, part.status, part.headers.get('content-range')]).toEqual([range, 206, `bytes ${start}-${end - 1}/${data.length}`])
      expect(Buffer.from(await part.arrayBuffer())).toEqual(data.subarray(start, end))
    }
    expect((await get(ada, path, { range: `bytes=${data.length}-` })).status).toBe(416)
    for (const odd of ['bytes=5-2', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,3-4'])
      expect((await get(ada, path, { range: odd })).status).toBe(200)
    expect((await get(ada, path, { range: 'bytes=0-1', 'if-range': '"another"' })).status).toBe(200)
  })

  test('what is no plain picture leaves as an attachment', async () => {
    const ada = asheville.person()
    for (const [content, mediaType] of [
      ['<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 'image/svg+xml'],
      ['<script>alert(1)</script>', 'text/html'],
    ] as const) {
      const { path } = await put(ada, Buffer.from(content), { mediaType })
      const answer = await get(ada, path)
      expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  test('only media of the person are served: nothing else in the folder, nothing outside, nothing of others', async () => {
    const [ada, bob] = [asheville.person(), asheville.person()]
    const { path } = await put(ada, picture())
    await streamOf(asheville, ada).put([post(1, { at: '2024-03-05' })])
    expect((await get(ada, path)).status).toBe(200)
    for (const wanted of [
      'mastodon/ada@example.social/posts/2024-03.json',
      'media',
      'media/..%2f..%2fx',
      '..%2f..%2fetc%2fpasswd',
      '%2fetc%2fpasswd',
      `x/${path}`,
    ])
      expect([wanted, (await get(ada, wanted)).status]).toEqual([wanted, 404])
    for (const odd of ['a%00b', '%ff']) expect([400, 404]).toContain((await get(ada, odd)).status)
    expect((await get(bob, path)).status).toBe(404)
  })
})

describe('smaller copies of pictures', () => {
  const facts = (person: Person) =>
    asheville.db.query<{ error: string | null; width: number | null; due: string | null }>(
      'SELECT rendering_error AS error, width, rendering_due_at AS due FROM media WHERE user_id = $1 ORDER BY bytes',
      [person.userId],
    )
  const settled = async (person: Person) => {
    while ((await facts(person)).some(({ due }) => due !== null)) await new Promise((resolve) => setTimeout(resolve, 20))
    return facts(person)
  }
  const size = (person: Person, path: string, wanted: string, headers: Record<string, string> = {}) =>
    get(person, `${path}?size=${wanted}`, headers)
  const imageOf = async (answer: Response) => sharp(Buffer.from(await answer.arrayBuffer())).metadata()
  /** Grey, but for something to look at near its right end; lying on its side, with a place in its metadata. */
  const photo = async () => {
    const spot = sharp({
      create: { width: 200, height: 200, channels: 3, background: '#000', noise: { type: 'gaussian', mean: 128, sigma: 60 } },
    })
    const lying = sharp({ create: { width: 900, height: 1800, channels: 3, background: '#888' } })
    return lying
      .composite([{ input: await spot.png().toBuffer(), left: 350, top: 90 }])
      .withExif({ IFD0: { Copyright: randomBytes(8).toString('hex') }, IFD3: { GPSLatitudeRef: 'N' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
  }

  test('are made of what has just come, without asking its storage, upright and without metadata', async () => {
    const ada = asheville.person()
    const before = await asheville.storageCalls()
    const { path } = await put(ada, await photo())
    expect(await settled(ada)).toMatchObject([{ error: null, width: 1800 }])
    for (const [wanted, width, height] of [
      ['square', 320, 320],
      ['small', 640, 320],
      ['normal', 1600, 800],
    ] as const) {
      const answer = await size(ada, path, wanted)
      expect(Object.fromEntries(answer.headers)).toMatchObject({ 'content-type': 'image/webp', 'x-content-type-options': 'nosniff' })
      const { format, exif, ...rest } = await imageOf(answer)
      expect([format, exif, rest.width, rest.height]).toEqual(['webp', undefined, width, height])
      expect((await size(ada, path, wanted, { 'if-none-match': answer.headers.get('etag')! })).status).toBe(304)
    }
    expect((await asheville.storageCalls()) - before).toBe(1)
    expect((await size(asheville.person(), path, 'small')).status).toBe(404)
    expect((await size(ada, path, 'huge')).status).toBe(400)
  }, 60_000)

  test('whose process died are made by the queue, or for whoever asks first; those that nobody asks for make room', async () => {
    const ada = asheville.person()
    const { path } = await put(ada, await photo())
    await settled(ada)
    await asheville.db.query(`UPDATE media SET width = NULL, rendering_due_at = now() - interval '1 day' WHERE user_id = $1`, [ada.userId])
    await asheville.db.query('DELETE FROM renditions WHERE user_id = $1', [ada.userId])
    expect((await asheville.client.countDue({ query: { most: 10 } })).due).toBeGreaterThan(0)
    while ((await asheville.client.renderDue({})).left > 0);
    expect(await facts(ada)).toMatchObject([{ error: null, width: 1800, due: null }])
    await asheville.db.query('DELETE FROM renditions WHERE user_id = $1', [ada.userId])
    const answers = await Promise.all(Array.from({ length: 6 }, () => size(ada, path, 'small')))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))

    await asheville.db.query('UPDATE renditions SET bytes = 1000000000, used_at = now() - interval $$1 day$$ WHERE user_id = $1', [
      ada.userId,
    ])
    const { path: other } = await put(ada, await photo())
    await settled(ada)
    await asheville.db.query(`UPDATE media SET rendering_due_at = now() - interval '1 day' WHERE user_id = $1 AND path = $2`, [
      ada.userId,
      other,
    ])
    while ((await asheville.client.renderDue({})).left > 0);
    const kept = await asheville.db.query<{ sha: string }>('SELECT DISTINCT sha256 AS sha FROM renditions WHERE user_id = $1', [ada.userId])
    expect(kept.every(({ sha }) => !path.includes(sha.slice(0, 40)))).toBe(true)
  }, 60_000)

  test('a square keeps what draws the eye, or what the person chose, which lies beside their copies', async () => {
    const ada = asheville.person()
    const source = 'https://media.example.social/focus.jpg'
    const stored = await put(ada, await photo(), { source })
    const base = post(1, { media: [{ url: source, kind: 'image' }] })
    const object = { ...base.object, attachment: [{ type: 'Image', url: source }] }
    await streamOf(asheville, ada).put([{ ...base, object, mediaStates: { [source]: { state: 'stored', ...stored } } }])
    await settled(ada)
    const listed = async () => (await asheville.client.listItems({ userId: ada.userId, query: {} })).items[0]!.pictures![stored.path]!
    expect(await listed()).toMatchObject({ width: 1800, height: 900, focus: { x: 0.75, y: 0.5 }, isFocusChosen: false })
    const first = await size(ada, stored.path, 'square')

    const web = asheville.clientOf('web')
    await web.setFocus({ userId: ada.userId, body: { path: stored.path, focus: { x: 0.1, y: 0.4 } } })
    expect(await listed()).toMatchObject({ focus: { x: 0.1, y: 0.4 }, isFocusChosen: true })
    expect(await readFile(join(ada.folder, 'decisions.json'), 'utf8')).toContain(stored.sha256)
    const second = await size(ada, stored.path, 'square', { 'if-none-match': first.headers.get('etag')! })
    expect(second.status).toBe(200)
    expect(Buffer.from(await second.arrayBuffer()).equals(Buffer.from(await first.arrayBuffer()))).toBe(false)

    await web.setFocus({ userId: ada.userId, body: { path: stored.path, focus: null } })
    await size(ada, stored.path, 'square')
    expect(await listed()).toMatchObject({ focus: { x: 0.75, y: 0.5 }, isFocusChosen: false })
    expect(await readFile(join(ada.folder, 'decisions.json'), 'utf8')).not.toContain(stored.sha256)
    const foreign = web.setFocus({ userId: asheville.person().userId, body: { path: stored.path, focus: null } })
    await expect(foreign).rejects.toMatchObject({ kind: 'not-found' })
  }, 60_000)

  test('of hostile pictures are refused or made within bounds, and whoever comes after them is served', async () => {
    const images = await hostileImages()
    expect(images.length).toBeGreaterThanOrEqual(40)
    const before = process.memoryUsage.rss()
    let peak = before
    const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20)
    const ada = asheville.person()
    for (const { name, data, declared } of images) {
      const stored = await put(ada, data, { mediaType: declared }).catch((error: AshevilleError) => error.kind)
      if (typeof stored === 'string') {
        expect([name, stored]).toEqual([name, 'invalid'])
        continue
      }
      const answer = await size(ada, stored.path, 'normal')
      if (answer.status === 404) continue
      const { format, width, height } = await imageOf(answer)
      expect([name, format, width <= 1600, height <= 1600]).toEqual([name, 'webp', true, true])
    }
    clearInterval(watching)
    expect(peak - before).toBeLessThan(150 * 1024 ** 2)
    const { path } = await put(ada, await photo())
    expect((await size(ada, path, 'small')).status).toBe(200)
  }, 90_000)
})
