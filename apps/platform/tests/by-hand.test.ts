import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHttp } from '@asheville/http-client'
import { AshevilleError, type Fields, type Storage } from '@asheville/core'
import { startWebdav } from '@asheville/simulators'
import { storageById } from '@asheville/storages'
import { bytesOf, uploadOf } from '@asheville/testkit'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { post, startConstellation, streamOf, type Constellation, type Person } from './constellation.ts'

let asheville: Constellation
let server: Awaited<ReturnType<typeof startWebdav>>
let http: ReturnType<typeof createHttp>
let folders = 0
beforeAll(async () => {
  ;[asheville, server] = await Promise.all([startConstellation(), startWebdav()])
  http = createHttp({ allow: ['127.0.0.0/8'] })
})
afterAll(() => Promise.all([asheville.close(), server.close(), http.close()]))

const { signal } = new AbortController()
const home = 'mastodon/ada@example.social'
const pageOf = (month: string) => `${home}/posts/${month}.json`
const march = pageOf('2024-03')
const nothing = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: [], missing: [] }

interface PageText {
  note?: string
  orderedItems: Record<string, unknown>[]
}

async function read(storage: Storage, path: string): Promise<Buffer | null> {
  const got = await storage.get(path, { signal })
  return got === null || got === 'unchanged' ? null : bytesOf(got.body)
}

/** What the person's own program does to a file. */
async function edit(storage: Storage, path: string, change: (page: PageText) => void): Promise<void> {
  const page = JSON.parse(String(await read(storage, path))) as PageText
  change(page)
  await write(storage, path, JSON.stringify(page, null, 2))
}

async function write(storage: Storage, path: string, text: string | Buffer): Promise<void> {
  const [result] = await storage.put([uploadOf(path, text, 'any')], signal)
  expect(result?.outcome).toBe('stored')
}

async function rename(storage: Storage, from: string, to: string): Promise<void> {
  for await (const { path } of storage.list(from, signal)) {
    await write(storage, to + path.slice(from.length), (await read(storage, path))!)
    await storage.remove(path, null, signal)
  }
}

const page = async ({ storage }: Person, path = march) => JSON.parse(String(await read(storage, path))) as PageText
const contents = async (person: Person, path?: string) => (await page(person, path)).orderedItems.map(({ content }) => content)
const decisions = async ({ storage }: Person) => {
  const text = await read(storage, 'decisions.json')
  return text === null ? null : (JSON.parse(String(text)) as { decisions: { kind: string; item: { id: string } }[] }).decisions
}
const finish = ({ userId, storageId }: Person) => asheville.client.finishSync({ userId, body: { storageId } })
const stored = async ({ userId }: Person) =>
  (await asheville.client.getCounts({ userId })).counts.reduce((sum, { items }) => sum + items, 0)

async function webdavFolder(): Promise<Storage> {
  const webdav = storageById('webdav')!
  const [login] = webdav.logins
  if (login?.kind !== 'fields') throw new Error('no login')
  const { name: user, password } = server.account()
  const typed: Fields = { address: `${server.url}/dav`, user, password, folder: `Asheville ${folders++}` }
  const signedIn = await login.signIn(typed, { http, variables: {}, signal, now: () => new Date() })
  return webdav.open({
    http,
    token: () => Promise.resolve(signedIn.tokens!.accessToken),
    server: signedIn.server,
    fields: signedIn.fields,
    account: { id: 'alice', handle: '' },
    variables: {},
    now: () => new Date(),
  })
}

const places = {
  'this server’s disk': async () => asheville.person(),
  'a WebDAV server': async () => asheville.person(await webdavFolder()),
}

