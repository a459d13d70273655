import { afterEach, describe, expect, test } from '@jest/globals'
import { createHash } from 'node:crypto'
import { sha256 } from '../kit/index.ts'
import { startMastodon } from './index.ts'
import type { MastodonOptions, MastodonSimulator } from './index.ts'

const open: MastodonSimulator[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((simulator) => simulator.close()))
})
async function start(options: MastodonOptions = {}) {
  const server = await startMastodon({ seed: 3, ...options })
  open.push(server)
  const get = async (path: string, token: string | null = server.issueToken()) => {
    const response = await fetch(path.startsWith('http') ? path : server.url + path, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
    })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Entity & Entity[] }
  }
  const walk = async (path: string) => {
    const [pages, token]: [Entity[][], string] = [[], server.issueToken()]
    for (let next: string | null = path; next !== null;) {
      const { body, headers } = await get(next, token)
      pages.push(body)
      next = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? null
    }
    return pages
  }
  return { server, get, walk, id: server.account('alice').id }
}
type Entity = Record<string, unknown> & {
  id: string
  error?: string
  media_attachments: { url: string; preview_url: string }[]
  reblog: { id: string } | null
}

const redirectUri = 'http://localhost:3000/cb/mastodon?x=1'
async function register(url: string, fields: Record<string, unknown> = {}) {
  const body = JSON.stringify({ client_name: 'Test', redirect_uris: [redirectUri], scopes: 'read profile', ...fields })
  return fetch(`${url}/api/v1/apps`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
}
const post = async (url: string, form: Record<string, string>) => {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

describe('signing in', () => {
  async function begin(server: MastodonSimulator, more: Record<string, string> = {}) {
    const app = (await (await register(server.url)).json()) as { client_id: string; client_secret: string }
    const query = { response_type: 'code', client_id: app.client_id, redirect_uri: redirectUri, scope: 'read', state: 's t', ...more }
    return { app, address: `${server.url}/oauth/authorize?${new URLSearchParams(query)}` }
  }

  test('register, authorize with PKCE, exchange once, use, revoke', async () => {
    const { server, get } = await start()
    const verifier = 'v'.repeat(50)
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const { app, address } = await begin(server, { code_challenge: challenge, code_challenge_method: 'S256' })
    const back = new URL(await server.authorize(address, { account: 'bob' }))
    expect([back.searchParams.get('x'), back.searchParams.get('state')]).toEqual(['1', 's t'])
    const form = { grant_type: 'authorization_code', code: back.searchParams.get('code')!, redirect_uri: redirectUri, ...app }
    expect((await post(`${server.url}/oauth/token`, form)).body.error).toBe('invalid_grant')
    expect((await post(`${server.url}/oauth/token`, { ...form, code_verifier: 'wrong' })).status).toBe(400)
    expect(
      (await post(`${server.url}/oauth/token`, { ...form, code_verifier: verifier, redirect_uri: 'http://localhost:3000/' })).status,
    ).toBe(400)
    expect((await post(`${server.url}/oauth/token`, { ...form, client_secret: 'no', code_verifier: verifier })).body.error).toBe(
      'invalid_client',
    )
    const { body } = await post(`${server.url}/oauth/token`, { ...form, code_verifier: verifier })
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'read' })
    expect((await post(`${server.url}/oauth/token`, { ...form, code_verifier: verifier })).body.error).toBe('invalid_grant')
    expect((await get('/api/v1/accounts/verify_credentials', body.access_token!)).body).toMatchObject({
      username: 'bob',
      acct: 'bob',
      source: { privacy: 'public' },
    })
    expect((await post(`${server.url}/oauth/revoke`, { token: body.access_token!, ...app })).status).toBe(200)
    const after = await get('/api/v1/accounts/verify_credentials', body.access_token!)
    expect([after.status, after.body.error]).toEqual([401, 'The access token was revoked'])
    expect(JSON.stringify(server.log.entries())).not.toContain(form.code)
  })

  test('the form can be sent as a browser does; a wrong password shows it again; denying says so', async () => {
    const { server } = await start()
    const { address } = await begin(server)
    const page = await (await fetch(address)).text()
    const form = new URLSearchParams(
      [...page.matchAll(/name="(\w+)"[^>]*? value="([^"]*)"/g)].map(([, name, value]) => [name!, value!.replaceAll('&amp;', '&')]),
    )
    form.set('decision', 'authorize')
    const send = () => fetch(`${server.url}/oauth/authorize`, { method: 'POST', body: form, redirect: 'manual' })
    expect((await send()).headers.get('location')).toMatch(/^http:\/\/localhost:3000\/cb\/mastodon\?x=1&code=.+&state=s\+t$/)
    form.set('password', 'wrong')
    const wrong = await send()
    expect([wrong.status, await wrong.text()]).toEqual([422, expect.stringContaining('Invalid E-mail address or password')])
    expect(await server.authorize(address, { deny: true })).toContain('error=access_denied')
  })

  test('unknown redirect addresses and scopes stop at the server', async () => {
    const { server } = await start()
    await expect(server.authorize((await begin(server, { redirect_uri: 'http://evil.example/' })).address)).rejects.toThrow('redirect uri')
    await expect(server.authorize((await begin(server, { scope: 'write' })).address)).rejects.toThrow('scope')
    expect((await register(server.url, { redirect_uris: 'not a uri' })).status).toBe(422)
    expect((await register(server.url, { scopes: 'everything' })).status).toBe(422)
  })

  test('a server before 4.3 has no metadata, no profile scope, ignores PKCE', async () => {
    const { server } = await start({ version: '4.2.10' })
    expect((await fetch(`${server.url}/.well-known/oauth-authorization-server`)).status).toBe(404)
    expect((await register(server.url)).status).toBe(422)
    const modern = await start()
    const metadata = (await modern.get('/.well-known/oauth-authorization-server', null)).body
    expect(metadata).toMatchObject({ issuer: `${modern.server.url}/`, code_challenge_methods_supported: ['S256'] })
  })
})

