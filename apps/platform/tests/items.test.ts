import { randomUUID } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AshevilleError, type Storage } from '@asheville/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { itemsOnDisk, pagesOnDisk, post, startConstellation, streamOf, type Constellation } from './constellation.ts'

let asheville: Constellation
beforeAll(async () => {
  asheville = await startConstellation()
})
afterEach(() => asheville.disturb(null))
afterAll(() => asheville.close())

const nothing = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: [], missing: [] }
const pageOf = (month: string) => `mastodon/ada@example.social/posts/${month}.json`

describe('putItems', () => {
  test('a batch lies in month pages, is listed newest first, and repeated costs nothing', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const items = [post(1, { at: '2024-03-05' }), post(2, { at: '2024-03-02' }), post(3, { at: '2024-02-28' }), post(4, { at: null })]
    expect(await stream.put(items)).toEqual({ ...nothing, new: 4 })

    const pages = await pagesOnDisk(ada.folder)
    expect([...pages.keys()]).toEqual([pageOf('2024-02'), pageOf('2024-03'), pageOf('undated')])
    const march = JSON.parse(pages.get(pageOf('2024-03'))!) as Record<string, unknown> & { orderedItems: Record<string, unknown>[] }
    expect(march).toMatchObject({ type: 'OrderedCollectionPage', 'asheville:network': 'mastodon', 'asheville:account': '4711' })
    expect(march.orderedItems.map(({ id }) => id)).toEqual([items[1]!.id, items[0]!.id])
    expect(march.orderedItems[0]).toMatchObject({
      type: 'Note',
      content: 'This is post 2',
      'asheville:raw': { id: '2' },
      'asheville:stream': 'statuses',
    })

    const calls = await asheville.storageCalls()
    expect(await stream.put(items.map((item) => ({ ...item, seenAt: new Date().toISOString() })))).toEqual({ ...nothing, unchanged: 4 })
    expect(await asheville.storageCalls()).toBe(calls)
    expect(await pagesOnDisk(ada.folder)).toEqual(pages)

    const { items: listed, next } = await asheville.client.listItems({ userId: ada.userId, query: {} })
    expect(next).toBeNull()
    expect(listed.map(({ id }) => id)).toEqual(items.map(({ id }) => id))
    expect(listed[0]).toMatchObject({
      network: 'mastodon',
      account: 'ada@example.social',
      contentType: 'posts',
      goneAt: null,
      path: pageOf('2024-03'),
    })
    expect(listed[0]!.object).not.toHaveProperty(['asheville:raw'])
    const one = await asheville.client.getItem({ userId: ada.userId, params: { key: listed[0]!.key } })
    expect(one.object).toMatchObject({ content: 'This is post 1', 'asheville:raw': { id: '1' } })
  })

  test('edits replace, late writers do not, counts alone write nothing but come along', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-03-06' })])
    expect(await stream.put([post(1, { at: '2024-03-05', content: 'edited', edited: 5, seen: 1 })])).toEqual({ ...nothing, changed: 1 })
    expect(await stream.put([post(1, { at: '2024-03-05', content: 'late', edited: 4, seen: 9 })])).toEqual({ ...nothing, unchanged: 1 })
    const calls = await asheville.storageCalls()
    expect(await stream.put([post(2, { at: '2024-03-06', likes: 9, seen: 2 })])).toEqual({ ...nothing, unchanged: 1 })
    expect(await asheville.storageCalls()).toBe(calls)
    expect(await stream.put([post(2, { at: '2024-03-06', likes: 12, seen: 3 }), post(3, { at: '2024-03-07' })])).toEqual({
      ...nothing,
      new: 1,
      unchanged: 1,
    })
    const [text] = (await pagesOnDisk(ada.folder)).values()
    expect((JSON.parse(text!) as { orderedItems: object[] }).orderedItems).toMatchObject([
      { content: 'edited' },
      { likes: { totalItems: 12 } },
      { content: 'This is post 3' },
    ])
  })

  test('an item never moves: not by another date, nor by being delivered as another content type', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' })])
    expect(await stream.put([post(1, { at: '2023-01-01', content: 'edited', edited: 1, contentType: 'photos' })])).toEqual({
      ...nothing,
      changed: 1,
    })
    expect([...(await itemsOnDisk(ada.folder)).values()]).toEqual([[pageOf('2024-03')]])
  })

  test('what cannot be stored is skipped, the rest is stored', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const other = { ...post(2), object: { ...post(2).object, id: 'https://example.social/other' } }
    const huge = post(3, { content: 'x'.repeat(7 * 1024 * 1024) })
    const reply = await stream.put([
      post(1),
      other,
      huge,
      { ...post(4), id: 'a\0b', object: { id: 'a\0b', type: 'Note' } },
      post(5, { at: '0000-01-01' }),
    ])
    expect(reply).toMatchObject({ new: 1, skipped: [{ id: other.id }, { id: huge.id }, { id: 'a\0b' }, { id: post(5).id }] })
    expect((await itemsOnDisk(ada.folder)).size).toBe(1)
  })

  test('an older fence is refused, also when the newer one comes in the middle', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1)], { fence: 5 })
    await expect(stream.put([post(2)], { fence: 4 })).rejects.toMatchObject({ kind: 'conflict' })
    await stream.put([post(3)], { fence: 5 })
    await stream.put([post(4)], { fence: 4, stream: 'likes' })

    let puts = 0
    asheville.disturb((storage) => ({
      ...storage,
      async get(path, want) {
        await asheville.db.query('UPDATE fences SET fence = 7 WHERE user_id = $1', [ada.userId])
        return storage.get(path, want)
      },
      put(files, signal) {
        puts++
        return storage.put(files, signal)
      },
    }))
    await asheville.db.query('UPDATE pages SET is_written = false WHERE user_id = $1', [ada.userId])
    await expect(stream.put([post(1, { content: 'stale', edited: 1 })], { fence: 5 })).rejects.toMatchObject({ kind: 'conflict' })
    expect(puts).toBe(0)
  })

  test('gone ids are marked and kept; delivered again, the mark goes', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([1, 2, 3].map((number) => post(number, { at: '2024-03-05' })))
    expect(await stream.put([], { gone: [post(2).id, 'https://example.social/unknown'] })).toEqual({ ...nothing, gone: 1 })
    expect(await stream.put([], { gone: [post(2).id] })).toEqual(nothing)
    const listed = async () =>
      (await asheville.client.listItems({ userId: ada.userId, query: {} })).items.find(({ id }) => id === post(2).id)
    expect(await listed()).toMatchObject({
      goneAt: expect.any(String),
      object: { content: 'This is post 2', 'asheville:goneAt': expect.any(String) },
    })
    const seenAt = new Date(Date.now() + 1000).toISOString()
    expect(await stream.put([{ ...post(2, { at: '2024-03-05' }), seenAt }])).toEqual({ ...nothing, changed: 1 })
    expect(await listed()).toMatchObject({ goneAt: null })
  })

  test('missing: what is stored inside a covered range and was not delivered', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const dates = ['2024-03-01', '2024-03-02', '2024-03-03', '2024-03-04']
    await stream.put([...dates.map((at, index) => post(index, { at })), post(9, { at: null })])
    await stream.put([post(3, { at: '2024-03-04' })], {
      stream: 'likes',
      items: [{ ...post(50, { at: '2024-03-02' }), contentType: 'likes' }],
    })
    const ids = (reply: { missing: string[] }) => reply.missing.map((id) => Number(id.slice(-8)))
    const day = (text: string) => `${text}T12:00:00.000Z`
    const by = (from: string | null, to: string | null) => ({ covers: [{ by: 'at' as const, from, to }] })
    expect(ids(await stream.put([], by(day('2024-03-02'), day('2024-03-04'))))).toEqual([1, 2])
    expect(ids(await stream.put([post(1, { at: '2024-03-02' })], by(null, null)))).toEqual([0, 2, 3])
    expect(ids(await stream.put([], { covers: [{ by: 'id', from: post(1).id, to: post(3).id }] }))).toEqual([1, 2])
    expect(ids(await stream.put([], { covers: [{ by: 'id', from: post(2).id, to: null, contentType: 'posts' }] }))).toEqual([2, 3, 9])
    expect(ids(await stream.put([], { covers: [{ by: 'id', from: null, to: null, contentType: 'photos' }] }))).toEqual([])
    expect(ids(await stream.put([], { gone: [post(2).id], ...by(day('2024-03-02'), day('2024-03-04')) }))).toEqual([1])
    expect(ids(await stream.put([], by(day('2024-03-02'), day('2024-03-04'))))).toEqual([1])
    await expect(stream.put([], by('yesterday', null))).rejects.toMatchObject({ kind: 'invalid' })
  })

  test('ids are ordered by their bytes', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const item = (id: string) => ({ ...post(1), id, object: { id, type: 'Note' } })
    await stream.put(['a', 'B', 'ä', '~', '10', '9'].map(item))
    expect((await stream.put([], { covers: [{ by: 'id', from: 'B', to: 'ä' }] })).missing).toEqual(['B', 'a', '~'])
  })

  test('the same account connected again has its items at once', async () => {
    const ada = asheville.person()
    const items = [post(1), post(2)]
    await streamOf(asheville, ada).put(items)
    const again = streamOf(asheville, ada)
    expect(await again.put(items)).toEqual({ ...nothing, unchanged: 2 })
    const { counts } = await asheville.client.getCounts({ userId: ada.userId })
    expect(counts).toMatchObject([{ connectionId: again.connectionId, network: 'mastodon', contentType: 'posts', items: 2, gone: 0 }])
    expect((await itemsOnDisk(ada.folder)).size).toBe(2)
  })

  test('accounts of one handle do not share a folder, and a new handle keeps it', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const account = { id: '1', handle: 'Same', title: 'x', url: null }
    await stream.put([post(1)], { account })
    await stream.put([post(2)], { account: { ...account, id: '2', handle: 'same' } })
    await stream.put([post(3)], { account: { ...account, handle: 'renamed' } })
    const folders = await readdir(join(ada.folder, 'mastodon'))
    expect(folders.sort()).toEqual(['same', expect.stringMatching(/^same-[a-z0-9]{10}$/)])
  })

  test('a month grows into parts, in which items stay', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const content = 'x'.repeat(100_000)
    const big = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => post(from + index, { at: '2024-03-05', content: `${from + index} ${content}` }))
    for (const from of [0, 15, 30, 45, 60]) await stream.put(big(from, 15))
    const places = await itemsOnDisk(ada.folder)
    expect(places.size).toBe(75)
    expect([...(await pagesOnDisk(ada.folder)).keys()]).toEqual(
      [1, 2, 3].map((part) => pageOf(`2024-03${part === 1 ? '' : `.${part}`}`)).sort(),
    )
    for (const text of (await pagesOnDisk(ada.folder)).values()) expect(text.length).toBeLessThan(7 * 1024 * 1024)
    expect(await stream.put([post(3, { at: '2024-03-05', content: 'short now', edited: 1 }), post(99, { at: '2024-03-05' })])).toEqual({
      ...nothing,
      new: 1,
      changed: 1,
    })
    const after = await itemsOnDisk(ada.folder)
    for (const [id, paths] of places) expect(after.get(id)).toEqual(paths)
  })
})

