import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { kindOf, type AppIo, type AshevilleError, type Item, type MediaSource, type PullIo } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startFacebook, type FacebookSimulator, type Fault } from '@asheville/simulators'
import { createReference, describeNetwork, faultAt, type NetworkWorld } from '@asheville/testkit'
import { facebook } from './index.ts'
import { login } from './login.ts'

const addressOf = (id: string) => `https://www.facebook.com/${id}`
const verifyToken = 'a word that both of us know'
const variablesFor = (server: FacebookSimulator) => ({
  FACEBOOK_API_URL: server.url,
  FACEBOOK_WEB_URL: server.url,
  FACEBOOK_CLIENT_SECRET: server.app.secret,
  FACEBOOK_VERIFY_TOKEN: verifyToken,
})
const fieldOf: Record<string, string> = { posts: 'feed' }
const cafe = { name: 'Blue Café', city: 'Asheville', latitude: 35.59, longitude: -82.55 }
const start = Date.parse('2023-01-01T00:00:00Z')

/** The newest comes first, in the order in which the simulator has them. */
function worldOf(server: FacebookSimulator): NetworkWorld {
  const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 300 })
  const broken = new Set<string>()
  const state = { count: 0 }
  const truth = () => server.truth('alice')
  const remove = (id: string) => (server.remove(id), addressOf(id))
  /** Two of three share their second with another. */
  const adding = (add: (createdAt: number, number: number) => unknown) => (count: number) => {
    for (let index = 0; index < count; index++) {
      state.count += 1
      add(start + Math.floor(state.count / 3) * 60_000, state.count)
    }
  }
  const lateAt = () => start + Math.floor(state.count / 3) * 60_000 - 1000
  return {
    http: { ...http, fetch: withBroken(http.fetch, broken) },
    token: server.issueToken(),
    server: null,
    variables: variablesFor(server),
    streams: {
      photos: {
        many: 220,
        add: adding((createdAt, number) => server.addPhoto({ createdAt, caption: `Picture ${number}` })),
        edit() {
          const { id } = truth().photos[0]!
          server.edit(id, { caption: 'Better words' })
          return addressOf(id)
        },
        remove: () => remove(truth().photos[0]!.id),
        break: () => server.breakRecord(truth().photos[0]!.id, 'badCreatedTime'),
        addLate: () => server.addPhoto({ createdAt: lateAt(), caption: 'Late' }),
      },
      videos: {
        many: 220,
        add: adding((createdAt, number) => server.addVideo({ createdAt, description: `Video ${number}` })),
        remove: () => remove(truth().videos[0]!.id),
        break: () => server.breakRecord(truth().videos[0]!.id, 'noCreatedTime'),
        addLate: () => server.addVideo({ createdAt: lateAt() }),
      },
      posts: {
        many: 220,
        add: adding((createdAt, number) => {
          const photos = number % 5 === 0 ? [{ caption: 'One' }, { alt: 'Another' }] : undefined
          server.post({ createdAt, message: `Post ${number}`, ...(photos && { photos }), ...(number % 7 === 0 && { place: cafe }) })
        }),
        edit() {
          const { id } = truth().posts[0]!
          server.edit(id, { message: 'Better words' })
          return addressOf(id)
        },
        remove: () => remove(truth().posts[0]!.id),
        break: () => server.breakRecord(truth().posts[0]!.id, 'numberMessage'),
        addLate: () => server.post({ createdAt: lateAt(), message: 'Late' }),
      },
      likes: {
        many: 220,
        add: adding((createdAt, number) => server.likePage(`Page ${number}`, { createdAt })),
        remove() {
          const { id } = truth().likes[0]!
          server.unlikePage(id)
          return `${addressOf(server.account().id)}#likes/${id}`
        },
        break: () => broken.add(truth().likes[0]!.id),
        addLate: () => server.likePage('Late', { createdAt: lateAt() }),
      },
      events: {
        many: 5,
        add: adding((createdAt, number) => server.addEvent({ createdAt, start: start + number * 3600_000, name: `Event ${number}` })),
        edit() {
          const { id } = truth().events[0]!
          server.changeEvent(id, { name: 'Better words' })
          return addressOf(id)
        },
        remove: () => remove(truth().events[0]!.id),
        break: () => server.breakRecord(truth().events[0]!.id, 'badCreatedTime'),
        addLate: () => server.addEvent({ start: start - 3600_000, name: 'Long before' }),
      },
    },
    fault: faultAt(server),
    webhook: {
      streams: ['photos', 'videos', 'posts', 'likes', 'events'],
      sent: (stream) => server.notification([fieldOf[stream] ?? stream]),
      asks: () => server.question(verifyToken),
    },
    rename: () => server.rename('Ann Other'),
    async close() {
      await http.close()
      await server.close()
    },
  }
}