describe('reading', () => {
  test('statuses come newest first, each once, over full pages; marks and follows go by opaque ids', async () => {
    const { server, walk, id } = await start()
    server.generate({ statuses: 95, withMedia: true, favourites: 45, bookmarks: 3, following: 85 })
    const pages = await walk(`/api/v1/accounts/${id}/statuses?limit=40&exclude_reblogs=false`)
    expect(pages.map((page) => page.length)).toEqual([40, 40, 15])
    const ids = pages.flat().map((status) => BigInt(status.id))
    expect(ids).toEqual([...ids].sort((a, b) => (a < b ? 1 : -1)))
    expect((await walk('/api/v1/favourites')).map((page) => page.length)).toEqual([20, 20, 5])
    expect((await walk(`/api/v1/accounts/${id}/following`)).map((page) => page.length)).toEqual([40, 40, 5])
    const truth = server.truth().alice!
    expect(pages.flat().map((status) => status.id)).toEqual(truth.statuses.map((status) => status.id))
    expect((await walk('/api/v1/bookmarks')).flat().map((status) => status.id)).toEqual(truth.bookmarks.map((status) => status.id))
    expect(truth.statuses.some((status) => status.boostOf !== null)).toBe(true)
  })

  test('behind something else, it says that address as its own; what was boosted is part of the truth', async () => {
    const { server } = await start({ publicUrl: 'http://front.example:81' })
    const boosted = server.favourite()
    server.addStatus({ reblogOf: boosted })
    const [boost] = server.truth().alice!.statuses
    expect(boost!.uri).toBe(`http://front.example:81/users/alice/statuses/${boost!.id}/activity`)
    expect(boost!.boosted).toEqual(server.truth().alice!.favourites[0])
    expect(server.url).toBe('http://front.example:81')
    const instance = (await (await fetch(`${server.localUrl}/.well-known/oauth-authorization-server`)).json()) as { token_endpoint: string }
    expect(instance.token_endpoint).toBe('http://front.example:81/oauth/token')
  })

  test('since_id, min_id and max_id; an empty page has no Link header', async () => {
    const { server, get, id } = await start()
    const ids = Array.from({ length: 6 }, (_, i) => server.addStatus({ text: `n${i}`, createdAt: `2024-01-0${i + 1}T00:00:00Z` }))
    const list = async (query: string) =>
      (await get(`/api/v1/accounts/${id}/statuses?limit=2&${query}`)).body.map((status) => ids.indexOf(status.id))
    expect(await list('')).toEqual([5, 4])
    expect(await list(`since_id=${ids[1]}`)).toEqual([5, 4])
    expect(await list(`min_id=${ids[1]}`)).toEqual([3, 2])
    expect(await list(`max_id=${ids[2]}&min_id=${ids[0]}`)).toEqual([1])
    const page = await get(`/api/v1/accounts/${id}/statuses?limit=2`)
    const base = `${server.url}/api/v1/accounts/${id}/statuses?limit=2`
    expect(page.headers.get('link')).toBe(`<${base}&max_id=${ids[4]}>; rel="next", <${base}&min_id=${ids[5]}>; rel="prev"`)
    expect((await get(`/api/v1/accounts/${id}/statuses?min_id=${ids[5]}`)).headers.get('link')).toBeNull()
  })

  test('edits and deletions show; a deleted status and its file are 404', async () => {
    const { server, get } = await start()
    const id = server.addStatus({ text: 'one <b>#tag</b> #Köln https://example.org/a', media: [{ description: 'A' }] })
    const before = (await get(`/api/v1/statuses/${id}`)).body
    expect(before.content).toContain('one &lt;b&gt;#tag&lt;/b&gt; <a href=')
    expect(before).toMatchObject({ edited_at: null, tags: [{ name: 'köln' }], application: { name: 'Web' } })
    const file = await fetch(before.media_attachments[0]!.url)
    expect(sha256(new Uint8Array(await file.arrayBuffer()))).toBe(server.truth().alice!.statuses[0]!.media[0]!.sha256)
    expect((await fetch(before.media_attachments[0]!.preview_url)).status).toBe(200)
    server.editStatus(id, { text: 'two' })
    expect((await get(`/api/v1/statuses/${id}`)).body).toMatchObject({
      content: '<p>two</p>',
      edited_at: expect.any(String),
      media_attachments: [{ description: 'A' }],
    })
    server.favourite(id, 'bob')
    server.deleteStatus(id)
    const gone = await get(`/api/v1/statuses/${id}`)
    expect([gone.status, gone.body]).toEqual([404, { error: 'Record not found' }])
    expect((await fetch(before.media_attachments[0]!.url)).status).toBe(404)
    expect(server.truth().bob!.favourites).toEqual([])
    expect((await get(`/api/v1/statuses?id[]=${id}&id[]=${server.favourite()}`)).body).toHaveLength(1)
  })

  test('private statuses are for their author; scopes and tokens are checked', async () => {
    const { server, get, id } = await start()
    server.addStatus({ visibility: 'private' })
    expect((await get(`/api/v1/accounts/${id}/statuses`, null)).body).toEqual([])
    expect((await get(`/api/v1/accounts/${id}/statuses`)).body).toHaveLength(1)
    const narrow = await get('/api/v1/bookmarks', server.issueToken({ scopes: ['read:statuses'] }))
    expect([narrow.status, narrow.body]).toEqual([403, { error: 'This action is outside the authorized scopes' }])
    const none = await get('/api/v1/favourites', null)
    expect([none.status, none.body]).toEqual([401, { error: 'The access token is invalid' }])
    const token = server.issueToken()
    server.revokeTokens('alice')
    expect((await get('/api/v1/favourites', token)).status).toBe(401)
  })

  test('generated pictures: exactly as many as asked for, distinct, sizes as said', async () => {
    const { server } = await start({ pictureSize: { width: 32, height: 24 } })
    server.generate({ statuses: 300, pictures: 20, boosts: false })
    const media = server.truth().alice!.statuses.flatMap((status) => status.media)
    expect(new Set(media.map((one) => one.sha256)).size).toBe(20)
  })

  test('same seed, same content', async () => {
    const truths: unknown[] = []
    for (let i = 0; i < 2; i++) {
      const { server } = await start()
      server.generate({ statuses: 60, withMedia: 0.5, favourites: 5, following: 3 })
      truths.push(JSON.parse(JSON.stringify(server.truth()).replaceAll(server.url, '')))
    }
    expect(truths[0]).toEqual(truths[1])
  })
})

