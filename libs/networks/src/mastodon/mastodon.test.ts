import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { AshevilleError, PullIo } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startMastodon, type Fault, type MastodonSimulator } from '@asheville/simulators'
import { createReference, describeNetwork, faultAt, type NetworkWorld } from '@asheville/testkit'
import { mastodon } from './index.ts'
import { login } from './login.ts'

const scopes = [...login.scopes]

/** The newest comes first, in the order in which the simulator has them. */
function worldOf(server: MastodonSimulator): NetworkWorld {
  const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 300 })
  const marked = { favourites: '', bookmarks: '' }
  const broken = new Set<string>()
  const state = { count: 0, people: 0 }
  const newest = () => server.truth()['alice']!.statuses[0]!.id
  const itemId = (id: string) => `${server.url}/users/alice/statuses/${id}`
  const start = Date.parse('2023-01-01T00:00:00Z')
  const add = (count: number) => {
    for (let index = 0; index < count; index++) {
      state.count += 1
      // Two of three share their second with another.
      const createdAt = start + Math.floor(state.count / 3) * 60_000 + (state.count % 3)
      server.addStatus({ text: `Post ${state.count}`, createdAt, ...(index % 5 === 0 && { media: [{ description: 'A picture' }] }) })
    }
  }
  return {
    http: { ...http, fetch: withBroken(http.fetch, broken) },
    token: server.issueToken({ scopes }),
    server: server.url,
    streams: {
      statuses: {
        many: 90,
        add,
        edit() {
          const id = newest()
          server.editStatus(id, { text: 'Better words' })
          return itemId(id)
        },
        remove() {
          const id = newest()
          server.deleteStatus(id)
          return itemId(id)
        },
        break: () => broken.add(newest()),
        addLate: () => server.addStatus({ text: 'Late', createdAt: start + Math.floor(state.count / 3) * 60_000 - 1000 }),
      },
      favourites: {
        many: 90,
        add: (count) => Array.from({ length: count }, () => (marked.favourites = server.favourite())),
        break: () => broken.add(marked.favourites),
      },
      bookmarks: {
        many: 90,
        add: (count) => Array.from({ length: count }, () => (marked.bookmarks = server.bookmark())),
        break: () => broken.add(marked.bookmarks),
      },
      follows: { many: 170, add: (count) => Array.from({ length: count }, () => server.follow(`person${state.people++}@far.example`)) },
    },
    fault: faultAt(server),
    async close() {
      await http.close()
      await server.close()
    },
  }
}

/** The simulator keeps to its schema; what no honest server sends is put into its answers here. */
function withBroken(fetch: typeof globalThis.fetch, broken: ReadonlySet<string>): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    if (broken.size === 0 || !response.ok) return response
    const body: unknown = await response.json()
    const spoil = (record: { id: string }) => (broken.has(record.id) ? { ...record, created_at: 'soon' } : record)
    return Response.json(Array.isArray(body) ? body.map(spoil) : body, { headers: { link: response.headers.get('link') ?? '' } })
  }
}

describeNetwork(mastodon, {
  async world() {
    return worldOf(await startMastodon({ rateLimit: null }))
  },
})

