import { createServer, type Server } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { AshevilleError } from '@asheville/core'
import { createHttp } from './create-http.ts'
import type { HostAddress } from './guard.ts'

/** Ways to write this machine's own address, as attackers do. */
const spellings = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '0177.1',
  '127.0.0.1.',
  '127.255.255.254',
  '0.0.0.0',
  '0',
  '0x0',
  'localhost',
  'LOCALHOST',
  'localhost.',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '%31%32%37.0.0.1',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[::ffff:0:7f00:1]',
  'ip6-localhost',
]

let accepted = 0
const listeners: { close(): void; address(): AddressInfo | string | null }[] = []
let port: number

beforeAll(async () => {
  // Anything that connects counts, whatever it then says.
  for (const host of ['0.0.0.0', '::']) {
    const server = createTcpServer((socket) => {
      accepted++
      socket.destroy()
    })
    const isUp = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen({ port: port ?? 0, host, ipv6Only: host === '::' }, () => resolve(true))
    })
    if (!isUp) continue
    port = (server.address() as AddressInfo).port
    listeners.push(server)
  }
})
afterAll(() => listeners.forEach((server) => server.close()))
beforeEach(() => void (accepted = 0))

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof AshevilleError ? error.kind : `${error}`),
  )

function askAgent(agent: ReturnType<typeof createHttp>['agent'], host: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest({ agent, host, port, path: '/', timeout: 2000 }, resolve)
    sent.once('error', reject).end()
  })
}

describe('the loopback, in 32 spellings', () => {
  test('there are 32, and the listener does count', async () => {
    expect(new Set(spellings).size).toBe(32)
    await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
    expect(accepted).toBe(1)
  })

  test('fetch reaches none, with and without a usual port', async () => {
    const http = createHttp({ allow: [] })
    // No list of allowed hosts, but the port is not what protects: as if it were a usual one.
    const anyPort = createHttp({ allow: ['8.8.8.8:1', '198.51.100.0/24'] })
    for (const host of spellings) {
      expect([host, await outcome(http.fetch(`http://${host}:${port}/`))]).toEqual([host, expect.stringMatching(/^(invalid|unavailable)$/)])
      expect([host, await outcome(anyPort.fetch(`https://${host}:${port}/`))]).toEqual([
        host,
        expect.stringMatching(/^(invalid|unavailable)$/),
      ])
    }
    expect(accepted).toBe(0)
    await http.close()
    await anyPort.close()
  })

  test('the agent reaches none', async () => {
    const http = createHttp({ allow: [] })
    for (const host of spellings)
      for (const written of new Set([host, host.replace(/^\[|\]$/g, '')]))
        expect([written, await outcome(askAgent(http.agent, written))]).not.toEqual([written, 'answered'])
    await expect(
      new Promise((resolve, reject) =>
        httpsRequest({ agent: http.agent, socketPath: '/var/run/docker.sock', path: '/' }, resolve).once('error', reject).end(),
      ),
    ).rejects.toMatchObject({ kind: 'invalid' })
    expect(accepted).toBe(0)
    await http.close()
  })

  test('allowed, they are reached', async () => {
    const http = createHttp({ allow: [`127.0.0.1:${port}`, '127.0.0.2/32'] })
    await outcome(http.fetch(`http://2130706433:${port}/`))
    await outcome(http.fetch(`http://127.0.0.2:${port}/`))
    await outcome(askAgent(http.agent, '127.0.0.1'))
    expect(accepted).toBe(3)
    await http.close()
  })
})

