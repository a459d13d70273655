import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { AshevilleError, LoginIo, Page, PullIo } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startBluesky, type BlueskySimulator } from '@asheville/simulators'
import { createReference, describeNetwork, faultAt, type NetworkWorld } from '@asheville/testkit'
import { bluesky } from './index.ts'
import { repository } from './repository.ts'

function worldOf(server: BlueskySimulator): NetworkWorld {
  const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 300 })
  const state = { count: 0, uris: [] as string[] }
  const start = Date.parse('2023-01-01T00:00:00Z')
  return {
    http,
    token: server.openSession().accessJwt,
    server: server.url,
    streams: {
      repository: {
        many: 450,
        async add(count) {
          for (let index = 0; index < count; index++) {
            state.count += 1
            const createdAt = start + Math.floor(state.count / 3) * 60_000
            const uri = await server.addPost({
              text: `Post ${state.count}`,
              createdAt,
              ...(index % 50 === 0 && { images: [{ alt: 'A picture' }] }),
            })
            state.uris.push(uri)
          }
        },
        async edit() {
          const uri = state.uris.at(-1)!
          await server.putRecord(uri, { text: 'Better', createdAt: start + Math.floor(state.count / 3) * 60_000 })
          return uri
        },
        async break() {
          const uri = state.uris.at(-1)!
          await server.putRecord(uri, { extra: { text: 7 } })
        },
      },
    },
    signIn: { handle: 'alice.test', password: server.account().appPassword, server: server.url },
    fault: faultAt(server),
    async close() {
      await http.close()
      await server.close()
    },
  }
}

describeNetwork(bluesky, { histories: 2, world: async () => worldOf(await startBluesky({ accounts: ['alice'], rateLimit: null })) })

