import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredItem } from '@asheville/clients'
import type { Storage } from '@asheville/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { post, startConstellation, streamOf, type Constellation, type Person } from './constellation.ts'

let asheville: Constellation
beforeAll(async () => {
  asheville = await startConstellation()
})
afterEach(() => asheville.disturb(null))
afterAll(() => asheville.close())

const numbers = (items: readonly StoredItem[]) => items.map(({ id }) => Number(id.slice(-8)))

async function everything(
  { userId }: Person,
  query: Parameters<Constellation['client']['listItems']>[0]['query'] = {},
): Promise<StoredItem[]> {
  const all: StoredItem[] = []
  let cursor: string | undefined
  do {
    const { items, next } = await asheville.client.listItems({ userId, query: { ...query, ...(cursor !== undefined && { cursor }) } })
    all.push(...items)
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return all
}

describe('listItems', () => {
  test('pages through everything once, newest first, the undated last', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    // Many share a date, which must not make any be listed twice or left out.
    const items = Array.from({ length: 60 }, (_, number) =>
      post(number, { at: number < 10 ? null : `2024-03-${String(28 - Math.floor(number / 7)).padStart(2, '0')}` }),
    )
    await stream.put(items.slice(0, 35))
    await stream.put(items.slice(35))
    const all = await everything(ada, { limit: 7 })
    expect(all).toHaveLength(60)
    expect(new Set(numbers(all)).size).toBe(60)
    const dates = all.map(({ at }) => at ?? '')
    expect(dates).toEqual(dates.toSorted().toReversed())
  })

  test('filters by network, connection, content type and dates', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const other = streamOf(asheville, ada)
    await stream.put([post(1, { at: '2024-03-01' }), post(2, { at: '2024-03-02' }), post(3, { at: '2024-03-03', contentType: 'photos' })])
    await other.put([post(4, { at: '2024-03-04' }), post(5, { at: null })], { network: 'feeds', stream: 'entries' })
    const list = async (query: Parameters<typeof everything>[1]) => numbers(await everything(ada, { limit: 1, ...query }))
    expect(await list({})).toEqual([4, 3, 2, 1, 5])
    expect(await list({ network: 'feeds' })).toEqual([4, 5])
    expect(await list({ connectionId: stream.connectionId })).toEqual([3, 2, 1])
    expect(await list({ contentType: 'photos' })).toEqual([3])
    expect(await list({ from: '2024-03-02T00:00:00.000Z', to: '2024-03-04T00:00:00.000Z' })).toEqual([3, 2])
    expect(await list({ contentType: 'likes' })).toEqual([])
    for (const cursor of ['x', 'W10', Buffer.from('["now",1]').toString('base64url'), Buffer.from('[null,"1"]').toString('base64url')])
      await expect(asheville.client.listItems({ userId: ada.userId, query: { cursor } })).rejects.toMatchObject({ kind: 'invalid' })
  })

  test('many readers at once ask the storage once; later ones not at all', async () => {
    const ada = asheville.person()
    await streamOf(asheville, ada).put(Array.from({ length: 50 }, (_, number) => post(number, { at: '2024-03-05' })))
    await streamOf(asheville, ada).put([post(100, { at: '2024-03-06' })])
    let gets = 0
    asheville.disturb((storage: Storage) => ({
      ...storage,
      get(path, want) {
        gets++
        return storage.get(path, want)
      },
    }))
    await Promise.all(Array.from({ length: 20 }, () => asheville.client.listItems({ userId: ada.userId, query: {} })))
    await asheville.client.listItems({ userId: ada.userId, query: {} })
    expect(gets).toBeLessThanOrEqual(1)
  })

  test('what was just written is what is read', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    for (let turn = 0; turn < 5; turn++) {
      await stream.put([post(1, { content: `turn ${turn}`, seen: turn, edited: turn + 1 })])
      expect((await everything(ada))[0]?.object['content']).toBe(`turn ${turn}`)
    }
  })
})

test('what each content type takes is told by its page files', async () => {
  const ada = asheville.person()
  const posts = [0, 1, 2].map((number) => post(number, { at: `2024-0${number + 1}-05`, content: 'x'.repeat(1000 * (number + 1)) }))
  const { connectionId } = streamOf(asheville, ada)
  await streamOf(asheville, ada, connectionId).put([...posts, post(9, { contentType: 'likes' })])
  const pages = await asheville.db.query<{ contentType: string; bytes: number }>(
    `SELECT split_part(path, '/', 3) AS "contentType", sum(bytes)::bigint AS bytes FROM pages WHERE user_id = $1 GROUP BY 1 ORDER BY 1`,
    [ada.userId],
  )
  const { types } = await asheville.client.getCoverage({ userId: ada.userId })
  expect(types.map(({ contentType, bytes }) => ({ contentType, bytes }))).toEqual(pages)
  expect(types).toMatchObject([
    { contentType: 'likes', items: 1 },
    { contentType: 'posts', items: 3 },
  ])
  expect(types[1]!.bytes).toBeGreaterThan(6000)
})