describe('names', () => {
  const withLookup = (answers: HostAddress[][], allow: string[] = []) => {
    let asked = 0
    const http = createHttp({ allow, lookup: () => Promise.resolve(answers[Math.min(asked++, answers.length - 1)] ?? []) })
    return { http, asked: () => asked }
  }
  const own: HostAddress = { address: '127.0.0.1', family: 4 }
  const far: HostAddress = { address: '93.184.215.14', family: 4 }

  test('one private address among several is enough to refuse', async () => {
    for (const answer of [
      [own],
      [far, own],
      [{ address: '::ffff:127.0.0.1', family: 6 }],
      [far, { address: 'fd00::1', family: 6 }],
      [{ address: '169.254.169.254', family: 4 }],
    ]) {
      const { http } = withLookup([answer])
      await expect(http.fetch('http://rebind.example/')).rejects.toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining('OUTBOUND_ALLOW=rebind.example:80'),
      })
      await expect(askAgent(http.agent, 'rebind.example')).rejects.toMatchObject({ kind: 'invalid' })
      await http.close()
    }
    expect(accepted).toBe(0)
  })

  test('a resolver that tells another story the second time is asked once per connection, and checked each time', async () => {
    const allowed: HostAddress = { address: '127.0.0.9', family: 4 }
    const { http, asked } = withLookup([[own], [allowed], [own]], ['127.0.0.9/32'])
    for (const expected of ['invalid', 'unavailable', 'invalid']) {
      const before = asked()
      expect(await outcome(http.fetch(`http://rebind.example:${port}/`))).toBe(expected)
      expect(asked()).toBe(before + 1)
    }
    // The one connection went to the address that was checked.
    expect(accepted).toBe(1)
    await http.close()
  })

  test('a name that does not exist, and one that cannot be looked up now', async () => {
    const fails = (code: string) => createHttp({ allow: [], lookup: () => Promise.reject(Object.assign(new Error('x'), { code })) })
    await expect(fails('ENOTFOUND').fetch('http://typo.example/')).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'There is no server called typo.example',
    })
    await expect(fails('EAI_AGAIN').fetch('http://typo.example/')).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('looked up now'),
    })
    const never = createHttp({ allow: [], connectMs: 100, lookup: () => new Promise(() => undefined) })
    await expect(never.fetch('http://typo.example/')).rejects.toMatchObject({ kind: 'unavailable' })
  })

  test('odd ports of public addresses are refused', async () => {
    const { http } = withLookup([[far]])
    await expect(http.fetch('https://public.example:8443/')).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('port 8443'),
    })
    await http.close()
  })

  test('an allowed name at its port is reached; the same name elsewhere is not', async () => {
    const { http } = withLookup([[own]], [`nas.example:${port}`])
    await outcome(http.fetch(`http://nas.example:${port}/`))
    expect(accepted).toBe(1)
    expect(await outcome(http.fetch('http://nas.example/'))).toBe('invalid')
    expect(await outcome(http.fetch(`http://other.example:${port}/`))).toBe('invalid')
    await http.close()
  })
})