describe('pulling from a server', () => {
  let server: MastodonSimulator
  let http: ReturnType<typeof createHttp>
  beforeEach(async () => {
    server = await startMastodon()
    http = createHttp({ allow: [new URL(server.url).host], timeoutMs: 1000 })
  })
  afterEach(async () => {
    await http.close()
    await server.close()
  })
  const ioOf = (token = server.issueToken({ scopes })): PullIo => ({
    http,
    token: () => Promise.resolve(token),
    server: server.url,
    fields: {},
    account: { id: `${server.account('alice').id}@${new URL(server.url).host}`, handle: '@alice@home.example' },
    variables: {},
    scratch: () => '',
    signal: AbortSignal.timeout(10_000),
    now: () => new Date(),
  })
  const stream = (name: string) => mastodon.streams.find((one) => one.name === name)!

  test('all that is there arrives, files byte for byte', async () => {
    server.generate({ statuses: 130, withMedia: true, favourites: 60, bookmarks: 45, following: 90 })
    const truth = server.truth()['alice']!
    const io = ioOf()
    const [statuses, favourites, bookmarks, follows] = await Promise.all(
      ['statuses', 'favourites', 'bookmarks', 'follows'].map(async (name) => (await createReference(stream(name)).sync(io)).items),
    )
    expect(statuses!.map(({ raw }) => (raw as { id: string }).id)).toEqual(truth.statuses.map(({ id }) => id))
    expect(statuses!.map(({ at }) => at)).toEqual(truth.statuses.map(({ createdAt }) => createdAt))
    expect(favourites!.map(({ raw }) => (raw as { id: string }).id)).toEqual(truth.favourites.map(({ id }) => id))
    expect(bookmarks!.map(({ raw }) => (raw as { id: string }).id)).toEqual(truth.bookmarks.map(({ id }) => id))
    expect(follows!.map(({ raw }) => (raw as { id: string }).id)).toEqual(truth.following.map(({ id }) => id))
    const files = truth.statuses.flatMap(({ media }) => media)
    expect(files.length).toBeGreaterThan(10)
    for (const { url, sha256 } of files.slice(0, 10)) {
      expect(statuses!.flatMap(({ media }) => media.map((one) => one.url))).toContain(url)
      const bytes = new Uint8Array(await (await http.fetch(url)).arrayBuffer())
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    }
  })

  test('the scopes asked for suffice for everything, and nothing but reading is possible', async () => {
    expect(scopes.every((scope) => scope.startsWith('read:'))).toBe(true)
    await mastodon.account(ioOf())
    for (const one of mastodon.streams) await createReference(one).sync(ioOf())
  })

  test('how many posts there are is known from the first page', async () => {
    server.generate({ statuses: 50 })
    const { pages } = await createReference(stream('statuses')).sync(ioOf())
    expect(pages[0]!.page.available).toEqual({ posts: 50 })
  })

  test('a limit is told with its end', async () => {
    server.setRateLimit({ requests: 2, windowMs: 60_000 })
    server.generate({ statuses: 130 })
    const error = (await createReference(stream('statuses'))
      .sync(ioOf())
      .catch((thrown: unknown) => thrown)) as AshevilleError
    expect(error.kind).toBe('rate-limited')
    expect(error.retryAfterMs).toBeGreaterThan(0)
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000)
    expect(error.scope).toBe('connection')
  })

  test.each([
    [{ kind: 'html', status: 200 }, 'unavailable'],
    [{ kind: 'truncated', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'short-body', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'reset', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'server-error', status: 502 }, 'unavailable'],
  ] as [Fault, string][])('%j is %s, and nothing is taken for the end', async (fault, kind) => {
    server.generate({ statuses: 90 })
    const reference = createReference(stream('statuses'))
    await reference.sync(ioOf(), { pages: 1 })
    const planned = server.faults.add(fault)
    expect(await reference.sync(ioOf()).catch((thrown: unknown) => thrown)).toMatchObject({ kind })
    planned.remove()
    await reference.sync(ioOf())
    expect(reference.stored.size).toBe(90)
  })

  test('a revoked grant and a missing scope both ask the person to connect again', async () => {
    const io = ioOf()
    server.revokeTokens()
    expect(
      await createReference(stream('statuses'))
        .sync(io)
        .catch((thrown: unknown) => thrown),
    ).toMatchObject({ kind: 'reconnect-required' })
    const narrow = ioOf(server.issueToken({ scopes: ['read:accounts'] }))
    expect(
      await createReference(stream('bookmarks'))
        .sync(narrow)
        .catch((thrown: unknown) => thrown),
    ).toMatchObject({
      kind: 'reconnect-required',
    })
  })

  test('a walk goes on below a status that was deleted meanwhile', async () => {
    server.generate({ statuses: 90 })
    const reference = createReference(stream('statuses'))
    await reference.sync(ioOf(), { pages: 1 })
    server.deleteStatus(server.truth()['alice']!.statuses[39]!.id)
    await reference.sync(ioOf())
    expect(reference.stored.size).toBe(90)
  })

  test('a deletion among the newest is told once it is confirmed; a boost counts as one', async () => {
    server.generate({ statuses: 10, boosts: false })
    const post = server.addStatus({ text: 'Boosted by myself' })
    server.addStatus({ reblogOf: post })
    const reference = createReference(stream('statuses'))
    await reference.sync(ioOf())
    expect(reference.stored.size).toBe(12)
    server.deleteStatus(post)
    await reference.sync(ioOf())
    expect(reference.gone.size).toBe(2)
    expect(reference.live()).toHaveLength(10)
  })
})
