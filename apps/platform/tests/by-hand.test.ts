import { createHttp } from '@asheville/http-client'
import type { Fields, Storage } from '@asheville/core'
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
