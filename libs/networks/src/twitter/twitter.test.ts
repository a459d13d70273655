import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type AshevilleError, type Item, type PullIo } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startTwitter, type Breakage, type Fault, type TwitterOptions, type TwitterSimulator } from '@asheville/simulators'
import { createReference, describeNetwork, faultAt, type NetworkWorld } from '@asheville/testkit'
import { twitter } from './index.ts'
import { login } from './login.ts'

const variablesFor = (server: TwitterSimulator) => ({ TWITTER_API_URL: server.url, TWITTER_WEB_URL: server.url })
const postAddress = (id: string) => `https://x.com/i/status/${id}`

/** The newest comes first, in the order in which the simulator has them. */
function worldOf(server: TwitterSimulator): NetworkWorld {
  const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 300 })
  const me = server.account().id
  const truth = () => server.truth('alice')
  const broken = new Set<string>()
  const state = { count: 0, people: 0 }
  const start = Date.parse('2023-01-01T00:00:00Z')
  const newest = () => truth().posts[0]!
  const add = (count: number) => {
    for (let index = 0; index < count; index++) {
      state.count += 1
      // Two of three share their second with another.
      const createdAt = start + Math.floor(state.count / 3) * 60_000 + (state.count % 3)
      server.post({ text: `Post ${state.count}`, createdAt, ...(index % 5 === 0 && { media: [{ alt: 'A picture' }] }) })
    }
  }
  const elsewhere = () => server.post({ account: 'bob', text: `Elsewhere ${(state.count += 1)}`, createdAt: start - state.count * 60_000 })
  const marks = (kind: 'likes' | 'bookmarks', mark: (id: string) => void, unmark: (id: string) => void) => ({
    many: 40,
    add(count: number) {
      for (let index = 0; index < count; index++) mark(elsewhere())
    },
    remove() {
      const { id } = truth()[kind][0]!
      unmark(id)
      return `https://x.com/i/user/${me}#${kind}/${id}`
    },
    break: () => server.breakPost(truth()[kind][0]!.id, 'noText'),
  })
  return {
    http: { ...http, fetch: withBroken(http.fetch, broken) },
    token: server.issueTokens().accessToken,
    server: null,
    variables: variablesFor(server),
    streams: {
      posts: {
        many: 40,
        add,
        edit() {
          const { id, history } = newest()
          server.edit(id, { text: `Better words ${history.length}` })
          return postAddress(history[0]!)
        },
        remove() {
          const { id, history } = newest()
          server.deletePost(id)
          return postAddress(history[0]!)
        },
        break: () => server.breakPost(newest().id, 'badCreatedAt'),
        addLate: () => server.post({ text: 'Late', createdAt: start + Math.floor(state.count / 3) * 60_000 - 1000 }),
      },
      likes: marks('likes', server.like, server.unlike),
      bookmarks: marks('bookmarks', server.bookmark, server.unbookmark),
      follows: {
        many: 40,
        add(count) {
          for (let index = 0; index < count; index++) {
            const username = `person${(state.people += 1)}`
            server.createAccount({ username })
            server.follow(username)
          }
        },
        break: () => broken.add(truth().following[0]!.id),
        remove() {
          const { id, username } = truth().following[0]!
          server.unfollow(username)
          return `https://x.com/i/user/${me}#follows/${id}`
        },
      },
    },
    fault: faultAt(server),
    charged() {
      const { postsRead = 0, usersRead = 0 } = server.counters.snapshot().other
      return postsRead + usersRead
    },
    rename: () => server.rename('alice', 'alice_now'),
    async close() {
      await http.close()
      await server.close()
    },
  }
}

/** The simulator has no broken accounts: what no honest server sends is put into its answers here. */
function withBroken(fetch: typeof globalThis.fetch, broken: ReadonlySet<string>): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    if (broken.size === 0 || !response.ok) return response
    const body = (await response.json()) as { data?: unknown }
    const spoil = (record: { id: string }) => (broken.has(record.id) ? { ...record, username: null } : record)
    return Response.json({ ...body, ...(Array.isArray(body.data) && { data: body.data.map(spoil) }) })
  }
}

describeNetwork(twitter, {
  async world() {
    return worldOf(await startTwitter({ rateLimits: null, maxResults: 15 }))
  },
})

