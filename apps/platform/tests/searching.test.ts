import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readDecisions } from '../src/decisions.ts'
import { post, startConstellation, streamOf, type Constellation, type Person, type TestItem } from './constellation.ts'

let asheville: Constellation
beforeAll(async () => {
  asheville = await startConstellation()
})
afterAll(() => asheville.close())

type Query = Parameters<Constellation['client']['listItems']>[0]['query']

const search = async ({ userId }: Person, query: Query) =>
  (await asheville.client.listItems({ userId, query })).items.map(({ id }) => Number(id.slice(-8)))

/** Resolves when the words of everything that the person has are in the index. */
async function untilIndexed({ userId }: Person): Promise<void> {
  for (;;) {
    // Otherwise a page that grows rests for a while.
    await asheville.db.query(`UPDATE pages SET read_after = '-infinity' WHERE user_id = $1 AND read_tries = 0`, [userId])
    const [row] = await asheville.db.query<{ unread: number }>(
      'SELECT count(*) AS unread FROM pages WHERE user_id = $1 AND sha256 IS DISTINCT FROM read_sha256',
      [userId],
    )
    if (row?.unread === 0) return
    await wait(50)
  }
}

function said(number: number, content: string, language?: string, more: object = {}): TestItem {
  const item = post(number, { at: '2024-03-05', content })
  return { ...item, object: { ...item.object, ...(language && { contentMap: { [language]: content } }), ...more } }
}

describe('words', () => {
  const texts: [string, string?][] = [
    ['<p>Luimme kirjoissa juhannusmökillä, <b>va</b>u!</p>', 'fi'],
    ['今日は東京タワーに行きました。', 'ja'],
    ['我们在北京吃了烤鸭', 'zh'],
    ['ذهبتُ إلى المكتبة لقراءة الكُتُب', 'ar'],
    ['오늘 서울에서 친구를 만났다', 'ko'],
    ['วันนี้ไปเที่ยวเชียงใหม่', 'th'],
    ['The running dogs of Asheville &amp; friends <a href="https://example.social/tag">#Hund</a>', 'en'],
    ['Die Donaudampfschifffahrt war großartig', 'de'],
    ['Вчера мы читали интересные книги', 'ru'],
    ['Ναι, στην Αθήνα', 'el'],
    ['AI is here', 'en'],
    ['Party 🎉 tonight'],
  ]
  const finds: [string, number[]][] = [
    ['juhannus', [0]],
    ['KIRJA', [0]],
    ['vau', [0]],
    ['mokilla', [0]],
    ['mo\u0308killä', [0]],
    ['東京', [1]],
    ['東', [1]],
    ['タワー', [1]],
    ['ﾀﾜｰ', [1]],
    ['北京', [2]],
    ['京', [2, 1]],
    ['烤鸭', [2]],
    ['المكتبه', [3]],
    ['الكتب', [3]],
    ['서울', [4]],
    ['친구', [4]],
    ['เชียงใหม่', [5]],
    ['run dog', [6]],
    ['asheville friends', [6]],
    ['hund', [6]],
    ['ashevilles cats', []],
    ['schiff', [7]],
    ['GROSSARTIG', [7]],
    ['книга', [8]],
    ['αθηνα', [9]],
    ['ai', [10]],
    ['🎉', [11]],
    ['party tonight', [11]],
    ['!?', []],
    ['example.social', []],
  ]
  let ada: Person
  beforeAll(async () => {
    ada = asheville.person()
    await streamOf(asheville, ada).put(texts.map(([text, language], number) => said(number, text, language)))
    await streamOf(asheville, asheville.person()).put(texts.map(([text, language], number) => said(number, text, language)))
    await untilIndexed(ada)
  })

  test.each(finds)('%s', async (words, found) => {
    expect((await search(ada, { words })).sort()).toEqual(found.toSorted())
  })

  test('with other filters, in pages, either way round', async () => {
    const bob = asheville.person()
    const stream = streamOf(asheville, bob)
    await stream.put(
      Array.from({ length: 40 }, (_, number) =>
        post(number, { at: `2024-0${1 + (number % 4)}-05`, content: number % 2 ? 'odd one' : 'even one' }),
      ),
    )
    await untilIndexed(bob)
    const all: number[] = []
    let cursor: string | undefined
    do {
      const { items, next } = await asheville.client.listItems({
        userId: bob.userId,
        query: { words: 'odd', from: '2024-02-01T00:00:00.000Z', order: 'oldest', limit: 3, ...(cursor && { cursor }) },
      })
      all.push(...items.map(({ id }) => Number(id.slice(-8))))
      cursor = next ?? undefined
    } while (cursor)
    expect(all.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, number) => 2 * number + 1))
    expect(await search(bob, { words: 'odd', contentType: 'likes' })).toEqual([])
    const { dates } = await asheville.client.getCalendar({ userId: bob.userId, query: { words: 'odd' } })
    expect(dates).toEqual([
      { date: '2024-02', items: 10 },
      { date: '2024-04', items: 10 },
    ])
  })

  test('marks that stand for other words as well find nothing that has not the word', async () => {
    const bob = asheville.person()
    // Whatever three letters of "ababab" one takes are in it.
    await streamOf(asheville, bob).put([said(1, 'abab aba bab'), said(2, 'ababab')])
    await untilIndexed(bob)
    expect(await search(bob, { words: 'ababab', limit: 1 })).toEqual([2])
  })

  test('an edit is found by its new words, and no more by its old ones; what is removed is not found', async () => {
    const bob = asheville.person()
    const stream = streamOf(asheville, bob)
    await stream.put([post(1, { content: 'apple' }), post(2, { content: 'apple pie' })])
    await untilIndexed(bob)
    expect(await search(bob, { words: 'apple' })).toEqual([1, 2])
    await stream.put([post(1, { content: 'pear', edited: 1, seen: 1 })])
    await untilIndexed(bob)
    expect(await search(bob, { words: 'apple' })).toEqual([2])
    expect(await search(bob, { words: 'pear' })).toEqual([1])
    await asheville.db.query('DELETE FROM items WHERE user_id = $1', [bob.userId])
    expect(await asheville.db.query('SELECT FROM words WHERE storage_id = $1', [bob.storageId])).toEqual([])
  })

  test('a page that cannot be read is put off, and holds up nobody', async () => {
    const [bob, eve] = [asheville.person(), asheville.person()]
    asheville.disturb((storage) => ({
      ...storage,
      get: (path, want) => (path.includes('2020-01') ? Promise.reject(new Error('no')) : storage.get(path, want)),
    }))
    const many = Array.from({ length: 3 }, (_, number) => post(number, { at: `202${number}-01-05`, content: 'hello' }))
    await streamOf(asheville, bob).put(many)
    await streamOf(asheville, eve).put([post(1, { at: '2021-01-05', content: 'hello' })])
    await untilIndexed(eve)
    asheville.disturb(null)
  })
})