describe('what belongs to somebody else is not there', () => {
  test('items, counts, storages', async () => {
    const [ada, bob] = [asheville.person(), asheville.person()]
    await streamOf(asheville, ada).put([post(1)])
    const [item] = await everything(ada)
    expect(await everything(bob)).toEqual([])
    expect(await asheville.client.getCounts({ userId: bob.userId })).toEqual({ counts: [], media: [] })
    await expect(asheville.client.getItem({ userId: bob.userId, params: { key: item!.key } })).rejects.toMatchObject({ kind: 'not-found' })
    const foreign = { userId: bob.userId, storageId: ada.storageId }
    await expect(streamOf(asheville, { ...bob, ...foreign }).put([post(2)])).rejects.toMatchObject({ kind: 'not-found' })
    await expect(asheville.client.findMedia({ userId: bob.userId, body: { storageId: ada.storageId, urls: [] } })).rejects.toMatchObject({
      kind: 'not-found',
    })
    await expect(asheville.client.finishSync({ userId: bob.userId, body: { storageId: ada.storageId } })).rejects.toMatchObject({
      kind: 'not-found',
    })
    expect(numbers(await everything(ada))).toEqual([1])
  })

  test('routes are for the services that may', async () => {
    const ada = asheville.person()
    const call = { userId: ada.userId }
    await expect(asheville.clientOf('accounts').listItems({ ...call, query: {} })).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(asheville.clientOf('workers').listItems({ ...call, query: {} })).rejects.toMatchObject({ kind: 'forbidden' })
    await expect(asheville.clientOf('web').finishSync({ ...call, body: { storageId: ada.storageId } })).rejects.toMatchObject({
      kind: 'forbidden',
    })
    for (const path of ['/v1/items', '/v1/counts', '/v1/files/media/x']) {
      expect((await fetch(new URL(path, asheville.url))).status).toBe(401)
      const token = await asheville.token('web', null)
      expect((await fetch(new URL(path, asheville.url), { headers: { authorization: `Bearer ${token}` } })).status).toBe(403)
    }
  })
})

describe('finishSync', () => {
  test('writes README, profiles and manifest, and again only what changed', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada)
    const finish = () => asheville.client.finishSync({ userId: ada.userId, body: { storageId: ada.storageId } })
    const read = (name: string) => readFile(join(ada.folder, name), 'utf8')
    await stream.put([post(1, { at: '2024-03-05' }), post(2, { at: '2024-03-06' })])
    await finish()
    expect((await readdir(ada.folder)).sort()).toEqual(['.incoming', 'README.txt', 'asheville.json', 'mastodon'])
    expect(await read('README.txt')).toContain('They are yours')
    expect(JSON.parse(await read('mastodon/ada@example.social/profile.json'))).toMatchObject({
      type: 'Person',
      name: 'Ada',
      preferredUsername: 'ada@example.social',
    })
    const manifest = JSON.parse(await read('asheville.json')) as Record<string, unknown>
    expect(manifest).toMatchObject({
      format: 1,
      accounts: [{ network: 'mastodon', folder: 'mastodon/ada@example.social', counts: { posts: { items: 2, gone: 0 } } }],
      media: { files: 0, bytes: 0 },
      pages: [{ path: 'mastodon/ada@example.social/posts/2024-03.json', items: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    })

    const calls = await asheville.storageCalls()
    await finish()
    expect(await asheville.storageCalls()).toBe(calls)
    await stream.put([post(3, { at: '2024-03-07' })])
    await finish()
    expect((await asheville.storageCalls()) - calls).toBe(2)
    expect(JSON.parse(await read('asheville.json'))).toMatchObject({ pages: [{ items: 3 }] })
  })

  test('the manifest is brought up to date over anything; a README that a person changed is theirs', async () => {
    const ada = asheville.person()
    const finish = () => asheville.client.finishSync({ userId: ada.userId, body: { storageId: ada.storageId } })
    await streamOf(asheville, ada).put([post(1)])
    await finish()
    await writeFile(join(ada.folder, 'README.txt'), 'my own')
    await writeFile(join(ada.folder, 'asheville.json'), 'broken')
    await asheville.db.query(`UPDATE documents SET sha256 = '' WHERE user_id = $1`, [ada.userId])
    await finish()
    expect(await readFile(join(ada.folder, 'README.txt'), 'utf8')).toBe('my own')
    expect(JSON.parse(await readFile(join(ada.folder, 'asheville.json'), 'utf8'))).toMatchObject({ format: 1 })
  })
})

test('without Redis everything works', async () => {
  const bare = await startConstellation({ redisUrl: 'redis://127.0.0.1:9' })
  try {
    const ada = bare.person()
    const stream = streamOf(bare, ada)
    await stream.put([post(1, { at: '2024-03-05' })])
    expect(await stream.put([post(2, { at: '2024-03-05' })])).toMatchObject({ new: 1 })
    expect(numbers((await bare.client.listItems({ userId: ada.userId, query: {} })).items)).toEqual([2, 1])
  } finally {
    await bare.close()
  }
})