/** The simulator's pages that one likes are whole; what no honest server sends is put into its answers here. */
function withBroken(fetch: typeof globalThis.fetch, broken: ReadonlySet<string>): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    if (broken.size === 0 || !response.ok) return response
    const body = (await response.json()) as { data?: { id: string }[] }
    const spoil = (record: { id: string }) => (broken.has(record.id) ? { ...record, created_time: 'soon' } : record)
    return Response.json({ ...body, ...(body.data && { data: body.data.map(spoil) }) })
  }
}

describeNetwork(facebook, {
  async world() {
    return worldOf(await startFacebook({ pictureSize: { width: 16, height: 16 } }))
  },
  histories: 4,
})

describe('pulling from Graph', () => {
  let server: FacebookSimulator
  let http: ReturnType<typeof createHttp>
  beforeEach(async () => {
    server = await startFacebook({ pictureSize: { width: 60, height: 40 } })
    http = createHttp({ allow: [new URL(server.url).host], timeoutMs: 1000 })
  })
  afterEach(async () => {
    await http.close()
    await server.close()
  })
  const ioOf = (token = server.issueToken()): PullIo => ({
    http,
    token: () => Promise.resolve(token),
    server: null,
    fields: {},
    account: { id: server.account().id, handle: 'Alice' },
    variables: variablesFor(server),
    scratch: () => '',
    signal: AbortSignal.timeout(10_000),
    now: () => new Date(),
  })
  const stream = (name: string) => facebook.streams.find((one) => one.name === name)!
  const pull = async (name: string, io = ioOf()): Promise<Item[]> => (await createReference(stream(name)).sync(io)).items
  /** The hash of what is at the address of a file, or the status of the answer. */
  const open = async (source: MediaSource, io = ioOf()): Promise<string | number> => {
    const response = await http.fetch(await facebook.locateMedia!(source, io))
    const bytes = Buffer.from(await response.arrayBuffer())
    return response.ok ? createHash('sha256').update(bytes).digest('hex') : response.status
  }
  const graphCalls = () => server.log.entries().filter(({ path }) => !path.startsWith('/v/')).length

  test('all that is there arrives, with its files byte for byte, and no token in any address', async () => {
    server.generate({ posts: 130, withMedia: true, checkIns: 15, photos: 40, videos: 6, likes: 120, events: 12, wallPosts: 5, hidden: 0.2 })
    const truth = server.truth('alice')
    const io = ioOf()
    const items = new Map<string, Item[]>()
    for (const { name } of facebook.streams) items.set(name, await pull(name, io))
    const ids = (name: string) => items.get(name)!.map(({ id }) => id)
    expect(ids('posts')).toEqual(truth.posts.map(({ id }) => addressOf(id)))
    expect(ids('photos')).toEqual(truth.photos.map(({ id }) => addressOf(id)))
    expect(ids('videos')).toEqual(truth.videos.map(({ id }) => addressOf(id)))
    expect(ids('likes')).toEqual(truth.likes.map(({ id }) => `${addressOf(truth.id)}#likes/${id}`))
    expect(new Set(ids('events'))).toEqual(
      new Set(truth.events.filter(({ rsvp }) => /attending|unsure/.test(rsvp)).map(({ id }) => addressOf(id))),
    )
    const files = [...truth.photos, ...truth.videos, ...truth.posts.flatMap(({ photos, videos }) => [...photos, ...videos])]
    const sources = [...items.values()].flat().flatMap(({ media }) => media)
    expect(sources.filter(({ url }) => files.some(({ id }) => addressOf(id) === url))).toHaveLength(files.length)
    for (const [index, source] of sources.entries()) {
      if (index % 4 !== 0) continue
      expect(await open(source, io)).toBe(files.find(({ id }) => addressOf(id) === source.url)!.sha256)
    }
    expect(server.counters.snapshot().other).not.toMatchObject({ tokensInAddress: expect.anything() })
    expect(server.counters.snapshot().other).not.toMatchObject({ tokensToMedia: expect.anything() })
  })

  test('the second sync makes one call for each stream, and brings nothing', async () => {
    server.generate({ posts: 60, withMedia: true, checkIns: 5, photos: 10, videos: 3, likes: 40, events: 5 })
    const io = ioOf()
    for (const one of facebook.streams) {
      const reference = createReference(one)
      await reference.sync(io)
      const before = graphCalls()
      expect(await reference.sync(io)).toMatchObject({ items: [], gone: [], skipped: [] })
      expect([one.name, graphCalls() - before]).toEqual([one.name, 1])
    }
  })

  test('a check-in is there once, and stays one item when its place is taken away', async () => {
    server.checkIn(cafe, { message: 'Coffee', photos: [{}] })
    server.post({ message: 'At home' })
    const reference = createReference(stream('posts'))
    const { items } = await reference.sync(ioOf())
    expect(items.map(({ contentType, object }) => [contentType, object.type])).toEqual([
      ['posts', 'Note'],
      ['check-ins', 'Arrive'],
    ])
    server.edit(server.truth('alice').posts[1]!.id, { place: null })
    await reference.sync(ioOf())
    expect(reference.stored.size).toBe(2)
  })

  test('a picture of a post and the same among the photos are one file', async () => {
    server.post({ photos: [{}, {}] })
    const [posts, photos] = [await pull('posts'), await pull('photos')]
    const urls = (items: Item[]) => items.flatMap(({ media }) => media.map(({ url }) => url)).sort()
    expect(urls(posts)).toEqual(urls(photos))
    const hashes = server.truth('alice').photos.map(({ sha256 }) => sha256)
    for (const items of [posts, photos])
      for (const source of items.flatMap(({ media }) => media)) expect(hashes).toContain(await open(source))
  })

  test('a picture of a post costs one call, whose answer is the largest; one that was listed among the photos costs none', async () => {
    server.post({ photos: [{}] })
    const inPost = (await pull('posts'))[0]!.media[0]!
    const { sha256 } = server.truth('alice').photos[0]!
    const costOf = async (source: MediaSource, io = ioOf()) => {
      const before = graphCalls()
      expect(await open(source, io)).toBe(sha256)
      return graphCalls() - before
    }
    expect(await costOf(inPost)).toBe(1)
    const photo = (await pull('photos'))[0]!.media[0]!
    expect([await costOf(photo), await costOf(inPost)]).toEqual([0, 0])
    // What one person's listing said is of no use to another.
    expect(await costOf(inPost, { ...ioOf(), account: { id: '4', handle: 'Bob' } })).toBe(1)
    // Nor is what was listed long ago.
    expect(await costOf(inPost, { ...ioOf(), now: () => new Date(Date.now() + 3_600_000) })).toBe(1)
  })

  test('an address that ended is of use no more; later the file is found by its name alone', async () => {
    server.addVideo({})
    server.addPhoto({})
    const sources = [(await pull('videos'))[0]!.media[0]!, (await pull('photos'))[0]!.media[0]!]
    const truth = server.truth('alice')
    server.expireMedia()
    expect(await Promise.all(sources.map((source) => open(source)))).toEqual([403, 403])
    const later = { ...ioOf(), now: () => new Date(Date.now() + 3_600_000) }
    const named = sources.map(({ url, kind }) => open({ url, kind }, later))
    expect(await Promise.all(named)).toEqual([truth.videos[0]!.sha256, truth.photos[0]!.sha256])
  })

  test('a photo that Graph does not show keeps its preview; what it does not hand out at all is gone', async () => {
    const post = server.post({ photos: [{}] })
    const [{ media }] = (await pull('posts')) as [Item]
    const elsewhere = { ...media[0]!, url: addressOf('999999') }
    const { address } = JSON.parse(elsewhere.fresh!) as { address: string }
    expect(await facebook.locateMedia!(elsewhere, ioOf())).toBe(address)
    const { fresh: _, ...named } = elsewhere
    expect(kindOf(await open(named).catch((thrown: unknown) => thrown))).toBe('not-found')
    server.loseMedia(post)
    expect(await open(media[0]!)).toBe(404)
  })

  test('a post is told as deleted, a page as liked no more, once Facebook says so', async () => {
    const post = server.post({})
    const page = server.likePage('Lakes')
    for (let count = 0; count < 3; count++) {
      server.post({ message: `Post ${count}` })
      server.likePage(`Page ${count}`)
    }
    const [posts, likes] = [createReference(stream('posts')), createReference(stream('likes'))]
    for (const reference of [posts, likes]) await reference.sync(ioOf())
    server.remove(post)
    server.unlikePage(page)
    for (const reference of [posts, likes]) await reference.sync(ioOf())
    expect([...posts.gone, ...likes.gone]).toEqual([addressOf(post), `${addressOf(server.account().id)}#likes/${page}`])
  })

  test('what was hidden comes late, and is no end of what is listed', async () => {
    server.generate({ posts: 150 })
    const posts = server.truth('alice').posts.map(({ id }) => id)
    for (const id of posts.slice(0, 120)) server.hide(id)
    expect(await pull('posts')).toHaveLength(30)
    for (const id of posts.slice(0, 120)) server.hide(id, false)
    expect(await pull('posts')).toHaveLength(150)
  })

  test.each([
    [459, 'checkpoint'],
    [464, 'unconfirmed'],
  ] as const)('subcode %i: the person reads what Facebook wants of them', async (_subcode, standing) => {
    const io = ioOf()
    server.setStanding(standing)
    const error = (await pull('posts', io).catch((thrown: unknown) => thrown)) as AshevilleError
    expect(error.kind).toBe('reconnect-required')
    expect(error.message).toMatch(/first/)
  })

  test.each([
    [4, 'app'],
    [17, 'connection'],
    [613, 'connection'],
  ] as const)('code %i holds back the %s for as long as Facebook estimates', async (code, scope) => {
    server.refuse(code, { minutes: 12 })
    const error = await pull('posts').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind: 'rate-limited', scope, retryAfterMs: 12 * 60_000 })
  })

  test('with the permission refused in words, the person is asked to allow it', async () => {
    server.refuse(200, { route: '/photos' })
    expect(kindOf(await pull('photos').catch((thrown: unknown) => thrown))).toBe('reconnect-required')
  })

  test('a cursor that ended while a walk stood still starts the walk anew', async () => {
    server.generate({ photos: 150 })
    const reference = createReference(stream('photos'))
    await reference.sync(ioOf(), { pages: 1 })
    server.expireCursors()
    expect(kindOf(await reference.sync(ioOf()).catch((thrown: unknown) => thrown))).toBe('cursor-expired')
  })

  test.each([
    [{ kind: 'html', status: 200 }, 'unavailable'],
    [{ kind: 'truncated', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'short-body', afterBytes: 200 }, 'unavailable'],
    [{ kind: 'server-error', status: 502 }, 'unavailable'],
  ] as [Fault, string][])('%j is %s, and nothing is taken for the end', async (fault, kind) => {
    server.generate({ likes: 150 })
    const reference = createReference(stream('likes'))
    await reference.sync(ioOf(), { pages: 1 })
    const planned = server.faults.add(fault)
    expect(kindOf(await reference.sync(ioOf()).catch((thrown: unknown) => thrown))).toBe(kind)
    planned.remove()
    await reference.sync(ioOf())
    expect(reference.stored.size).toBe(150)
  })

  test('a notification is read with values and without; fields and objects that we copy nothing of are none', () => {
    const variables = variablesFor(server)
    const accountId = server.account().id
    const hintsOf = (fields: string[], values = false) => facebook.webhook!.hints(server.notification(fields, { values }), variables)
    for (const values of [false, true])
      expect(hintsOf(['feed', 'birthday', 'photos', 'feed'], values)).toEqual([{ accountId, streams: ['posts', 'photos'] }])
    expect(hintsOf(['birthday'])).toEqual([{ accountId, streams: [] }])
  })

  describe('signing in', () => {
    const appIo = (): AppIo => ({
      http,
      variables: variablesFor(server),
      client: { clientId: server.app.id, clientSecret: server.app.secret },
      signal: AbortSignal.timeout(5000),
      now: () => new Date(),
    })
    const tokens = (accessToken: string) => ({ accessToken, expiresAt: null, refreshToken: null })
    const daysLeft = (expiresAt: string | null) => (Date.parse(expiresAt!) - Date.now()) / 86_400_000

    test('a short-lived token becomes a long-lived one, and that another; the secret stays out of addresses', async () => {
      const long = await login.exchange!(tokens(server.issueToken({ short: true })), appIo())
      expect(daysLeft(long.expiresAt)).toBeGreaterThan(55)
      const next = await login.refresh!(long, appIo())
      expect(next.accessToken).not.toBe(long.accessToken)
      expect(next.refreshToken).toBeNull()
      expect(await facebook.account(ioOf(next.accessToken))).toMatchObject({ id: server.account().id, declined: [] })
      const { other } = server.counters.snapshot()
      expect(other).toMatchObject({ exchanges: 2 })
      expect(other).not.toMatchObject({ secretsInAddress: expect.anything() })
      expect(other).not.toMatchObject({ tokensInAddress: expect.anything() })
    })

    test('a token that is over cannot be exchanged: the person connects again', async () => {
      const token = server.issueToken()
      server.expireTokens()
      const error = await login.refresh!(tokens(token), appIo()).catch((thrown: unknown) => thrown)
      expect(kindOf(error)).toBe('reconnect-required')
      expect(String((error as Error).cause)).not.toContain(token)
    })

    test('an app that Facebook does not know is for the operator to mend', async () => {
      const io = { ...appIo(), client: { clientId: '123', clientSecret: 'wrong' } }
      const error = await login.exchange!(tokens(server.issueToken()), io).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ kind: 'invalid', message: expect.stringContaining('operator') })
    })

    test('disconnecting takes everything back', async () => {
      const token = server.issueToken()
      await login.revoke!(tokens(token), appIo())
      expect(server.truth('alice').permissions).toEqual({})
      expect(kindOf(await pull('posts', ioOf(token)).catch((thrown: unknown) => thrown))).toBe('reconnect-required')
    })

    test('a permission that is declined in the dialog is told, and asked for again', async () => {
      const scopes = typeof login.scopes === 'function' ? login.scopes({ FACEBOOK_SCOPES: 'user_posts, user_photos' }) : login.scopes
      expect(scopes).toEqual(['user_posts', 'user_photos'])
      const url = new URL(login.endpoints(variablesFor(server)).authorization)
      url.searchParams.set('client_id', server.app.id)
      url.searchParams.set('redirect_uri', server.app.redirectUris[0]!)
      url.searchParams.set('scope', scopes.join(' '))
      await server.authorize(url.href, { decline: ['user_photos'] })
      expect(server.truth('alice').permissions).toMatchObject({ user_posts: 'granted', user_photos: 'declined' })
      await server.authorize(url.href)
      expect(server.truth('alice').permissions).toMatchObject({ user_photos: 'granted' })
    })
  })
})