describe('places', () => {
  const at = (latitude: number, longitude: number) => ({ location: { type: 'Place', name: 'somewhere', latitude, longitude } })

  test('what is near, around the pole and across the date line too', async () => {
    const ada = asheville.person()
    const places = [
      at(52.52, 13.405),
      at(52.5206, 13.4098),
      at(48.137, 11.575),
      at(-16.5, 179.9999),
      at(-16.5, -179.9999),
      at(89.9999, 0),
      at(89.9999, 180),
      at(91, 0),
    ]
    await streamOf(asheville, ada).put(places.map((place, number) => said(number, 'here', 'en', place)))
    await untilIndexed(ada)
    const near = async (place: string, radius?: number) => (await search(ada, { near: place, ...(radius && { radius }) })).sort()
    expect(await near('52.52,13.405')).toEqual([0, 1])
    expect(await near('52.52,13.405', 100)).toEqual([0])
    expect(await near('52.52,13.405', 550_000)).toEqual([0, 1, 2])
    expect(await near('-16.5,180')).toEqual([3, 4])
    expect(await near('90,0')).toEqual([5, 6])
    expect(await near('0,0')).toEqual([])
    expect(await search(ada, { words: 'somewhere' })).toHaveLength(8)
    await expect(search(ada, { near: '91,0' })).rejects.toMatchObject({ kind: 'invalid' })
  })
})

test('the index of marks is asked for people whom row-level security binds', async () => {
  const plan = await asheville.db.transaction(async (tx) => {
    await tx.query('SET LOCAL enable_seqscan = off')
    await tx.query('SET LOCAL ROLE asheville_test')
    return tx.query<{ 'QUERY PLAN': string }>('EXPLAIN SELECT key FROM words WHERE marks @> ARRAY[1, 2] OR marks && ARRAY[3]')
  })
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('words_marks')
})