describe.each(Object.entries(places))('by hand, on %s,', (_, personThere) => {
  test('an item that is taken out stays out, through edits, and is noted; put back, it is there again', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    const all = [1, 2, 3].map((number) => post(number, { at: '2024-03-05' }))
    await stream.put(all)
    const [, taken] = (await page(ada)).orderedItems
    await edit(ada.storage, march, ({ orderedItems }) => orderedItems.splice(1, 1))
    expect(await stream.put([post(2, { at: '2024-03-05', content: 'edited', edited: 1, seen: 1 })])).toEqual({ ...nothing, unchanged: 1 })
    expect(await contents(ada)).toEqual(['This is post 1', 'This is post 3'])
    expect(await stored(ada)).toBe(2)
    expect(await stream.put(all)).toEqual({ ...nothing, unchanged: 3 })
    expect(await contents(ada)).toHaveLength(2)

    await finish(ada)
    const item = { network: 'mastodon', account: '4711', contentType: 'posts', id: post(2).id }
    expect(await decisions(ada)).toEqual([{ kind: 'removed', at: expect.any(String), item }])

    await edit(ada.storage, march, ({ orderedItems }) => orderedItems.push(taken!))
    expect(await stream.put([post(4, { at: '2024-03-06' })])).toEqual({ ...nothing, new: 1 })
    await finish(ada)
    expect(await decisions(ada)).toEqual([])
    expect(await stored(ada)).toBe(4)
    expect(await stream.put([post(2, { at: '2024-03-05', content: 'edited', edited: 2, seen: 9 })])).toEqual({ ...nothing, changed: 1 })
  })

  test('what was added to an item or a page stays through edits; own words become part of the history', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-03-06' })])
    await edit(ada.storage, march, (whole) => {
      whole.note = 'mine'
      Object.assign(whole.orderedItems[0]!, { content: 'my words', stars: 5 })
    })
    expect(await stream.put([post(1, { at: '2024-03-05', seen: 1 }), post(3, { at: '2024-03-07' })])).toMatchObject({
      new: 1,
      unchanged: 1,
    })
    expect(await contents(ada)).toEqual(['my words', 'This is post 2', 'This is post 3'])
    await stream.put([post(1, { at: '2024-03-05', content: 'edited', edited: 1, seen: 2 })])
    const { note, orderedItems } = await page(ada)
    expect(note).toBe('mine')
    expect(orderedItems[0]).toMatchObject({ content: 'edited', stars: 5, 'asheville:history': [{ content: 'my words' }] })
  })

  test('a page that is deleted stays deleted; what comes new goes into a new one', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-03-05' }), post(3, { at: '2024-02-05' })])
    await finish(ada)
    await ada.storage.remove(march, null, signal)
    expect(await stream.put([post(1, { at: '2024-03-05', content: 'edited', edited: 1 })])).toEqual({ ...nothing, unchanged: 1 })
    expect(await read(ada.storage, march)).toBeNull()
    expect(await stored(ada)).toBe(1)
    expect(await stream.put([1, 2, 4].map((number) => post(number, { at: '2024-03-05' })))).toEqual({ ...nothing, new: 1, unchanged: 2 })
    expect(await contents(ada)).toEqual(['This is post 4'])
    // It is no decision yet: the person may want it back.
    await finish(ada)
    expect(await decisions(ada)).toBeNull()
  })

  test('an account’s folder that is renamed is found; what there was is not copied again', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-02-05' })])
    await finish(ada)
    await rename(ada.storage, home, 'mastodon/the old me')
    const edited = post(1, { at: '2024-03-05', content: 'edited', edited: 1, seen: 1 })
    await expect(stream.put([edited])).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await stream.put([edited, post(3, { at: '2024-02-06' })])).toEqual({ ...nothing, new: 1, changed: 1 })
    await finish(ada)
    const paths: string[] = []
    for await (const { path } of ada.storage.list('mastodon', signal)) paths.push(path)
    expect(paths.sort()).toEqual(['posts/2024-02.json', 'posts/2024-03.json', 'profile.json'].map((name) => `mastodon/the old me/${name}`))
    expect(await stored(ada)).toBe(3)
  })

  test('when everything is elsewhere, nothing is begun anew before the person says so', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' })])
    await finish(ada)
    const files: [string, Buffer][] = []
    for await (const { path } of ada.storage.list('', signal)) files.push([path, (await read(ada.storage, path))!])
    for (const [path] of files) await ada.storage.remove(path, null, signal)
    const more = [post(1, { at: '2024-03-05', content: 'edited', edited: 1 }), post(2, { at: '2024-03-05' })]
    await expect(stream.put(more)).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('not where it was') })
    expect(await read(ada.storage, march)).toBeNull()
    for (const [path, text] of files) await write(ada.storage, path, text)
    expect(await stream.put(more)).toEqual({ ...nothing, new: 1, changed: 1 })
  })

  test('a mirror removes what is deleted on the network, with the files that nothing else shows, and is no decision of anybody', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    const copies = { copies: 'mirror' } as const
    await stream.put(
      [1, 2].map((number) => post(number, { at: '2024-03-05' })),
      copies,
    )
    await stream.put([post(3, { at: '2024-02-05' })], copies)
    expect(await stream.put([], { ...copies, gone: [post(1).id, post(3).id] })).toEqual({ ...nothing, gone: 2 })
    expect(await contents(ada)).toEqual(['This is post 2'])
    expect(await read(ada.storage, pageOf('2024-02'))).toBeNull()
    expect(await stored(ada)).toBe(1)
    await finish(ada)
    expect(await decisions(ada)).toBeNull()
    expect(await stream.put([post(1, { at: '2024-03-05', seen: 9 })], copies)).toEqual({ ...nothing, new: 1 })
  })
})

