import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { itemsOnDisk, post, startConstellation, streamOf, type Constellation, type Person, type TestItem } from './constellation.ts'

let asheville: Constellation
beforeAll(async () => {
  asheville = await startConstellation()
})
afterEach(() => asheville.disturb(null))
afterAll(() => asheville.close())

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

type Wish = Parameters<Constellation['client']['removeCopies']>[0]['body']

/** Says it until it is done, as the conductor does. */
async function remove({ userId, storageId }: Person, connectionId: string, contentTypes: Wish['contentTypes'], fence = 2) {
  const body = { storageId, connectionId, network: 'mastodon', accountId: '4711', contentTypes, fences: [{ stream: 'statuses', fence }] }
  const sum = { items: 0, files: 0, media: 0 }
  for (;;) {
    const { isDone, ...removed } = await asheville.clientOf('conductor').removeCopies({ userId, body })
    for (const name of ['items', 'files', 'media'] as const) sum[name] += removed[name]
    if (isDone) return sum
  }
}

async function withPicture(
  { userId, storageId }: Person,
  connectionId: string,
  item: TestItem,
  data: Buffer,
  fence = 1,
): Promise<TestItem> {
  const url = `https://media.example.social/${item.id.slice(-8)}/${sha256(data).slice(0, 8)}.txt`
  const query = { storageId, connectionId, stream: 'statuses', fence, source: url, mediaType: 'text/plain', at: item.at! }
  const { isNew: _, ...stored } = await asheville.client.putMedia({ userId, body: Readable.from([data], { objectMode: false }), query })
  const attachment = [{ type: 'Document', url, mediaType: 'text/plain' }]
  return {
    ...item,
    object: { ...item.object, attachment },
    media: [{ url, kind: 'document', mediaType: 'text/plain' }],
    mediaStates: { [url]: { state: 'stored', ...stored } },
  }
}

const like = (number: number) => post(number, { contentType: 'likes' })
const files = async ({ folder }: Person) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map(({ name }) => name)
    .sort()

test('what is stored of a content type goes, with the media that nothing else shows; the rest and files of others stay', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  const [own, shared] = [randomBytes(100), randomBytes(100)].map((bytes) => Buffer.from(bytes.toString('hex'))) as [Buffer, Buffer]
  const posts = [await withPicture(ada, stream.connectionId, post(1), own), await withPicture(ada, stream.connectionId, post(400), shared)]
  await stream.put([...posts, await withPicture(ada, stream.connectionId, like(2), shared), like(3)])
  await asheville.client.finishSync({ userId: ada.userId, body: { storageId: ada.storageId } })
  const folder = join(ada.folder, 'mastodon/ada@example.social/posts')
  await writeFile(join(folder, 'my notes.txt'), 'Mine')
  await writeFile(join(folder, '2024-12.conflict-2025-01-01-abc.json'), '{}')

  expect(await remove(ada, stream.connectionId, ['posts'])).toEqual({ items: 2, files: 3, media: 1 })
  expect(await readdir(folder)).toEqual(['my notes.txt'])
  expect([...(await itemsOnDisk(ada.folder)).keys()].sort()).toEqual([like(2).id, like(3).id].sort())
  const { items } = await asheville.client.listItems({ userId: ada.userId, query: {} })
  expect(items.map(({ contentType }) => contentType)).toEqual(['likes', 'likes'])
  expect((await asheville.client.getCounts({ userId: ada.userId })).media).toEqual([{ storageId: ada.storageId, files: 1, bytes: 200 }])
  expect(await files(ada)).toContain(`${sha256(shared).slice(0, 40)}.txt`)
  expect(await files(ada)).not.toContain(`${sha256(own).slice(0, 40)}.txt`)
  // Nothing is left to do, and it can be had anew.
  expect(await remove(ada, stream.connectionId, ['posts'])).toEqual({ items: 0, files: 0, media: 0 })
  const again = await withPicture(ada, stream.connectionId, post(1), own, 3)
  expect(await stream.put([again], { fence: 3 })).toMatchObject({ new: 1 })
  expect(await files(ada)).toContain(`${sha256(own).slice(0, 40)}.txt`)
})