describe('fetch', () => {
  let server: Server
  let origin: string
  let other: string
  let http: ReturnType<typeof createHttp>
  let hops = 0
  const held: (() => void)[] = []

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
      if (pathname === '/to') {
        hops++
        return void response.writeHead(Number(searchParams.get('status') ?? 302), { location: searchParams.get('url') ?? '' }).end()
      }
      if (pathname === '/stall') return void response.writeHead(200).write('x')
      if (pathname === '/never') return
      if (pathname === '/held') return void held.push(() => response.end('news'))
      if (pathname === '/headers') return void response.writeHead(200, { 'x-large': 'x'.repeat(60_000) }).end()
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
      request.on('end', () => response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body })))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const own = (server.address() as AddressInfo).port
    origin = `http://127.0.0.1:${own}`
    other = `http://localhost:${own}`
    http = createHttp({ allow: [`127.0.0.1:${own}`, `localhost:${own}`], timeoutMs: 300, bodyIdleMs: 300 })
  })
  afterAll(async () => {
    await http.close()
    server.closeAllConnections()
    server.close()
  })

  const to = (url: string, status = 302) => `${origin}/to?status=${status}&url=${encodeURIComponent(url)}`
  const echo = async (response: Response) =>
    (await response.json()) as { method: string; url: string; headers: Record<string, string>; body: string }

  test('redirects: followed, each address checked', async () => {
    const response = await http.fetch(to('/end?a=1'))
    expect([response.status, response.url, response.redirected]).toEqual([200, `${origin}/end?a=1`, true])
    expect((await echo(response)).headers['user-agent']).toMatch(/^Asheville\//)
    for (const target of [
      `http://127.0.0.1:${port}/`,
      `http://[::1]:${port}/`,
      'http://169.254.169.254/latest',
      'http://10.0.0.1/',
      'file:///etc/passwd',
      'data:text/plain,x',
      '//0x7f.1/',
      'http://a:b@example.org/',
      'http://',
    ])
      expect([target, await outcome(http.fetch(to(target)))]).toEqual([target, 'invalid'])
    expect(accepted).toBe(0)
  })

  test('redirects: five at most; none with error; visible with manual', async () => {
    let url = '/end'
    for (let i = 0; i < 5; i++) url = to(url)
    expect((await http.fetch(url)).status).toBe(200)
    hops = 0
    await expect(http.fetch(to(url))).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('circles') })
    expect(hops).toBe(6)
    await expect(http.fetch(to('/end'), { redirect: 'error' })).rejects.toMatchObject({ kind: 'invalid' })
    const manual = await http.fetch(to('/end'), { redirect: 'manual' })
    expect([manual.status, manual.headers.get('location')]).toEqual([302, '/end'])
  })

  test('redirects: credentials stay with their origin; methods as in the standard', async () => {
    const headers = { authorization: 'Bearer t', cookie: 'a=b', 'x-other': '1' }
    expect((await echo(await http.fetch(to('/end'), { headers }))).headers).toMatchObject(headers)
    const elsewhere = await echo(await http.fetch(to(`${other}/end`), { headers }))
    expect(elsewhere.headers).toMatchObject({ 'x-other': '1' })
    expect(elsewhere.headers).not.toHaveProperty('authorization')
    expect(elsewhere.headers).not.toHaveProperty('cookie')
    const sent = { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain' } }
    expect(await echo(await http.fetch(to('/end', 302), sent))).toMatchObject({ method: 'GET', body: '' })
    expect(await echo(await http.fetch(to('/end', 303), { ...sent, method: 'PUT' }))).toMatchObject({ method: 'GET', body: '' })
    expect(await echo(await http.fetch(to('/end', 307), sent))).toMatchObject({ method: 'POST', body: 'hello' })
    const stream = { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as RequestInit
    expect(await outcome(http.fetch(to('/end', 307), stream))).toBe('unavailable')
  })

  test('a long poll waits for as long as its caller does, behind the same guard', async () => {
    const waiting = http.longPoll(`${origin}/held`)
    await expect(http.fetch(`${origin}/held`)).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('in time') })
    held.forEach((answer) => answer())
    expect(await (await waiting).text()).toBe('news')
    const caller = new AbortController()
    const stopped = http.longPoll(`${origin}/held`, { signal: caller.signal })
    caller.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    expect(await outcome(http.longPoll(`http://127.0.0.1:${port}/`))).toBe('invalid')
    expect(accepted).toBe(0)
  })

  test('takes what fetch takes: Request, FormData, URLSearchParams, bytes', async () => {
    expect(await echo(await http.fetch(new Request(`${origin}/r`, { method: 'POST', body: 'x', headers: { a: 'b' } })))).toMatchObject({
      method: 'POST',
      url: '/r',
      body: 'x',
      headers: { a: 'b' },
    })
    const form = new FormData()
    form.set('name', 'value')
    form.set('file', new File(['bytes'], 'a.txt'))
    const { headers, body } = await echo(await http.fetch(origin, { method: 'POST', body: form }))
    expect(headers['content-type']).toContain('multipart/form-data; boundary=')
    expect(body).toContain('filename="a.txt"')
    expect(await echo(await http.fetch(new URL(origin), { method: 'POST', body: new URLSearchParams({ a: 'b c' }) }))).toMatchObject({
      body: 'a=b+c',
    })
    expect(await echo(await http.fetch(origin, { method: 'PUT', body: Buffer.from('abc') }))).toMatchObject({ method: 'PUT', body: 'abc' })
  })

  test('over plain http, nothing but reads without credentials', async () => {
    const open = createHttp({ allow: [], lookup: () => Promise.resolve([]) })
    const message = expect.stringContaining('where everyone can read along')
    await expect(open.fetch('http://public.example/', { headers: { authorization: 'Bearer t' } })).rejects.toMatchObject({
      kind: 'invalid',
      message,
    })
    await expect(open.fetch('http://public.example/', { method: 'POST', body: 'password=x' })).rejects.toMatchObject({
      kind: 'invalid',
      message,
    })
    await expect(open.fetch('http://public.example/')).rejects.toMatchObject({ message: 'There is no server called public.example' })
    await open.close()
  })

  test('bounds: time to the head, pauses in the body, headers', async () => {
    await expect(http.fetch(`${origin}/never`)).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('in time') })
    await expect(http.fetch(`${origin}/stall`).then((response) => response.text())).rejects.toThrow()
    await expect(http.fetch(`${origin}/headers`)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('proper HTTP'),
    })
  })

  test('an abort throws its reason; nothing that fails names a query', async () => {
    const reason = new AshevilleError('cancelled', 'Stopped')
    await expect(http.fetch(`${origin}/never`, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const stopped = http.fetch(`${origin}/never`, { signal: controller.signal })
    controller.abort(reason)
    await expect(stopped).rejects.toBe(reason)
    const error: unknown = await http
      .fetch(`${origin}/never?token=canary`, { headers: { authorization: 'canary' } })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind: 'unavailable' })
    expect(JSON.stringify(error) + String(error) + String((error as Error).stack) + JSON.stringify((error as Error).cause)).not.toContain(
      'canary',
    )
  })

  test('proxies of the environment are not used', async () => {
    const proxy = `http://127.0.0.1:${port}`
    const before = process.env
    process.env = { ...before, HTTP_PROXY: proxy, http_proxy: proxy, HTTPS_PROXY: proxy, ALL_PROXY: proxy }
    try {
      const fresh = createHttp({ allow: [`127.0.0.1:${new URL(origin).port}`] })
      expect((await fresh.fetch(origin)).status).toBe(200)
      expect(accepted).toBe(0)
      await fresh.close()
    } finally {
      process.env = before
    }
  })
})