const coverage = ({ userId }: Person) => asheville.client.getCoverage({ userId })
const sizes = async (person: Person) => {
  const { types, absent, media } = await coverage(person)
  const ofCause = (wanted: string) => absent.filter(({ cause }) => cause === wanted).reduce((sum, { items }) => sum + items, 0)
  return {
    items: types.reduce((sum, one) => sum + one.items, 0),
    verified: types.reduce((sum, one) => sum + one.verified, 0),
    takenOut: ofCause('taken-out'),
    deleted: ofCause('page-deleted'),
    damaged: ofCause('damaged'),
    media: media.map(({ storageId: _, bytes: __, ...counts }) => counts),
  }
}

/** Looks through the whole storage; answers how that ended. */
async function verify(person: Person, more: { isFolderGone?: boolean } = {}) {
  const { userId, storageId } = person
  await asheville.client.startVerification({ userId, body: { storageId, ...more } })
  for (;;) {
    const [last] = (await coverage(person)).verifications
    if (last!.state !== 'running') return last!
    await sleep(20)
  }
}

const none = { takenOut: 0, deleted: 0, damaged: 0 }
const address = (number: number) => `https://files.example.social/${number}.txt`
const file = (number: number) => Buffer.from(`This is file ${number}`)

describe.each(Object.entries(places))('verifying, on %s,', (_, personThere) => {
  test('tells what is sound; what is not there any more is brought back by the months that it is of, and no others', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    const { userId, storageId } = ada
    const all = ['2024-01', '2024-02', '2024-03', '2024-06', null].flatMap((month, index) =>
      [0, 1, 2].map((number) => post(index * 10 + number, { at: month && `${month}-1${number}` })),
    )
    await stream.put(all)
    await finish(ada)
    expect(await sizes(ada)).toMatchObject({ items: 15, verified: 0 })
    expect(await verify(ada)).toMatchObject({ state: 'done', pages: 5, reason: null })
    expect(await sizes(ada)).toEqual({ items: 15, verified: 15, ...none, media: [] })

    for (const month of ['2024-02', '2024-03', '2024-06']) await ada.storage.remove(pageOf(month), null, signal)
    await edit(ada.storage, pageOf('2024-01'), ({ orderedItems }) => orderedItems.splice(1, 1))
    await write(ada.storage, pageOf('undated'), String(await read(ada.storage, pageOf('undated'))).replace('"type":"Note"', '"type":Note'))
    expect(await verify(ada)).toMatchObject({ state: 'done' })
    expect(await sizes(ada)).toEqual({ items: 4, verified: 4, takenOut: 1, deleted: 9, damaged: 1, media: [] })
    expect((await coverage(ada)).absent.map(({ month, cause, items }) => [month, cause, items])).toEqual([
      ['2024-01', 'taken-out', 1],
      ['2024-02', 'page-deleted', 3],
      ['2024-03', 'page-deleted', 3],
      ['2024-06', 'page-deleted', 3],
      [null, 'damaged', 1],
    ])
    // Nothing comes back by itself but what nobody can have wanted to lose.
    expect(await stream.put(all)).toEqual({ ...nothing, new: 1, unchanged: 14 })

    const repair = () => asheville.client.prepareRepair({ userId, body: { storageId } })
    const ranges = [
      { from: '2024-02-01T00:00:00.000Z', to: '2024-04-01T00:00:00.000Z' },
      { from: '2024-06-01T00:00:00.000Z', to: '2024-07-01T00:00:00.000Z' },
    ]
    const wanted = { streams: [{ connectionId: stream.connectionId, stream: 'statuses', ranges }] }
    expect(await repair()).toEqual(wanted)
    expect(await repair()).toEqual(wanted)
    expect(await stream.put(all)).toEqual({ ...nothing, new: 9, unchanged: 6 })
    expect(await repair()).toEqual({ streams: [] })
    await verify(ada)
    expect(await sizes(ada)).toEqual({ items: 14, verified: 14, ...none, takenOut: 1, media: [] })

    // Struck from the decisions, it is wanted again.
    await finish(ada)
    expect(await decisions(ada)).toHaveLength(1)
    const text = String(await read(ada.storage, 'decisions.json'))
    await write(ada.storage, 'decisions.json', JSON.stringify({ ...(JSON.parse(text) as object), decisions: [] }))
    await verify(ada)
    expect((await repair()).streams[0]!.ranges).toEqual([{ from: '2024-01-01T00:00:00.000Z', to: '2024-02-01T00:00:00.000Z' }])
    expect(await stream.put(all)).toEqual({ ...nothing, new: 1, unchanged: 14 })
  })

  test('what was deleted and is let go is a decision, and not offered again', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    const { userId, storageId } = ada
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-02-05' })])
    await finish(ada)
    await ada.storage.remove(march, null, signal)
    await verify(ada)
    await asheville.client.leaveOut({ userId, body: { storageId } })
    expect(await sizes(ada)).toMatchObject({ takenOut: 1, deleted: 0 })
    await finish(ada)
    expect((await decisions(ada))!.map(({ item }) => item.id)).toEqual([post(1).id])
    expect(await asheville.client.prepareRepair({ userId, body: { storageId } })).toEqual({ streams: [] })
    expect(await stream.put([post(1, { at: '2024-03-05' })])).toEqual({ ...nothing, unchanged: 1 })
  })

  test('media that are missing or damaged are had again by the items that show them', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    const { userId, storageId } = ada
    const { connectionId } = stream
    const putFile = (number: number) =>
      asheville.client.putMedia({
        userId,
        query: {
          storageId,
          connectionId,
          stream: 'statuses',
          fence: 1,
          source: address(number),
          mediaType: 'text/plain',
          at: '2024-03-05T00:00:00.000Z',
        },
        body: Readable.from([file(number)]),
      })
    const withFile = async (number: number) => {
      const plain = post(number, { at: '2024-03-05' })
      const { isNew: __, ...media } = await putFile(number)
      const url = address(number)
      return {
        ...plain,
        object: { ...plain.object, attachment: [{ type: 'Document', url }] },
        media: [{ url, kind: 'document' as const }],
        mediaStates: { [url]: { state: 'stored' as const, ...media } },
      }
    }
    const items = [await withFile(1), await withFile(2), await withFile(3)]
    await stream.put(items)
    await verify(ada)
    expect((await sizes(ada)).media).toEqual([{ files: 3, verified: 3, missing: 0, damaged: 0 }])
    const [first, second] = items.map(({ mediaStates }) => (Object.values(mediaStates)[0] as { path: string }).path)
    await ada.storage.remove(first!, null, signal)
    await write(ada.storage, second!, file(9))
    await verify(ada)
    expect((await sizes(ada)).media).toEqual([{ files: 3, verified: 1, missing: 1, damaged: 1 }])

    const { streams } = await asheville.client.prepareRepair({ userId, body: { storageId } })
    expect(streams).toEqual([{ connectionId, stream: 'statuses', ranges: [] }])
    const pending = await asheville.client.listPending({ userId, query: { storageId, connectionId, stream: 'statuses', limit: 10 } })
    expect(pending.items.map(({ id }) => id).sort()).toEqual([items[0]!.id, items[1]!.id].sort())
    expect((await asheville.client.findMedia({ userId, body: { storageId, urls: [1, 2, 3].map(address) } })).found).toEqual({
      [address(3)]: expect.objectContaining({ state: 'stored' }),
    })
    for (const number of [1, 2]) await putFile(number)
    await stream.put(items.slice(0, 2))
    await verify(ada)
    expect((await sizes(ada)).media).toEqual([{ files: 3, verified: 3, missing: 0, damaged: 0 }])
    expect(await read(ada.storage, second!)).toEqual(file(2))
  })

  test('a folder that is elsewhere is said to be; once it is said to be gone, all of it can be had again', async () => {
    const ada = await personThere()
    const stream = streamOf(asheville, ada)
    const { userId, storageId } = ada
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-02-05' })])
    await finish(ada)
    for await (const { path } of ada.storage.list('', signal)) await ada.storage.remove(path, null, signal)
    expect(await verify(ada)).toMatchObject({ state: 'failed', reason: expect.stringContaining('not where it was') })
    expect(await stored(ada)).toBe(2)
    expect(await verify(ada, { isFolderGone: true })).toMatchObject({ state: 'done' })
    expect(await sizes(ada)).toMatchObject({ items: 0, deleted: 2 })
    await asheville.client.prepareRepair({ userId, body: { storageId } })
    expect(await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-02-05' })])).toEqual({ ...nothing, new: 2 })
  })
})