test('with the last content type goes what was written of the account', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  await stream.put([post(1), like(2)])
  await asheville.client.finishSync({ userId: ada.userId, body: { storageId: ada.storageId } })
  await remove(ada, stream.connectionId, ['posts'])
  expect(await files(ada)).toContain('profile.json')
  await remove(ada, stream.connectionId, ['likes'])
  await asheville.client.finishSync({ userId: ada.userId, body: { storageId: ada.storageId } })
  expect(await files(ada)).toEqual(['README.txt', 'asheville.json'])
})

test('a worker that is late stores nothing more; one that began anew is not robbed', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  await stream.put([post(1)])
  await remove(ada, stream.connectionId, ['posts'])
  await expect(stream.put([post(2)])).rejects.toMatchObject({ kind: 'conflict' })
  await stream.put([post(3)], { fence: 3 })
  await expect(remove(ada, stream.connectionId, ['posts'])).rejects.toMatchObject({ kind: 'conflict' })
  expect([...(await itemsOnDisk(ada.folder)).keys()]).toEqual([post(3).id])
})

test('interrupted anywhere, it is brought to its end by being said again', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  const data = Buffer.from(randomBytes(50).toString('hex'))
  const items = [await withPicture(ada, stream.connectionId, post(1), data), post(400), post(800), post(1200)]
  await stream.put(items)
  let calls = 0
  let failures = 0
  for (let failsAt = 1; ; failsAt += 1) {
    calls = 0
    const fail = async () => {
      calls += 1
      if (calls === failsAt) throw new Error('The machine died')
    }
    asheville.disturb((storage) => ({
      ...storage,
      get: async (...given) => fail().then(() => storage.get(...given)),
      remove: async (...given) => storage.remove(...given).then(fail),
    }))
    const failed = await remove(ada, stream.connectionId, ['posts']).then(
      () => false,
      () => true,
    )
    if (!failed) break
    failures += 1
  }
  expect(failures).toBeGreaterThan(3)
  expect(await files(ada)).toEqual([])
  for (const table of ['items', 'pages', 'media', 'media_sources', 'pending_items', 'accounts'])
    expect(await asheville.db.query(`SELECT FROM ${table} WHERE user_id = $1`, [ada.userId])).toEqual([])
})

test('a file that goes while another item with it arrives is had again', async () => {
  const ada = asheville.person()
  const stream = streamOf(asheville, ada)
  const likes = streamOf(asheville, ada)
  const data = Buffer.from(randomBytes(50).toString('hex'))
  await stream.put([await withPicture(ada, stream.connectionId, post(1), data)])
  // The worker of another stream has been told that the file is there, and stores its item when it is not any more.
  const late = await withPicture(ada, likes.connectionId, like(2), data)
  expect(await remove(ada, stream.connectionId, ['posts'])).toMatchObject({ media: 1 })
  await likes.put([late])
  await asheville.db.query('UPDATE pending_items SET next_at = now()')
  const query = { storageId: ada.storageId, connectionId: likes.connectionId, stream: 'statuses', limit: 10 }
  const { items } = await asheville.client.listPending({ userId: ada.userId, query })
  expect(items.map(({ id }) => id)).toEqual([late.id])
  const { found } = await asheville.client.findMedia({ userId: ada.userId, body: { storageId: ada.storageId, urls: [late.media[0]!.url] } })
  expect(found).toEqual({})
})

test('of another person nothing is removed', async () => {
  const [ada, bob] = [asheville.person(), asheville.person()]
  const stream = streamOf(asheville, ada)
  await stream.put([post(1)])
  await expect(remove({ ...bob, storageId: ada.storageId }, stream.connectionId, ['posts'])).rejects.toMatchObject({ kind: 'not-found' })
  await expect(remove(bob, randomUUID(), ['posts'])).resolves.toEqual({ items: 0, files: 0, media: 0 })
  expect((await itemsOnDisk(ada.folder)).size).toBe(1)
})