describe('an index made anew from the storage alone', () => {
  const tables = {
    items: 'key, id, network, account_id, connection_id, stream, content_type, at, updated_at, seen_at, gone_at, hash, path',
    pages: 'path, month, part, revision, sha256, bytes, items',
    accounts: 'network, account_id, folder, handle, title, url',
    media: 'sha256, path, bytes, media_type, is_stored, focus_x, focus_y, is_focus_chosen',
    media_sources: 'url, sha256',
    pending_items: 'key, connection_id, stream',
    places: 'key, latitude, longitude',
    absent_items: 'key, id, cause',
  }
  const indexOf = async ({ userId, storageId }: Person) => ({
    ...Object.fromEntries(
      await Promise.all(
        Object.entries(tables).map(async ([table, columns]) => [
          table,
          await asheville.db.query(`SELECT ${columns} FROM ${table} WHERE user_id = $1 ORDER BY 1, 2`, [userId]),
        ]),
      ),
    ),
    words: await asheville.db.query(
      'SELECT key, hash, (SELECT array_agg(m ORDER BY m) FROM unnest(marks) m) FROM words WHERE storage_id = $1 ORDER BY 1',
      [storageId],
    ),
  })
  const make = async ({ userId, storageId }: Person) => {
    for (let calls = 1; ; calls++) {
      const reply = await asheville.client.reindex({ userId, body: { storageId } })
      if (reply.isDone) return { ...reply, calls }
    }
  }
  const picture = (number: number) => `https://files.example.social/${number}.png`
  const stored = (number: number) => ({
    state: 'stored' as const,
    path: `media/2024/03/${String(number).repeat(40)}.png`,
    sha256: String(number).repeat(64),
    bytes: 7,
    mediaType: 'image/png',
  })
  const withPicture = (number: number, state: object): TestItem => {
    const item = said(500 + number, 'a picture')
    const url = picture(number)
    return {
      ...item,
      object: { ...item.object, attachment: [{ type: 'Image', url }] },
      media: [{ url, kind: 'image' }],
      mediaStates: { [url]: state } as never,
    }
  }

  test('is the same, from nothing, from a wrong one, and after dying on the way', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada, asheville.origin)
    const many = Array.from({ length: 300 }, (_, number) =>
      post(number, { at: number % 9 ? undefined : null, content: `a story of ${number}` }),
    )
    await stream.put(many)
    await stream.put([
      said(301, 'here', 'en', { location: { type: 'Place', latitude: 1, longitude: 2 } }),
      said(302, 'gone'),
      said(303, 'by hand'),
    ])
    await stream.put(
      [said(400, 'likes', 'en', {})].map((item) => ({ ...item, contentType: 'likes' as const })),
      { gone: [said(302, '').id] },
    )
    for (const number of [4])
      await asheville.db.query(
        `INSERT INTO media (user_id, storage_id, sha256, path, bytes, media_type, is_stored, focus_x, focus_y, is_focus_chosen) VALUES ($1, $2, $3, $4, 7, 'image/png', true, 0.25, 0.5, true)
         ON CONFLICT (user_id, storage_id, sha256) DO UPDATE SET is_stored = true, focus_x = 0.25, focus_y = 0.5, is_focus_chosen = true`,
        [ada.userId, ada.storageId, stored(number).sha256, stored(number).path],
      )
    await asheville.db.query(
      `INSERT INTO media_sources (user_id, storage_id, url_hash, url, sha256) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
      [ada.userId, ada.storageId, createHash('sha256').update(picture(4)).digest('base64url'), picture(4), stored(4).sha256],
    )
    await stream.put([withPicture(4, stored(4)), withPicture(5, { state: 'pending', reason: 'later' })])
    await writeFile(
      join(ada.folder, 'decisions.json'),
      JSON.stringify({
        format: 1,
        decisions: [{ kind: 'focal-point', at: '2024-03-05T00:00:00.000Z', sha256: stored(4).sha256, x: 0.25, y: 0.5 }],
      }),
    )
    await asheville.client.finishSync({ userId: ada.userId, body: { storageId: ada.storageId } })
    await untilIndexed(ada)
    const before = await indexOf(ada)
    expect(before.words).toHaveLength(306)

    const lose = async () => {
      for (const table of Object.keys(tables)) await asheville.db.query(`DELETE FROM ${table} WHERE user_id = $1`, [ada.userId])
    }
    // Cut around another place than the person chose.
    await asheville.db.query(
      `INSERT INTO renditions (user_id, sha256, size, data, bytes) SELECT $1, $2, size, '', 0 FROM unnest(ARRAY['square', 'small']) AS size`,
      [ada.userId, stored(4).sha256],
    )
    const renditions = () => asheville.db.query('SELECT size FROM renditions WHERE user_id = $1', [ada.userId])
    await lose()
    expect(await make(ada)).toMatchObject({ items: 306, calls: 1 })
    expect(await renditions()).toEqual([{ size: 'small' }])
    await untilIndexed(ada)
    expect(await indexOf(ada)).toEqual(before)

    // One that says things that are not so.
    await asheville.db.query(`UPDATE items SET hash = 'x', gone_at = now() WHERE user_id = $1 AND id < $2`, [ada.userId, said(100, '').id])
    await asheville.db.query(
      `INSERT INTO items (user_id, storage_id, key, id, network, account_id, connection_id, stream, content_type, updated_at, seen_at, hash, path)
      SELECT user_id, storage_id, 'no' || n, id || 'no', network, account_id, connection_id, stream, content_type, updated_at, seen_at, hash, CASE n WHEN 1 THEN path ELSE 'mastodon/x/posts/2001-01.json' END
      FROM items, generate_series(1, 2) n WHERE user_id = $1 AND id = $2`,
      [ada.userId, said(301, '').id],
    )
    await asheville.db.query(
      `INSERT INTO pages (user_id, storage_id, path, month, part, revision) VALUES ($1, $2, 'mastodon/x/posts/2001-01.json', 'mastodon/x/posts/2001-01', 1, 'r')`,
      [ada.userId, ada.storageId],
    )
    let gets = 0
    asheville.disturb((storage) => ({
      ...storage,
      get: (path, want) => (++gets > 4 ? Promise.reject(new Error('dead')) : storage.get(path, want)),
    }))
    await expect(make(ada)).rejects.toMatchObject({ kind: 'unexpected' })
    asheville.disturb(null)
    // One that is cut as they chose stays.
    await asheville.db.query(`UPDATE renditions SET size = 'square' WHERE user_id = $1`, [ada.userId])
    await make(ada)
    expect(await renditions()).toEqual([{ size: 'square' }])
    await untilIndexed(ada)
    expect(await indexOf(ada)).toEqual(before)
  })

  test('what the person took out stays out', async () => {
    const ada = asheville.person()
    const stream = streamOf(asheville, ada, asheville.origin)
    await stream.put([said(1, 'one')])
    const decision = {
      kind: 'removed',
      at: '2024-03-05T00:00:00.000Z',
      item: { network: 'mastodon', account: '4711', contentType: 'posts', id: said(2, '').id },
    }
    await writeFile(join(ada.folder, 'decisions.json'), JSON.stringify({ format: 1, decisions: [decision] }))
    await make(ada)
    expect(await stream.put([said(2, 'two')])).toMatchObject({ new: 0 })
    expect(await search(ada, {})).toEqual([1])
  })
})

describe('one item on several networks', () => {
  const long = 'Today we walked all the way around the lake, and the ice was singing the whole afternoon'
  const bluesky = { network: 'bluesky', account: { id: 'did:plc:ada', handle: 'ada.example', title: 'Ada', url: null }, stream: 'posts' }
  const there = (number: number, at: string, content: string, more: object = {}): TestItem => {
    const item = post(number, { at, content, likes: 7 })
    const id = `at://did:plc:ada/app.bsky.feed.post/${String(number).padStart(8, '0')}`
    return { ...item, id, object: { ...item.object, id, url: `https://bsky.app/profile/ada.example/post/${number}`, ...more } }
  }
  const pictureOf = (name: string, url: string): Pick<TestItem, 'media' | 'mediaStates'> => ({
    media: [{ url, kind: 'image' }],
    mediaStates: {
      [url]: {
        state: 'stored',
        path: `media/2024/03/${name}.jpg`,
        sha256: createHash('sha256').update(name).digest('hex'),
        bytes: 5,
        mediaType: 'image/jpeg',
      },
    },
  })

  test('is told with its copies, shown once, kept apart by the person, and the same after the index is made anew', async () => {
    const ada = asheville.person()
    const { userId, storageId } = ada
    const [here, elsewhere] = [streamOf(asheville, ada), streamOf(asheville, ada)]
    await here.put([
      said(1, long),
      { ...post(2, { at: '2024-03-06T08:00:00.000Z', content: 'A heron' }), ...pictureOf('heron', 'https://example.social/heron.jpg') },
      // A picture that comes with every post says nothing.
      ...[3, 4].map((number) => ({
        ...post(number, { at: `2024-03-0${number + 4}T08:00:00.000Z`, content: '' }),
        ...pictureOf('logo', `https://example.social/logo-${number}.jpg`),
      })),
      post(5, { at: '2024-03-09T08:00:00.000Z', content: 'Good morning!' }),
    ])
    await elsewhere.put(
      [
        there(1, '2024-03-05T12:02:30.000Z', `${long} #ice`),
        { ...there(2, '2024-05-06T08:00:00.000Z', ''), ...pictureOf('heron', 'https://cdn.example/heron.jpg') },
        { ...there(3, '2024-03-07T08:01:00.000Z', ''), ...pictureOf('logo', 'https://cdn.example/logo.jpg') },
        there(5, '2024-03-09T08:00:00.000Z', 'Good morning!'),
      ],
      bluesky,
    )
    // The same of another person's is another's.
    await streamOf(asheville, asheville.person()).put([there(1, '2024-03-05T12:02:30.000Z', long)], bluesky)
    await untilIndexed(ada)

    const list = async (query: Query = {}) => (await asheville.client.listItems({ userId, query })).items
    const find = async (network: string, number: number) => (await list({ network })).find(({ id }) => Number(id.slice(-8)) === number)!
    const whole = async (network: string, number: number) =>
      asheville.client.getItem({ userId, params: { key: (await find(network, number)).key } })

    const { copies } = await whole('mastodon', 1)
    expect(copies).toMatchObject([
      {
        network: 'bluesky',
        account: 'ada.example',
        url: 'https://bsky.app/profile/ada.example/post/1',
        because: { by: 'words', minutes: 3, words: 'Same words within 3 minutes' },
        reactions: { likes: 7 },
      },
    ])
    expect((await whole('bluesky', 1)).copies).toMatchObject([{ network: 'mastodon', because: { by: 'words' } }])
    expect((await whole('mastodon', 2)).copies).toMatchObject([{ network: 'bluesky', because: { by: 'files', words: 'Same files' } }])
    for (const number of [3, 4, 5]) expect((await whole('mastodon', number)).copies).toBeUndefined()

    const numbersOf = (items: Awaited<ReturnType<typeof list>>) =>
      items.map(({ id, network }) => `${network[0]}${Number(id.slice(-8))}`).toSorted()
    expect(numbersOf(await list({ copies: 'once' }))).toEqual(['b1', 'b2', 'b3', 'b5', 'm3', 'm4', 'm5'])
    expect(numbersOf(await list({ copies: 'once', order: 'oldest' }))).toEqual(['b3', 'b5', 'm1', 'm2', 'm3', 'm4', 'm5'])
    expect(numbersOf(await list({ copies: 'once', network: 'mastodon' }))).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
    expect(numbersOf(await list({ copies: 'once', to: '2024-03-06T12:00:00.000Z', limit: 1 }))).toEqual(['m2'])
    expect(numbersOf(await list({ copies: 'once', words: 'singing' }))).toEqual(['b1'])

    const [one, other] = [(await find('mastodon', 1)).key, (await find('bluesky', 1)).key]
    const web = asheville.clientOf('web')
    const say = (key: string, that: string, isApart: boolean) => web.setApart({ userId, body: { key, other: that, isApart } })
    await say(one, other, true)
    await say(other, one, true)
    const told = await whole('mastodon', 1)
    expect(told.copies).toBeUndefined()
    expect(told.keptApart).toMatchObject([{ key: other, network: 'bluesky' }])
    const decisions = await readDecisions(ada.storage, AbortSignal.timeout(5000))
    expect(decisions).toMatchObject([{ kind: 'not-the-same' }])
    await expect(web.setApart({ userId: asheville.person().userId, body: { key: one, other, isApart: true } })).rejects.toMatchObject({
      kind: 'not-found',
    })

    for (const table of ['likenesses', 'kept_apart', 'words'])
      await asheville.db.query(`DELETE FROM ${table} WHERE storage_id = $1`, [storageId])
    expect((await whole('mastodon', 2)).copies).toBeUndefined()
    await asheville.client.reindex({ userId, body: { storageId } })
    await asheville.db.query('UPDATE pages SET read_sha256 = NULL WHERE user_id = $1', [userId])
    await untilIndexed(ada)
    expect((await whole('mastodon', 2)).copies).toHaveLength(1)
    expect((await whole('mastodon', 1)).keptApart).toHaveLength(1)

    await say(one, other, false)
    await say(one, other, false)
    expect((await whole('mastodon', 1)).copies).toHaveLength(1)
    expect(await readDecisions(ada.storage, AbortSignal.timeout(5000))).toEqual([])

    // What is removed is no copy any more.
    const { connectionId } = elsewhere
    const gone = { storageId, connectionId, network: 'bluesky', accountId: 'did:plc:ada', contentTypes: ['posts' as const] }
    await asheville.client.removeCopies({ userId, body: { ...gone, fences: [{ stream: 'posts', fence: 2 }] } })
    expect((await whole('mastodon', 1)).copies).toBeUndefined()
  })
})
