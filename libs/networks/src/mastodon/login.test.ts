import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { AshevilleError, LoginIo } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { mastodon } from './index.ts'
import { login } from './login.ts'

const http = createHttp({ allow: ['127.0.0.0/8'], timeoutMs: 1000 })
const io: LoginIo = { http, variables: {}, signal: AbortSignal.timeout(60_000), now: () => new Date() }
const redirectUri = 'http://localhost:3000/cb/mastodon'
afterAll(() => http.close())

const others: Server[] = []
async function otherServer(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  others.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
afterEach(() => others.splice(0).forEach((server) => server.close()))

async function faultOf(written: string, through = io): Promise<string | undefined> {
  const error = (await login.discover(written, through).catch((thrown: unknown) => thrown)) as AshevilleError
  expect(error).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/server' }] })
  return error.faults?.[0]?.message
}

describe.each(['4.5.0', '4.2.10'])('Mastodon %s', (version) => {
  let server: MastodonSimulator
  beforeAll(async () => {
    server = await startMastodon({ version })
  })
  afterAll(() => server.close())

  test('is found with its endpoints, by its address or a page on it', async () => {
    const found = await login.discover(server.url, io)
    expect(found).toEqual({
      server: server.url,
      endpoints: {
        authorization: `${server.url}/oauth/authorize`,
        token: `${server.url}/oauth/token`,
        revocation: `${server.url}/oauth/revoke`,
        issuer: null,
        pkce: version === '4.5.0',
      },
    })
    expect(await login.discover(` ${server.url}/@alice `, io)).toEqual(found)
  })

  test('takes us as an application, and its tokens say who the person is', async () => {
    const { endpoints } = await login.discover(server.url, io)
    const client = await login.register(server.url, redirectUri, io)
    expect(client.clientSecret).toEqual(expect.any(String))
    const query = {
      response_type: 'code',
      client_id: client.clientId,
      redirect_uri: redirectUri,
      scope: login.scopes.join(' '),
      state: 's',
    }
    const back = new URL(await server.authorize(`${endpoints.authorization}?${new URLSearchParams(query)}`))
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      client_id: client.clientId,
      client_secret: client.clientSecret ?? '',
      redirect_uri: redirectUri,
    })
    const answer = (await (await fetch(endpoints.token, { method: 'POST', body: form })).json()) as { access_token: string; scope: string }
    expect(answer.scope).toBe(login.scopes.join(' '))
    const account = await mastodon.account({
      ...{ http, token: () => Promise.resolve(answer.access_token), server: server.url, fields: {}, account: { id: '', handle: '' } },
      ...{ variables: {}, scratch: () => '', signal: io.signal, now: io.now },
    })
    expect(account).toMatchObject({
      id: `${server.account('alice').id}@${new URL(server.url).host}`,
      url: `${server.url}/@alice`,
      declined: [],
    })
    expect(account.handle).toMatch(/^@alice@./)
  })
})

describe('what a person may write', () => {
  /** Answers for any host as that server would, and remembers whom it was asked for. */
  function named(hosts: Record<string, string>): { io: LoginIo; asked: string[] } {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const url = new URL(String(input))
      asked.push(url.href)
      const target = hosts[url.host]
      if (target === undefined) return new Response('nothing', { status: 404 })
      return globalThis.fetch(new URL(url.pathname + url.search, target), init)
    }
    return { io: { ...io, http: { ...http, fetch } }, asked }
  }

  test.each([
    'example.social',
    '@me@example.social',
    'me@example.social',
    'https://example.social/@me',
    'EXAMPLE.social/',
    '  example.social',
  ])('%j is example.social', async (written) => {
    const { io: through, asked } = named({})
    await login.discover(written, through).catch(() => null)
    expect(asked[0]).toBe('https://example.social/api/v2/instance')
  })

  test('a handle whose domain only points to the server', async () => {
    const server = await startMastodon()
    const pointing = await otherServer((request, response) => {
      const isFinger = request.url === '/.well-known/webfinger?resource=acct%3Ame%40example.social'
      response.writeHead(isFinger ? 200 : 404, { 'content-type': 'application/jrd+json' })
      response.end(isFinger ? JSON.stringify({ links: [{ rel: 'self', href: 'https://social.example.social/users/me' }] }) : '{}')
    })
    const hosts = { 'example.social': pointing, 'social.example.social': server.url }
    const fetched = await login.discover('@me@example.social', named(hosts).io)
    expect(new URL(fetched.endpoints.authorization).pathname).toBe('/oauth/authorize')
    await server.close()
  })

  test('a name that sends on to the server is the server', async () => {
    const server = await startMastodon()
    const pointing = await otherServer((request, response) => {
      response.writeHead(301, { location: server.url + (request.url ?? '') })
      response.end()
    })
    expect((await login.discover(pointing, io)).server).toBe(server.url)
    await server.close()
  })

  test.each(['', '   ', 'mastodon', 'https://me:secret@example.social', '@me@'])('%j is no server', async (written) => {
    expect(await faultOf(written)).toBe('Write the name of your server, such as mastodon.social')
  })
})

describe('what is no Mastodon server', () => {
  test('a web page', async () => {
    const url = await otherServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>'))
    expect(await faultOf(url)).toMatch(/does not look like a Mastodon server/)
  })

  test('JSON of something else', async () => {
    const url = await otherServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'),
    )
    await login.discover(url, io).then(
      () => expect('found').toBe('refused'),
      (error: unknown) => expect(error).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/server' }] }),
    )
  })

  test('a server without such an address', async () => {
    const url = await otherServer((_request, response) => response.writeHead(404).end())
    await faultOf(url)
  })

  test('a name that does not exist', async () => {
    const none = createHttp({ allow: [], lookup: () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' })) })
    expect(await faultOf('no-such-server.example', { ...io, http: none })).toMatch(/no-such-server\.example/)
    await none.close()
  })

  test('a private address that the operator does not allow', async () => {
    const none = createHttp({ allow: [] })
    expect(await faultOf('http://127.0.0.1:8080', { ...io, http: none })).toMatch(/OUTBOUND_ALLOW/)
    await none.close()
  })
})