describe('when things go wrong', () => {
  test('5,000 items in random batches, with repeats and deaths between page and index: none lost, none doubled', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const all = Array.from({ length: 5000 }, (_, number) => post(number))
    let seed = 20241121
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
    let deaths = 0
    const dying = (storage: Storage): Storage => ({
      ...storage,
      async put(files, signal) {
        const kind = random(6)
        if (kind === 0) throw new Error('died before the write')
        if (kind === 1) {
          // Some files were written, then the process was no more: nobody saw the end of it.
          await storage.put(files.slice(0, 1 + random(files.length)), signal)
          deaths++
          throw new Error('died after the write')
        }
        return storage.put(files, signal)
      },
    })
    asheville.disturb(dying)
    let at = 0
    let news = 0
    while (at < all.length) {
      const size = 100 + random(700)
      const batch = all.slice(Math.max(0, at - random(40)), at + size)
      try {
        news += (await stream.put(batch)).new
        at += size
      } catch (error) {
        expect(error).toMatchObject({ kind: 'unexpected' })
      }
    }
    expect(deaths).toBeGreaterThan(0)
    expect(news).toBe(5000)
    const places = await itemsOnDisk(ada.folder)
    expect(places.size).toBe(5000)
    expect([...places.values()].filter((paths) => paths.length !== 1)).toEqual([])
    const { counts } = await asheville.client.getCounts({ userId: ada.userId })
    expect(counts).toMatchObject([{ items: 5000 }])
    const [row] = await asheville.db.query<{ count: number }>('SELECT count(*) FROM pages WHERE user_id = $1 AND NOT is_written', [
      ada.userId,
    ])
    expect(row?.count).toBe(0)

    asheville.disturb(null)
    const before = await pagesOnDisk(ada.folder)
    const calls = await asheville.storageCalls()
    for (let from = 0; from < all.length; from += 1000) expect((await stream.put(all.slice(from, from + 1000))).unchanged).toBe(1000)
    expect(await asheville.storageCalls()).toBe(calls)
    expect(await pagesOnDisk(ada.folder)).toEqual(before)
  }, 60_000)

  test.each([1000, 2000])(
    '10,000 items of five years in batches of %i: at most 1.25 calls per page file, and 6',
    async (size) => {
      const ada = asheville.person()
      const stream = streamOf(asheville, ada)
      const before = await asheville.storageCalls()
      for (let from = 0; from < 10_000; from += size) await stream.put(Array.from({ length: size }, (_, index) => post(from + index)))
      await asheville.client.finishSync({ userId: ada.userId, body: { storageId: ada.storageId } })
      const calls = (await asheville.storageCalls()) - before
      const files = (await pagesOnDisk(ada.folder)).size
      expect(files).toBeGreaterThan(55)
      expect(calls).toBeLessThanOrEqual(1.25 * files + 6)
    },
    60_000,
  )

  test('a lost index is no loss: pages are read before they are written', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const big = Array.from({ length: 80 }, (_, number) => post(number, { at: '2024-03-05', content: `${number} ${'x'.repeat(100_000)}` }))
    await stream.put([...big.slice(0, 45), post(900, { at: '2024-02-05' })])
    await stream.put(big.slice(45))
    for (const table of ['items', 'pages']) await asheville.db.query(`DELETE FROM ${table} WHERE user_id = $1`, [ada.userId])
    await stream.put(big)
    await stream.put([post(901, { at: '2024-02-06' })])
    const places = await itemsOnDisk(ada.folder)
    expect(places.size).toBe(82)
    expect([...places.values()].filter((paths) => paths.length !== 1)).toEqual([])
    expect((await asheville.client.getCounts({ userId: ada.userId })).counts).toMatchObject([{ items: 82 }])
  })

  test('many writers of one month at once: one after the other, nothing lost', async () => {
    const ada = asheville.person()
    const streams = Array.from({ length: 6 }, (_, index) => ({
      name: `stream-${'abcdef'[index]}`,
      stream: streamOf(asheville, ada, randomUUID()),
    }))
    const replies = await Promise.all(
      streams.map(({ name, stream }, index) =>
        stream.put(
          Array.from({ length: 20 }, (_, n) => post(index * 15 + n, { at: '2024-03-05' })),
          { stream: name },
        ),
      ),
    )
    expect(replies.reduce((sum, reply) => sum + reply.new, 0)).toBe(95)
    const places = await itemsOnDisk(ada.folder)
    expect(places.size).toBe(95)
    expect([...places.values()].every((paths) => paths.length === 1)).toBe(true)
  })

  test('a month that a dead writer holds is free again soon', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' })])
    await asheville.db.query(
      `UPDATE months SET held_until = now() + interval '1500 milliseconds', holder = gen_random_uuid() WHERE user_id = $1`,
      [ada.userId],
    )
    expect(await stream.put([post(2, { at: '2024-03-05' })])).toEqual({ ...nothing, new: 1 })
  })

  test('what a person edits in a page stays', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-03-06' }), post(3, { at: '2024-03-07' })])
    const file = join(ada.folder, pageOf('2024-03'))
    const page = JSON.parse(await readFile(file, 'utf8')) as { note?: string; orderedItems: Record<string, unknown>[] }
    page.note = 'a note of mine'
    page.orderedItems[0]!['content'] = 'my own words'
    page.orderedItems.splice(2, 1)
    await writeFile(file, JSON.stringify(page, null, 4))

    expect(await stream.put([1, 2, 3, 4].map((number) => post(number, { at: `2024-03-0${number + 4}`, seen: 5 })))).toEqual({
      ...nothing,
      new: 1,
      unchanged: 3,
    })
    const after = JSON.parse(await readFile(file, 'utf8')) as typeof page
    expect(after.note).toBe('a note of mine')
    expect(after.orderedItems.map(({ content }) => content)).toEqual(['my own words', 'This is post 2', 'This is post 4'])
  })

  test('a page that cannot be read is kept under another name; what can be saved of it goes on', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([1, 2, 3].map((number) => post(number, { at: '2024-03-05' })))
    const file = join(ada.folder, pageOf('2024-03'))
    const broken = (await readFile(file, 'utf8')).replace('"This is post 2"', 'This is my post 2')
    await writeFile(file, broken)
    expect(await stream.put([post(4, { at: '2024-03-05' })])).toEqual({ ...nothing, new: 1 })
    const names = await readdir(join(file, '..'))
    const copy = names.find((name) => /^2024-03\.conflict-\d{4}-\d\d-\d\d-[a-z0-9]+\.json$/.test(name))!
    expect(await readFile(join(file, '..', copy), 'utf8')).toBe(broken)
    expect([...(await itemsOnDisk(ada.folder)).keys()].map((id) => Number(id.slice(-8)))).toEqual([1, 3, 4])
    expect(await stream.put([1, 2, 3, 4].map((number) => post(number, { at: '2024-03-05' })))).toEqual({ ...nothing, new: 1, unchanged: 3 })
    expect((await itemsOnDisk(ada.folder)).size).toBe(4)
  })

  test('a page that is deleted by hand is not brought back, and does not hinder', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-02-05' })])
    await rm(join(ada.folder, pageOf('2024-03')))
    expect(await stream.put([post(1, { at: '2024-03-05' }), post(3, { at: '2024-03-06' })])).toEqual({ ...nothing, new: 1, unchanged: 1 })
    expect([...(await itemsOnDisk(ada.folder)).keys()].map((id) => Number(id.slice(-8)))).toEqual([2, 3])
    const { items } = await asheville.client.listItems({ userId: ada.userId, query: {} })
    expect(items.map(({ id }) => Number(id.slice(-8)))).toEqual([3, 2])
  })

  test('a storage that fills up in the middle: what was stored counts, the rest follows when there is space', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const items = Array.from({ length: 10 }, (_, index) => post(index, { at: `2024-${String(index + 1).padStart(2, '0')}-05` }))
    asheville.disturb((storage) => ({
      ...storage,
      async put(files, signal) {
        const results = await storage.put(files.slice(0, 4), signal)
        return [
          ...results,
          ...files
            .slice(4)
            .map(({ path }) => ({ outcome: 'failed' as const, path, error: new AshevilleError('storage-full', 'Your disk is full') })),
        ]
      },
    }))
    await expect(stream.put(items)).rejects.toMatchObject({ kind: 'storage-full' })
    const count = async () => (await asheville.client.getCounts({ userId: ada.userId })).counts[0]?.items
    expect(await count()).toBe(4)
    asheville.disturb(null)
    expect(await stream.put(items)).toEqual({ ...nothing, new: 6, unchanged: 4 })
    expect(await count()).toBe(10)
    expect((await itemsOnDisk(ada.folder)).size).toBe(10)
  })
})
