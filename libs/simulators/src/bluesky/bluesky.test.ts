import { afterEach, describe, expect, test } from '@jest/globals'
import { AtpAgent } from '@atproto/api'
import { Repo, MemoryBlockstore, readCarWithRoot, verifyRepoCar } from '@atproto/repo'
import { sha256 } from '../kit/index.ts'
import { startBluesky } from './index.ts'
import type { BlueskyOptions, BlueskySimulator, TrueRecord } from './index.ts'

const open: BlueskySimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: BlueskyOptions = {}) {
  const server = await startBluesky({ seed: 6, ...options })
  open.push(server)
  const { did, handle, appPassword } = server.account()
  const agent = new AtpAgent({ service: server.url })
  const signIn = () => agent.login({ identifier: handle, password: appPassword })
  const car = async (since?: string) => {
    const query = new URLSearchParams({ did, ...(since === undefined ? {} : { since }) })
    return new Uint8Array(await (await fetch(`${server.url}/xrpc/com.atproto.sync.getRepo?${query}`)).arrayBuffer())
  }
  const key = async () => {
    const document = (await (await fetch(`${server.url}/${did}`)).json()) as { verificationMethod: { publicKeyMultibase: string }[] }
    return `did:key:${document.verificationMethod[0]!.publicKeyMultibase}`
  }
  return { server, agent, signIn, did, handle, car, key }
}
const pathOf = ({ collection, rkey, cid }: TrueRecord) => `${collection}/${rkey} ${cid}`
const failure = (error: unknown) => error as { status: number; error: string }
const post = (url: string, token?: string) =>
  fetch(url, { method: 'POST', headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

describe('sessions, with the vendor’s own client', () => {
  test('signs in by handle, address or DID with an app password; a wrong one is 401', async () => {
    const { server, agent, did } = await start()
    const { handle, email, appPassword } = server.account()
    for (const identifier of [handle, email, did]) expect((await agent.login({ identifier, password: appPassword })).data.did).toBe(did)
    expect((await agent.com.atproto.server.getSession()).data).toMatchObject({ handle, email, active: true })
    expect((await agent.getProfile({ actor: did })).data).toMatchObject({ handle, displayName: 'Alice' })
    const wrong = await agent.login({ identifier: handle, password: 'wrong' }).catch(failure)
    expect(wrong).toMatchObject({ status: 401, error: 'AuthenticationRequired' })
  })

  test('an expired access token is refreshed by the client, once', async () => {
    let now = Date.now()
    const { server, agent, signIn } = await start({ now: () => now })
    await signIn()
    now += 3 * 3_600_000
    await agent.com.atproto.server.getSession()
    expect(server.counters.of('refreshSession')).toBe(1)
    expect(server.counters.snapshot().refreshTokenReuse).toBe(0)
  })

  test.each([
    ['refused', 400, 200],
    ['revokes', 400, 400],
    ['grace', 200, 200],
  ] as const)('a used refresh token, %s', async (refreshReuse, again, next) => {
    const { server } = await start({ refreshReuse })
    const refresh = (token: string) => post(`${server.url}/xrpc/com.atproto.server.refreshSession`, token)
    const first = server.openSession().refreshJwt
    const second = ((await (await refresh(first)).json()) as { refreshJwt: string }).refreshJwt
    const reused = await refresh(first)
    expect(reused.status).toBe(again)
    if (again === 400) expect(await reused.json()).toEqual({ error: 'ExpiredToken', message: 'Token has been revoked' })
    expect((await refresh(second)).status).toBe(next)
    expect(server.counters.snapshot().refreshTokenReuse).toBe(1)
  })

  test('deleting a session ends its refresh token; revoking ends everything; bad tokens are named', async () => {
    const { server, did } = await start()
    const session = server.openSession()
    const url = `${server.url}/xrpc/com.atproto.server`
    expect((await post(`${url}.deleteSession`, session.refreshJwt)).status).toBe(200)
    expect((await post(`${url}.refreshSession`, session.refreshJwt)).status).toBe(400)
    server.revokeTokens()
    const other = server.openSession('bob')
    const get = async (token: string) =>
      (await (await fetch(`${url}.getSession`, { headers: { authorization: `Bearer ${token}` } })).json()) as { error?: string }
    expect((await get(other.accessJwt)).error).toBeUndefined()
    expect((await get(`${other.accessJwt}x`)).error).toBe('InvalidToken')
    server.faults.add({ kind: 'token-revoked', next: 1 })
    expect((await get(other.accessJwt)).error).toBe('ExpiredToken')
    expect((await (await fetch(`${url}.getSession`)).json()) as unknown).toEqual({
      error: 'AuthMissing',
      message: 'Authentication Required',
    })
    server.setStatus('takendown')
    expect(await (await fetch(`${server.url}/xrpc/com.atproto.sync.getLatestCommit?did=${did}`)).json()).toMatchObject({
      error: 'RepoTakendown',
    })
  })
})

describe('the repository', () => {
  test('the CAR verifies with the vendor’s library and holds exactly the records of the truth', async () => {
    const { server, did, car, key } = await start()
    await server.generate({ posts: 200, likes: 40, reposts: 5, follows: 5, images: 6 })
    await server.addPost({ text: 'one more', createdAt: '2024-02-03T04:05:06Z' })
    const verified = await verifyRepoCar(await car(), did, await key())
    const truth = (await server.truth()).alice!
    expect(verified.creates.map(({ collection, rkey, cid }) => `${collection}/${rkey} ${String(cid)}`).sort()).toEqual(
      truth.records.map(pathOf).sort(),
    )
    expect(verified.commit.rev).toBe(truth.rev)
    expect(truth.blobs).toHaveLength(7)
  })

  test('a tree built at once is the tree that the vendor’s library grows one by one', async () => {
    const { server, did, car } = await start()
    await server.generate({ posts: 60 })
    const { root, blocks } = await readCarWithRoot(await car())
    const repo = await Repo.load(new MemoryBlockstore(blocks), root)
    let grown = await (await import('@atproto/repo')).MST.create(new MemoryBlockstore())
    for await (const { collection, rkey, cid } of repo.walkRecords()) grown = await grown.add(`${collection}/${rkey}`, cid)
    expect(String(await grown.getPointer())).toBe(String(repo.commit.data))
    expect(repo.did).toBe(did)
  })

  test('with since only what changed comes; nothing new is a CAR without blocks', async () => {
    const { server, car } = await start()
    await server.generate({ posts: 300 })
    const before = await readCarWithRoot(await car())
    const rev = server.rev()
    expect((await readCarWithRoot(await car(rev))).blocks.size).toBe(0)
    const records = (await server.truth()).alice!.records.filter(({ collection }) => collection.endsWith('feed.post'))
    const added = await server.addPost({ text: 'new' })
    await server.deleteRecord(records[3]!.uri)
    await server.putRecord(records[5]!.uri, { text: 'edited' })
    const { root, blocks } = await readCarWithRoot(await car(rev))
    expect(blocks.size).toBeLessThan(40)
    const merged = new MemoryBlockstore(before.blocks)
    for (const [cid, bytes] of blocks) await merged.putBlock(cid, bytes)
    const repo = await Repo.load(merged, root)
    const now: string[] = []
    for await (const { collection, rkey, cid } of repo.walkRecords()) now.push(`${collection}/${rkey} ${String(cid)}`)
    const truth = (await server.truth()).alice!.records
    expect(now.sort()).toEqual(truth.map(pathOf).sort())
    expect(truth.map(({ uri }) => uri)).toContain(added)
    expect(truth.find(({ uri }) => uri === records[5]!.uri)!.value).toMatchObject({
      text: 'edited',
      createdAt: (records[5]!.value as { createdAt: string }).createdAt,
    })
  })

  test('a second batch, then single writes: still one sound repository', async () => {
    const { server, did, car, key } = await start()
    await server.generate({ posts: 50, from: '2023-01-01', to: '2023-02-01' })
    await server.addPost({ createdAt: '2022-01-01' })
    await server.generate({ posts: 50, likes: 10 })
    await server.like()
    expect((await verifyRepoCar(await car(), did, await key())).creates).toHaveLength(113)
  })

  test('records by the vendor’s client: pages, one by one, with facets, images, quotes and answers', async () => {
    const { server, agent, did } = await start()
    const first = await server.addPost({
      text: 'Grüße @bob.test see https://example.org/a #tag',
      mentions: ['bob.test'],
      images: [{ alt: 'A', bytes: Buffer.from('not really a jpeg') }],
    })
    const answer = await server.addPost({
      text: 'answer',
      replyTo: first,
      quote: first,
      external: { uri: 'https://example.org', thumb: true },
    })
    for (let i = 0; i < 5; i++) await server.like()
    await server.follow('bob.test')
    const one = await agent.com.atproto.repo.getRecord({ repo: did, collection: 'app.bsky.feed.post', rkey: first.split('/').at(-1)! })
    const value = one.data.value as {
      text: string
      facets: { index: { byteStart: number; byteEnd: number } }[]
      embed: { images: { image: { ref: unknown; size: number } }[] }
    }
    const said = value.facets.map(({ index }) => Buffer.from(value.text).subarray(index.byteStart, index.byteEnd).toString())
    expect(said).toEqual(['@bob.test', 'https://example.org/a', '#tag'])
    const cid = String(value.embed.images[0]!.image.ref)
    const blob = await fetch(`${server.url}/xrpc/com.atproto.sync.getBlob?did=${did}&cid=${cid}`)
    expect([blob.headers.get('content-type'), await blob.text()]).toEqual(['image/jpeg', 'not really a jpeg'])
    const posts = (await agent.getPosts({ uris: [answer] })).data.posts
    expect(posts[0]!.record).toMatchObject({
      reply: { root: { uri: first }, parent: { uri: first } },
      embed: { $type: 'app.bsky.embed.recordWithMedia' },
    })
    const liked: string[] = []
    for (let cursor: string | undefined, page = 0; page < 4; page++) {
      const { data } = await agent.com.atproto.repo.listRecords({ repo: did, collection: 'app.bsky.feed.like', limit: 2, cursor })
      liked.push(...data.records.map((record) => (record.value as { subject: { uri: string } }).subject.uri))
      cursor = data.cursor
    }
    expect(new Set(liked).size).toBe(5)
    expect((await agent.getPosts({ uris: liked.slice(0, 2) })).data.posts).toHaveLength(2)
    expect((await agent.com.atproto.repo.describeRepo({ repo: did })).data.collections).toContain('app.bsky.graph.follow')
    await server.deleteRecord(first)
    expect((await fetch(blob.url)).status).toBe(400)
    const gone = await agent.com.atproto.repo
      .getRecord({ repo: did, collection: 'app.bsky.feed.post', rkey: first.split('/').at(-1)! })
      .catch(failure)
    expect(gone).toMatchObject({ status: 400, error: 'RecordNotFound' })
  })

  test('two records with the same content share a block until both are gone', async () => {
    const { server, did, car, key } = await start()
    const same = { text: 'same', createdAt: '2024-01-01T00:00:00Z' }
    const [first, second] = [await server.addPost(same), await server.addPost(same)]
    await server.deleteRecord(first)
    expect((await verifyRepoCar(await car(), did, await key())).creates).toHaveLength(2)
    await server.deleteRecord(second)
    expect((await verifyRepoCar(await car(), did, await key())).creates).toHaveLength(1)
  })
})

test('identity: handles resolve, DIDs have documents, strangers do not', async () => {
  const { server, agent, did } = await start()
  expect((await agent.resolveHandle({ handle: 'alice.test' })).data.did).toBe(did)
  expect(await agent.resolveHandle({ handle: 'nobody.test' }).catch(failure)).toMatchObject({ status: 400 })
  expect(await (await fetch(`${server.url}/.well-known/atproto-did`)).text()).toBe(did)
  expect(await (await fetch(`${server.url}/${did}`)).json()).toMatchObject({
    id: did,
    alsoKnownAs: ['at://alice.test'],
    service: [{ serviceEndpoint: server.url }],
  })
  expect((await fetch(`${server.url}/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa`)).status).toBe(404)
})

test('rate limits: draft headers, 429 in the vendor’s shape; sign-ins have a limit of their own', async () => {
  const { server, agent, signIn, did } = await start({
    rateLimit: { requests: 2, windowMs: 60_000 },
    sessionLimit: { requests: 1, windowMs: 60_000 },
    now: () => 1_700_000_000_000,
  })
  const get = () => fetch(`${server.url}/xrpc/com.atproto.sync.getLatestCommit?did=${did}`)
  const first = await get()
  expect(['limit', 'remaining', 'reset', 'policy'].map((name) => first.headers.get(`ratelimit-${name}`))).toEqual([
    '2',
    '1',
    '1700000040',
    '2;w=60',
  ])
  await get()
  expect([(await get()).status, await (await get()).json()]).toEqual([429, { error: 'RateLimitExceeded', message: 'Rate Limit Exceeded' }])
  server.setRateLimit(null)
  await signIn()
  expect(await agent.login({ identifier: 'alice.test', password: 'x' }).catch(failure)).toMatchObject({ status: 429 })
})

test('same seed, same repository to the last byte; pictures as the truth says', async () => {
  const read = async () => {
    const { server, car, did } = await start()
    await server.generate({ posts: 40, likes: 5, withImages: true })
    const { blobs } = (await server.truth()).alice!
    const blob = await fetch(`${server.url}/xrpc/com.atproto.sync.getBlob?did=${did}&cid=${blobs[0]!.cid}`)
    expect(sha256(new Uint8Array(await blob.arrayBuffer()))).toBe(blobs[0]!.sha256)
    return sha256(await car())
  }
  expect(await read()).toBe(await read())
})