describe('limits', () => {
  test('the headers count down, then 429 until the window ends', async () => {
    const { server, get } = await start({ rateLimit: { requests: 2, windowMs: 1000 }, now: () => 1_700_000_000_400 })
    const token = server.issueToken()
    const first = await get('/api/v1/bookmarks', token)
    expect(['limit', 'remaining', 'reset'].map((name) => first.headers.get(`x-ratelimit-${name}`))).toEqual([
      '2',
      '1',
      '2023-11-14T22:13:21.000000Z',
    ])
    await get('/api/v1/bookmarks', token)
    const third = await get('/api/v1/bookmarks', token)
    expect([third.status, third.body, third.headers.get('retry-after')]).toEqual([429, { error: 'Too many requests' }, null])
    await new Promise((resolve) => setTimeout(resolve, 300))
    await get('/api/v1/bookmarks', token)
    expect(server.counters.snapshot().callsBeforeRetryAfter).toBe(1)
    expect((await get('/api/v1/bookmarks', server.issueToken())).status).toBe(200)
  })

  test('generating 100,000 statuses takes little time, and so does a page far down', async () => {
    const { server, get, id } = await start({ rateLimit: null })
    const before = performance.now()
    server.generate({ statuses: 100_000, withMedia: true })
    await get(`/api/v1/accounts/${id}/statuses?limit=40&max_id=107544261427236999`)
    expect(performance.now() - before).toBeLessThan(3000)
  })
})