describe('pulling from X', () => {
  const open: TwitterSimulator[] = []
  let http: ReturnType<typeof createHttp>
  beforeEach(() => {
    http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 2000 })
  })
  afterEach(async () => {
    await http.close()
    await Promise.all(open.splice(0).map((server) => server.close()))
  })

  /** `alice` as the one whose account it is. `now` is X's clock and ours. */
  async function start(options: TwitterOptions = {}) {
    const server = await startTwitter({ rateLimits: null, seed: 5, ...options })
    open.push(server)
    const me = server.account().id
    const token = server.issueTokens({ scopes: [...(login.scopes as readonly string[])] }).accessToken
    const io: PullIo = {
      http,
      token: () => Promise.resolve(token),
      ...{ server: null, fields: {}, account: { id: me, handle: '@alice' }, variables: variablesFor(server), scratch: () => '' },
      signal: AbortSignal.timeout(20_000),
      now: () => new Date(options.now?.() ?? Date.now()),
    }
    const reading = (name: string) => createReference(stream(name))
    const requests = () => server.log.entries().filter(({ path }) => path.startsWith('/2/')).length
    return { server, io, me, token, reading, requests, truth: () => server.truth('alice') }
  }
  const stream = (name: string) => twitter.streams.find((one) => one.name === name)!
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => {
        throw new Error('It went well')
      },
      (error: unknown) => error as AshevilleError,
    )
  const objects = (items: readonly Item[]) => items.map(({ object }) => object)

  test('all that is there arrives, one call a page, files byte for byte', async () => {
    const { server, io, truth, reading, requests } = await start({ pictureSize: { width: 24, height: 16 } })
    server.generate({ tweets: 210, withMedia: 0.25, likes: 110, bookmarks: 105, following: 1005 })
    const calls: number[] = []
    const found: Item[][] = []
    for (const name of ['posts', 'likes', 'bookmarks', 'follows']) {
      const before = requests()
      found.push((await reading(name).sync(io)).items)
      calls.push(requests() - before)
    }
    // Three pages, and how many there are.
    expect(calls).toEqual([4, 2, 2, 2])
    const [posts, likes, bookmarks, follows] = found
    const { posts: written, likes: liked, bookmarks: kept, following } = truth()
    expect(posts!.map(({ id }) => id)).toEqual(written.map(({ id }) => postAddress(id)))
    expect(posts!.map(({ at }) => at)).toEqual(written.map(({ createdAt }) => createdAt))
    expect(likes!.map(({ object }) => (object['object'] as { id: string }).id)).toEqual(liked.map(({ id }) => postAddress(id)))
    expect(bookmarks!.map(({ object }) => (object['object'] as { id: string }).id)).toEqual(kept.map(({ id }) => postAddress(id)))
    expect(follows!.map(({ raw }) => (raw as { id: string }).id)).toEqual(following.map(({ id }) => id))
    expect(posts!.map(({ media }) => media.map(({ url }) => url))).toEqual(written.map(({ media }) => media.map(({ url }) => url)))
    expect(likes!.flatMap(({ media }) => media)).toEqual([])
    expect(bookmarks!.map(({ media }) => media.length)).toEqual(kept.map(({ media }) => media.length))
    const files = written.flatMap(({ media }) => media)
    expect(new Set(files.map(({ type }) => type))).toEqual(new Set(['photo', 'video', 'animated_gif']))
    for (const { url, sha256 } of [...files.slice(0, 8), ...files.filter(({ type }) => type !== 'photo').slice(0, 4)]) {
      const bytes = new Uint8Array(await (await http.fetch(url)).arrayBuffer())
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    }
  })

  test('a long history is pulled in parts: each post once and paid once, and what is new later', async () => {
    const { server, io, truth, reading } = await start()
    server.generate({ tweets: 1100, from: '2019-01-01T00:00:00Z', to: '2022-12-31T00:00:00Z' })
    const reference = reading('posts')
    const { pages } = await reference.sync(io)
    const stored = pages.flatMap(({ page }) => page.items.map(({ id }) => id))
    expect(new Set(pages.map(({ walk }) => walk.id)).size).toBe(8)
    expect(pages.filter(({ page }) => page.items.length > 0).length).toBeLessThanOrEqual(11 + 8)
    expect(stored).toEqual(truth().posts.map(({ id }) => postAddress(id)))
    expect(pages.reduce((sum, { page }) => sum + (page.reads ?? NaN), 0)).toBe(1100)
    expect(server.counters.snapshot().other['postsRead']).toBe(1100)
    server.deletePost(truth().posts[3]!.id)
    server.post({ text: 'And then' })
    const { items, gone } = await reference.sync(io)
    expect(items.map(({ id }) => id)).toEqual([postAddress(truth().posts[0]!.id)])
    expect(gone).toHaveLength(1)
    expect(reference.live()).toHaveLength(1100)
  })

  test('only the permissions asked for are needed, and none of them changes anything', async () => {
    const { server, io } = await start()
    expect((login.scopes as readonly string[]).filter((scope) => !/\.read$/.test(scope))).toEqual(['offline.access'])
    server.generate({ tweets: 5, likes: 5, bookmarks: 5, following: 5 })
    await twitter.account(io)
    for (const one of twitter.streams) {
      await createReference(one).sync(io)
      const narrow = server.issueTokens({ scopes: [...one.scopes!] }).accessToken
      await createReference(one).sync({ ...io, token: () => Promise.resolve(narrow) })
    }
  })

  describe('what it takes', () => {
    test('is told before: what X counts, as far as it gives it', async () => {
      const { server, io } = await start()
      server.generate({ tweets: 40, likes: 30, bookmarks: 20, following: 10 })
      const range = { from: null, to: null }
      const estimates = await Promise.all(twitter.streams.map((one) => one.estimate!(range, io)))
      expect(estimates).toEqual([40, 30, null, 10])
    })

    test('is bounded by what X gives at all, which is said', async () => {
      const { server, io, reading, truth } = await start()
      for (let index = 0; index < 3230; index++) server.post({ createdAt: Date.UTC(2020, 0, 1) + index * 60_000 })
      expect(await stream('posts').estimate!({ from: null, to: null }, io)).toBe(3200)
      const { items, pages } = await reading('posts').sync(io)
      expect([items.length, truth().beyondLimit]).toEqual([3200, 30])
      expect(pages[0]!.page.available).toEqual({ posts: 3200 })
      expect(stream('posts').reach).toMatch(/3,200/)
      expect(stream('bookmarks').reach).toMatch(/800/)
    })

    test('only what lies in the range is read, but for what the first answer needs', async () => {
      const { server, io } = await start()
      server.generate({ tweets: 600, retweets: false, from: '2020-01-01T00:00:00Z', to: '2024-01-01T00:00:00Z' })
      const range = { from: '2021-03-01T00:00:00.000Z', to: '2021-06-01T00:00:00.000Z' }
      const { items, pages } = await createReference(stream('posts'), { range }).sync(io)
      expect(items).toHaveLength(server.truth('alice').posts.filter(({ createdAt: at }) => at >= range.from && at < range.to).length)
      // Told before as a part of all, by the time that it is.
      const estimate = (from: string | null, to: string | null) => stream('posts').estimate!({ from, to }, io)
      const [part, whole] = [await estimate(range.from, range.to), await estimate(null, null)]
      expect(whole).toBe(600)
      expect(part).toBeGreaterThan(0)
      expect(part).toBeLessThan(60)
      expect(await estimate('2025-01-01T00:00:00.000Z', null)).toBe(0)
      expect(pages).toHaveLength(1)
    })
  })

  describe('limits', () => {
    test('of a window are the connection’s, told with their end', async () => {
      const { server, io, reading } = await start({ rateLimits: { 'GET /2/users/:id/tweets': { perUser: 1, perApp: null } } })
      server.generate({ tweets: 130 })
      const error = await failure(reading('posts').sync(io))
      expect(error).toMatchObject({ kind: 'rate-limited', scope: 'connection' })
      expect(error.retryAfterMs).toBeGreaterThan(0)
      expect(error.retryAfterMs).toBeLessThanOrEqual(900_000)
    })

    test('of the month are everybody’s, and last until the next', async () => {
      const time = Date.parse('2026-01-31T12:00:00Z')
      const { server, io, reading } = await start({ now: () => time })
      server.capUsage()
      const error = await failure(reading('posts').sync(io))
      expect(error).toMatchObject({ kind: 'rate-limited', scope: 'app', retryAfterMs: 12 * 3600_000 })
      expect(error.message).toBe('What X lets this server read in a month is used up. It goes on on 2026-02-01')
      server.capUsage(false)
      await reading('posts').sync(io)
    })
  })

  describe('an account', () => {
    test('that is suspended says so, and nothing of it is taken for deleted', async () => {
      const { server, io, reading } = await start()
      server.generate({ tweets: 15, likes: 5 })
      const all = [reading('posts'), reading('likes')]
      for (const one of all) await one.sync(io)
      server.suspend('alice')
      for (const one of all) {
        const error = await failure(one.sync(io))
        expect(error.kind).toBe('reconnect-required')
        expect(error.message).toMatch(/^X has suspended this account\. What was copied stays/)
      }
      expect((await failure(stream('posts').gone!([...all[0]!.stored.keys()], io))).kind).toBe('reconnect-required')
      server.suspend('alice', false)
      for (const one of all) expect(await one.sync(io)).toMatchObject({ items: [], gone: [] })
      expect(all.map((one) => one.live().length)).toEqual([15, 5])
    })

    test.each(['suspended', 'protected', 'gone'])('that X answers nothing but an error for (%s) is no empty one', async (how) => {
      const { server, io, reading } = await start()
      if (how === 'suspended') server.suspend('bob')
      if (how === 'protected') server.protect('bob')
      const account = { id: how === 'gone' ? '77' : server.account('bob').id, handle: '@bob' }
      const error = await failure(reading('posts').sync({ ...io, account }))
      expect(error.kind).toBe('reconnect-required')
      expect(error.message).toMatch(/suspended, locked or deleted/)
    })

    test('that is protected is copied all the same', async () => {
      const { server, io, reading } = await start()
      server.generate({ tweets: 12 })
      server.protect('alice')
      expect((await reading('posts').sync(io)).items).toHaveLength(12)
    })

    test('that is renamed keeps its id and those of its items, and nothing looks edited', async () => {
      const { server, io, reading } = await start()
      server.generate({ tweets: 20, likes: 5, bookmarks: 5, following: 5 })
      const before = await twitter.account(io)
      const names = ['posts', 'likes', 'bookmarks', 'follows']
      const all = names.map(reading)
      const ids = []
      for (const one of all) ids.push((await one.sync(io)).items.map(({ id }) => id))
      expect(JSON.stringify(ids)).not.toContain('alice')
      server.rename('alice', 'alice_now')
      expect(await twitter.account(io)).toEqual({ ...before, handle: '@alice_now', url: 'https://x.com/alice_now' })
      for (const one of all) expect(await one.sync(io)).toMatchObject({ items: [], gone: [] })
      const again = []
      for (const name of names) again.push((await reading(name).sync(io)).items.map(({ id }) => id))
      expect(again).toEqual(ids)
    })
  })

  describe('an edit', () => {
    const early = '2024-05-01T10:00:00Z'
    const late = '2024-05-01T10:20:00Z'

    test('is the same item with another text, and what it said before', async () => {
      const { server, io, reading } = await start()
      const first = server.post({ text: 'Frist', createdAt: early })
      const reference = reading('posts')
      const [old] = (await reference.sync(io)).items
      const second = server.edit(first, { text: 'First', createdAt: late })
      const { items } = await reference.sync(io)
      expect(items).toHaveLength(1)
      expect(items[0]).toMatchObject({ id: old!.id, at: old!.at, media: [] })
      expect(items[0]!.object).toMatchObject({
        ...{ id: postAddress(first), url: postAddress(second), published: '2024-05-01T10:00:00.000Z', updated: '2024-05-01T10:20:00.000Z' },
        content: '<p>First</p>',
        'asheville:versions': [{ type: 'Note', id: postAddress(first), content: '<p>Frist</p>', published: '2024-05-01T10:00:00.000Z' }],
      })
      expect(reference.live()).toEqual([postAddress(first)])
      server.deletePost(second)
      expect((await reference.sync(io)).gone).toEqual([postAddress(first)])
    })

    test('of something below what is read again arrives all the same', async () => {
      const { server, io, reading } = await start()
      const first = server.post({ text: 'Long ago', createdAt: early })
      for (let index = 0; index < 30; index++) server.post({ createdAt: Date.parse(early) + 1000 + index })
      const reference = reading('posts')
      await reference.sync(io)
      server.edit(first, { text: 'Long ago, mended', createdAt: late })
      expect((await reference.sync(io)).items.map(({ id }) => id)).toEqual([postAddress(first)])
      expect(reference.live()).toHaveLength(31)
    })

    test('lies in no part of a list that another page claims to hold whole', async () => {
      const { server, io, reading } = await start({ maxResults: 10 })
      const ids = Array.from({ length: 40 }, (_, index) => server.post({ createdAt: Date.parse(early) + index * 60_000 }))
      // One ends the first page, below which there are others that are newer than it was.
      for (const index of [19, 3]) server.edit(ids[index]!, { text: 'Mended', createdAt: Date.parse(early) + index * 60_000 + 690_000 })
      const { items, pages } = await reading('posts').sync(io)
      expect(items).toHaveLength(40)
      expect(pages.flatMap(({ page }) => page.covers ?? []).length).toBeGreaterThan(0)
      for (const { page } of pages) {
        for (const { from, to } of page.covers ?? []) {
          const inside = items.filter(({ at }) => (from === null || at! >= from) && (to === null || at! < to))
          expect(inside.filter((item) => !page.items.includes(item))).toEqual([])
        }
      }
    })

    test('of a liked post leaves one like', async () => {
      const { server, io, me, reading } = await start()
      const first = server.post({ account: 'bob', text: 'Frist', createdAt: early })
      server.like(first)
      const reference = reading('likes')
      await reference.sync(io)
      server.edit(first, { text: 'First', createdAt: late })
      const { items, gone } = await reference.sync(io)
      expect(objects(items)).toMatchObject([
        { id: `https://x.com/i/user/${me}#likes/${first}`, object: { id: postAddress(first), content: '<p>First</p>' } },
      ])
      expect([gone, reference.live().length]).toEqual([[], 1])
    })
  })

  describe('what is missing', () => {
    test('is told once X confirms it; a repost goes with what it repeats', async () => {
      const { server, io, reading } = await start()
      server.generate({ tweets: 5 })
      const theirs = server.post({ account: 'bob' })
      const repost = server.retweet(theirs)
      const reference = reading('posts')
      await reference.sync(io)
      server.deletePost(theirs)
      expect((await reference.sync(io)).gone).toEqual([postAddress(repost)])
      expect(reference.live()).toHaveLength(5)
    })

    test('but still there when asked for is not gone', async () => {
      const { server, io, reading } = await start()
      const [hidden] = [server.post(), server.post()].map(postAddress)
      const fetch: typeof globalThis.fetch = async (input, init) => {
        const response = await http.fetch(input, init)
        if (!String(input).includes('/tweets?') || String(input).includes('ids=')) return response
        const body = (await response.json()) as { data: { id: string }[] }
        return Response.json({ ...body, data: body.data.filter(({ id }) => postAddress(id) !== hidden) })
      }
      const reference = reading('posts')
      await reference.sync(io)
      expect((await reference.sync({ ...io, http: { ...http, fetch } })).gone).toEqual([])
    })

    test('among likes because its author is protected is marked, and comes back', async () => {
      const { server, io, reading } = await start()
      const theirs = server.post({ account: 'bob' })
      server.like(theirs)
      server.generate({ likes: 3 })
      const reference = reading('likes')
      await reference.sync(io)
      server.protect('bob')
      expect((await reference.sync(io)).gone).toHaveLength(1)
      expect(reference.live()).toHaveLength(3)
      server.protect('bob', false)
      expect((await reference.sync(io)).items).toHaveLength(1)
      expect(reference.live()).toHaveLength(4)
    })
  })

  test('what a post refers to and X does not show is no failure', async () => {
    const { server, io, reading } = await start()
    server.createAccount({ username: 'carol' })
    const [deleted, closed, banned] = ['bob', 'bob', 'carol'].map((account) => server.post({ account, createdAt: '2024-01-01T00:00:00Z' }))
    const posts = [server.reply(deleted!), server.quote(closed!), server.reply(banned!)]
    server.deletePost(deleted!)
    server.protect('bob')
    server.suspend('carol')
    const { items, skipped } = await reading('posts').sync(io)
    expect([items.map(({ id }) => id), skipped]).toEqual([posts.reverse().map(postAddress), []])
    expect(objects(items)).toMatchObject([
      { inReplyTo: postAddress(banned!) },
      { tag: [{ rel: 'quote', href: postAddress(closed!) }] },
      { inReplyTo: postAddress(deleted!) },
    ])
  })

  test.each([
    ['noText', false],
    ['nullText', false],
    ['noCreatedAt', false],
    ['badCreatedAt', false],
    ['nullEntities', true],
    ['badMetrics', true],
    ['unknownMediaType', true],
    ['mediaWithoutUrl', true],
    ['mediaWithoutInclude', true],
    ['authorWithoutInclude', true],
  ] as [Breakage, boolean][])('a record that is broken (%s) is skipped alone, or does without: %s', async (how, isKept) => {
    const { server, io, reading } = await start()
    const posts = [1, 2, 3].map((index) => server.post({ text: `Post ${index}`, media: [{}] }))
    for (const post of posts) {
      server.like(post)
      server.bookmark(post)
    }
    server.breakPost(posts[1]!, how)
    for (const name of ['posts', 'likes', 'bookmarks']) {
      const { items, skipped } = await reading(name).sync(io)
      expect([items.length, skipped.length]).toEqual(isKept ? [3, 0] : [2, 1])
      if (!isKept) expect(skipped[0]!.id).toContain(posts[1])
    }
  })

  test.each([
    [{ kind: 'html', status: 200 }, 'unavailable'],
    [{ kind: 'truncated', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'short-body', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'reset', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'server-error', status: 502 }, 'unavailable'],
  ] as [Fault, string][])('%j is %s, and nothing is taken for the end', async (fault, kind) => {
    const { server, io, reading, token } = await start({ maxResults: 40 })
    server.generate({ tweets: 90, likes: 90 })
    for (const name of ['posts', 'likes']) {
      const reference = reading(name)
      await reference.sync(io, { pages: 1 })
      const planned = server.faults.add(fault)
      const error = await failure(reference.sync(io))
      expect(error.kind).toBe(kind)
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain(token)
      planned.remove()
      await reference.sync(io)
      expect(reference.stored.size).toBe(90)
    }
  })

  test('a page’s token that X forgot is an expired mark', async () => {
    const { server, io } = await start()
    server.generate({ likes: 5 })
    const cursor = JSON.stringify({ floor: null, known: [], before: 'forgotten', next: null, last: null })
    const range = { from: null, to: null }
    for (const name of ['posts', 'likes', 'bookmarks', 'follows']) {
      const pages = stream(name).pages({ id: 'backfill', kind: 'backfill', range, cursor }, io)
      expect((await failure(pages[Symbol.asyncIterator]().next())).kind).toBe('cursor-expired')
    }
  })

  test('a revoked grant, a missing permission and an app that X does not let in', async () => {
    const { server, io, reading } = await start()
    const narrow = server.issueTokens({ scopes: ['tweet.read', 'users.read'] }).accessToken
    const refused = await failure(reading('bookmarks').sync({ ...io, token: () => Promise.resolve(narrow) }))
    expect(refused).toMatchObject({ kind: 'reconnect-required', message: expect.stringContaining('allow all that is asked for') })
    server.setAppEnrolled(false)
    const outside = await failure(reading('posts').sync(io))
    expect(outside).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('client-not-enrolled') })
    server.setAppEnrolled(true)
    server.revokeTokens()
    expect((await failure(reading('posts').sync(io))).kind).toBe('reconnect-required')
  })

  test('a walk goes on below a post that was deleted meanwhile', async () => {
    const { server, io, reading, truth } = await start({ maxResults: 40 })
    server.generate({ tweets: 90 })
    const reference = reading('posts')
    await reference.sync(io, { pages: 1 })
    server.deletePost(truth().posts[39]!.id)
    await reference.sync(io)
    expect(reference.stored.size).toBe(90)
  })

  test('a last page that has a token all the same leads to one more request, once', async () => {
    const { server, io, reading, requests } = await start({ lastPageHasToken: true })
    server.generate({ likes: 130 })
    const reference = reading('likes')
    await reference.sync(io)
    expect([reference.stored.size, requests()]).toEqual([130, 3])
    await reference.sync(io)
    expect(requests()).toBe(4)
  })
})