test('bytes that a disk turned over are told from a person’s words, and the items that they were in are had again', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  const all = [1, 2, 3].map((number) => post(number, { at: '2024-03-05' }))
  await stream.put(all)
  await finish(ada)
  let isMended = false
  // As the disk does it: the same version of the file, of other bytes.
  asheville.disturb((storage) => ({
    ...storage,
    async get(path, want) {
      const got = await storage.get(path, want)
      if (path !== march || got === null || got === 'unchanged' || isMended) return got
      const text = String(await bytesOf(got.body)).replace('This is post 2', 'This is post X')
      return { ...got, body: Readable.from([Buffer.from(text)]) }
    },
    put(files, signal_) {
      isMended ||= files.some(({ path }) => path === march)
      return storage.put(files, signal_)
    },
  }))
  try {
    await verify(ada)
    expect(await sizes(ada)).toMatchObject({ items: 2, verified: 2, damaged: 1 })
    expect(await contents(ada)).toEqual(['This is post 1', 'This is post 3'])
    expect(await stream.put(all)).toEqual({ ...nothing, new: 1, unchanged: 2 })
  } finally {
    asheville.disturb(null)
  }
})

test('whoever takes over goes on where the other was; a storage that does not answer is asked again', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  const { userId } = ada
  const items = Array.from({ length: 60 }, (_, index) => post(index, { at: `${1960 + index}-05-05` }))
  await stream.put(items)
  let reads = 0
  asheville.disturb((storage) => ({
    ...storage,
    get(path, want) {
      reads++
      // The second portion breaks off.
      if (reads === 30) throw new AshevilleError('unavailable', 'Your disk does not answer', { retryAfterMs: 1 })
      return storage.get(path, want)
    },
  }))
  try {
    expect(await verify(ada)).toMatchObject({ state: 'done', pages: 60 })
    expect(await sizes(ada)).toMatchObject({ items: 60, verified: 60 })
    // Of 60 files, 24 by 24, one portion was read in part and then once more.
    expect(reads).toBeLessThanOrEqual(60 + 24)
    const [row] = await asheville.db.query<{ count: number }>('SELECT count(*) FROM pages WHERE user_id = $1 AND verified_at IS NULL', [
      userId,
    ])
    expect(row?.count).toBe(0)
  } finally {
    asheville.disturb(null)
  }
})