describe('a repository', () => {
  let server: BlueskySimulator
  let http: ReturnType<typeof createHttp>
  let scratch: string
  let requests: string[]
  beforeEach(async () => {
    server = await startBluesky({ accounts: ['alice'], rateLimit: null })
    http = createHttp({ allow: [new URL(server.url).host], timeoutMs: 2000 })
    scratch = await mkdtemp(join(tmpdir(), 'bluesky-'))
    requests = []
  })
  afterEach(async () => {
    await http.close()
    await server.close()
    await rm(scratch, { recursive: true, force: true })
  })

  function io(): PullIo {
    const counting: typeof fetch = (input, init) => {
      requests.push(
        String(input)
          .replace(/^.*\/xrpc\//, '')
          .replace(/\?.*$/, ''),
      )
      return http.fetch(input, init)
    }
    return {
      http: { ...http, fetch: counting },
      token: () => Promise.resolve(server.openSession().accessJwt),
      server: server.url,
      fields: {},
      account: { id: server.account().did, handle: 'alice.test' },
      variables: {},
      scratch: () => scratch,
      signal: AbortSignal.timeout(10_000),
      now: () => new Date(),
    }
  }

  /** What of these ids the pages prove to be missing. */
  function missingOf(pages: readonly Page[], ids: readonly string[]): string[] {
    return ids.filter((id) =>
      pages.some(
        ({ covers = [], items }) =>
          covers.some(({ from, to }) => (from === null || id >= from) && (to === null || id < to)) && !items.some((item) => item.id === id),
      ),
    )
  }

  test('of a thousand records, exactly what changed is pulled, and what is gone is proven', async () => {
    await server.generate({ seed: 'difference', posts: 900, likes: 60, follows: 40 })
    const sync = createReference(repository)
    const first = await sync.sync(io())
    const ids = first.items.map(({ id }) => id).sort()
    expect(ids).toEqual(
      (await server.truth())
        ['alice']!.records.map(({ uri }) => uri)
        .filter((uri) => !uri.includes('profile'))
        .sort(),
    )
    expect(requests).toEqual(['com.atproto.sync.getRepo'])
    expect(await readdir(scratch)).toEqual([])

    const posts = ids.filter((id) => id.includes('feed.post'))
    const doomed = [posts[0]!, posts[400]!, posts[401]!, posts.at(-1)!, ids.find((id) => id.includes('graph.follow'))!]
    for (const id of doomed) await server.deleteRecord(id)
    await server.putRecord(posts[200]!, { text: 'Better' })
    const fresh = [await server.addPost({ text: 'New' }), await server.like()]
    requests = []
    const second = await sync.sync(io())

    expect(second.items.map(({ id }) => id).sort()).toEqual([posts[200]!, ...fresh].sort())
    const missing = missingOf(
      second.pages.map(({ page }) => page),
      ids,
    )
    expect(missing.sort()).toEqual([...doomed].sort())
    expect(requests).toEqual(['com.atproto.sync.getRepo'])
    expect((await repository.gone!([...missing, posts[3]!], io())).sort()).toEqual([...doomed].sort())
  })

  test('a walk that goes on without its file downloads again and misses nothing', async () => {
    await server.generate({ seed: 'resume', posts: 700 })
    const pages: Page[] = []
    for await (const page of repository.pages({ id: 'backfill', kind: 'backfill', range: { from: null, to: null }, cursor: null }, io())) {
      pages.push(page)
      if (pages.length === 2) break
    }
    expect(await readdir(scratch)).toEqual(['repository.car'])
    await rm(join(scratch, 'repository.car'))
    const late = await server.addPost({ text: 'Meanwhile' })
    const rest: Page[] = []
    const walk = { id: 'backfill', kind: 'backfill', range: { from: null, to: null }, cursor: pages[1]!.cursor } as const
    for await (const page of repository.pages(walk, io())) rest.push(page)
    const ids = [...pages, ...rest].flatMap(({ items }) => items.map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toHaveLength(701)
    expect(ids).toContain(late)
  })

  test('a spooled file that another process wrote into is downloaded again rather than believed', async () => {
    await server.addPost({ text: 'Before' })
    const range = { from: null, to: null }
    const before = await allOf(repository.pages({ id: 'backfill', kind: 'backfill', range, cursor: null }, io()))
    const wanted = { open: [], contentTypes: repository.contentTypes, range }
    const [walk] = await repository.plan({ head: before.at(-1)!.head!, ...wanted }, io())
    await server.generate({ seed: 'damage', posts: 700 })
    let cursor: string | null = null
    for await (const page of repository.pages(walk!, io())) {
      cursor = page.cursor
      break
    }
    const path = join(scratch, 'changes.car')
    const text = await readFile(path, 'latin1')
    await writeFile(path, text.replaceAll('app.bsky.feed.post', 'app.bsky.feed.pest'), 'latin1')
    const goOn = () => allOf(repository.pages({ ...walk!, cursor }, io()))
    await expect(goOn()).rejects.toMatchObject({ kind: 'unavailable' })
    expect((await goOn()).flatMap(({ items }) => items).length).toBeGreaterThan(400)
  })

  test('with a head that the server no longer knows, the range is walked anew', async () => {
    await server.addPost({ text: 'One' })
    const head = JSON.stringify({ revision: '3zzzzzzzzzz2z', commit: 'bafyreigone' })
    const [walk] = await repository.plan({ head, open: [], contentTypes: ['posts'], range: { from: null, to: null } }, io())
    const error = await allOf(repository.pages(walk!, io())).catch((thrown: unknown) => thrown)
    expect((error as AshevilleError).kind).toBe('cursor-expired')
  })

  test('a picture comes as it was uploaded, and other bytes are refused', async () => {
    await server.addPost({ text: 'Look', images: [{ alt: 'A ridge' }] })
    const { items } = await createReference(repository).sync(io())
    const [source] = items[0]!.media
    const blob = (await server.truth())['alice']!.blobs.find(({ cid }) => source!.url.includes(cid))
    const hash = createHash('sha256')
    for await (const chunk of await bluesky.openMedia!(source!, io())) hash.update(chunk as Buffer)
    expect(hash.digest('hex')).toBe(blob!.sha256)

    server.faults.add({ kind: 'truncated', route: /getBlob/ })
    await expect(allOf(await bluesky.openMedia!(source!, io()))).rejects.toThrow()
  })
})

describe('signing in to Bluesky', () => {
  let server: BlueskySimulator
  let io: LoginIo & { http: ReturnType<typeof createHttp> }
  beforeEach(async () => {
    server = await startBluesky({ accounts: ['alice'], sessionLimit: null })
    const http = createHttp({ allow: [new URL(server.url).host], timeoutMs: 2000 })
    io = { http, variables: { BLUESKY_API_URL: server.url }, signal: AbortSignal.timeout(10_000), now: () => new Date() }
  })
  afterEach(async () => {
    await io.http.close()
    await server.close()
  })

  const [login] = bluesky.logins
  if (login?.kind !== 'fields') throw new Error('Bluesky has another login now')
  const signIn = (fields: Record<string, string>) => login.signIn(fields, io)

  test.each(['alice.test', '@alice.test', 'https://bsky.app/profile/alice.test'])(
    '%s names the account, whose app password is not kept',
    async (handle) => {
      const { appPassword } = server.account()
      const { tokens, server: home, fields } = await signIn({ handle, password: ` ${appPassword} `, server: '' })
      expect(home).toBe(server.url)
      expect(fields).toEqual({ handle: 'alice.test' })
      expect(Date.parse(tokens!.expiresAt!)).toBeGreaterThan(Date.now())
      const renewed = await login.refresh!(tokens!, home, io)
      expect(renewed.refreshToken).not.toBe(tokens!.refreshToken)
      await login.revoke!(renewed, { server: home, fields }, io)
      await expect(login.refresh!(renewed, home, io)).rejects.toMatchObject({ kind: 'reconnect-required' })
    },
  )

  test.each([
    [{ handle: 'alice.test', password: 'wrong' }, '/password'],
    [{ handle: '', password: 'x' }, '/handle'],
    [{ handle: 'alice.test', password: '' }, '/password'],
    [{ handle: 'alice.test', password: 'x', server: 'ftp://nowhere' }, '/server'],
  ])('%j is a fault of %s', async (fields, pointer) => {
    const error = await signIn(fields as Record<string, string>).catch((thrown: unknown) => thrown)
    expect((error as AshevilleError).kind).toBe('invalid')
    expect((error as AshevilleError).faults).toMatchObject([{ pointer }])
  })
})

async function allOf<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}