test('a server that fills up in the middle says so; after space is made the rest follows, and nothing is lost', async () => {
  const ada = await places['a WebDAV server']()
  const stream = streamOf(asheville, ada)
  const months = Array.from({ length: 12 }, (_, index) => `2024-${String(index + 1).padStart(2, '0')}`)
  const items = months.flatMap((month, index) =>
    Array.from({ length: 5 }, (__, number) => post(index * 10 + number, { at: `${month}-05`, content: 'x'.repeat(5000) })),
  )
  await stream.put(items.slice(0, 10))
  server.fill(80 * 1024)
  await expect(stream.put(items)).rejects.toMatchObject({ kind: 'storage-full' })
  const before = await stored(ada)
  expect(before).toBeGreaterThan(10)
  expect(before).toBeLessThan(60)
  await expect(stream.put(items)).rejects.toMatchObject({ kind: 'storage-full' })
  server.free()
  expect(await stream.put(items)).toEqual({ ...nothing, new: 60 - before, unchanged: before })
  const found = await Promise.all(months.map((month) => page(ada, pageOf(month))))
  expect(new Set(found.flatMap(({ orderedItems }) => orderedItems.map(({ id }) => id))).size).toBe(60)
})

test('a summary that the storage is slow to take is not written over that of a later sync', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  await stream.put([post(1, { at: '2024-03-05' })])
  const [gate, reached] = [new AbortController(), new AbortController()]
  asheville.disturb((storage) => ({
    ...storage,
    async put(uploads, given) {
      if (uploads.some(({ path }) => path === 'asheville.json')) {
        reached.abort()
        await aborted(gate.signal)
      }
      return storage.put(uploads, given)
    },
  }))
  try {
    const earlier = finish(ada)
    await aborted(reached.signal)
    await stream.put([post(2, { at: '2024-04-05' })])
    const later = finish(ada)
    gate.abort()
    await Promise.all([earlier, later])
    expect(String(await read(ada.storage, 'asheville.json'))).toContain('posts/2024-04.json')
  } finally {
    gate.abort()
    asheville.disturb(null)
  }
})

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
