import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { startHttpProxy, startTcpProxy, type PlannedFault, type Proxy, type TcpProxy } from './index.ts'

const body = 'x'.repeat(100_000)
let done: string[] = []
const closing: (() => Promise<unknown>)[] = []

async function urlOf(server: Server, scheme: string): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => new Promise((resolve) => server.close(resolve)))
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(() => {
  done = []
})
afterAll(async () => {
  for (const close of closing.toReversed()) await close()
})

/** What a plain client sees: the body, or how it failed and after how many bytes. */
async function see(url: string, init: RequestInit & { timeoutMs?: number } = {}): Promise<{ saw: string; bytes: number; ms: number }> {
  const began = performance.now()
  const seen = (saw: string, bytes = 0) => ({ saw, bytes, ms: performance.now() - began })
  let bytes = 0
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(init.timeoutMs ?? 5_000) })
    for await (const piece of response.body ?? []) bytes += (piece as Uint8Array).length
    return seen(String(response.status), bytes)
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } }
    return seen(name === 'TimeoutError' ? 'timeout' : (cause?.code ?? name), bytes)
  }
}

describe('an HTTP proxy', () => {
  let proxy: Proxy

  beforeAll(async () => {
    const server = createServer((request, response) => {
      let got = 0
      request.on('data', (chunk: Buffer) => (got += chunk.length))
      request.on('end', () => {
        done.push(`${request.method} ${request.url} ${got}`)
        if (request.url === '/empty') return void response.writeHead(204).end()
        if (request.url === '/later') return void response.writeHead(429, { 'retry-after': '5' }).end('later')
        if (request.url === '/pieces') {
          response.writeHead(200, { 'x-kept': 'yes' })
          response.write('first')
          return void setTimeout(() => response.end('second'), 100)
        }
        response.end(body)
      })
    })
    proxy = await startHttpProxy({ target: await urlOf(server, 'http') })
    closing.push(() => proxy.close())
  })
  afterEach(() => proxy.faults.clear())

  const faulty = async (fault: PlannedFault, path = '/', init = {}) => {
    proxy.faults.add({ ...fault, next: 1 })
    const seen = await see(proxy.url + path, init)
    // By now it is over.
    expect(await see(`${proxy.url}/after`)).toMatchObject({ saw: '200', bytes: body.length })
    return seen
  }

  test('passes everything on: methods, paths, headers, bodies of known and unknown length, pieces as they come', async () => {
    expect(await see(`${proxy.url}/a?b=c%20d`)).toMatchObject({ saw: '200', bytes: body.length })
    const streamed = Readable.toWeb(Readable.from([Buffer.from('some'), Buffer.from('thing')])) as ReadableStream
    await see(`${proxy.url}/put`, { method: 'PUT', body: streamed, duplex: 'half' } as RequestInit)
    await see(`${proxy.url}/post`, { method: 'POST', body: 'text' })
    await see(`${proxy.url}/empty`, { method: 'DELETE' })
    expect(done).toEqual(['GET /a?b=c%20d 0', 'PUT /put 9', 'POST /post 4', 'DELETE /empty 0'])
    const response = await fetch(`${proxy.url}/pieces`)
    const pieces: string[] = []
    for await (const piece of response.body!) pieces.push(Buffer.from(piece as Uint8Array).toString())
    expect([response.headers.get('x-kept'), ...pieces]).toEqual(['yes', 'first', 'second'])
    expect(proxy.counts()).toMatchObject({ requests: 5, executed: 5, bytesUp: 13, struck: {} })
  })

  test('latency', async () => {
    expect((await faulty({ kind: 'latency', ms: 200 })).ms).toBeGreaterThan(195)
  })

  test('refuse: a reset, and the server has heard nothing', async () => {
    expect(await faulty({ kind: 'refuse' }, '/never')).toMatchObject({ saw: expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET/) })
    expect(done).toEqual(['GET /after 0'])
  })

  test('reset in the middle of the body', async () => {
    expect(await faulty({ kind: 'reset', afterBytes: 1234 })).toMatchObject({ saw: 'ECONNRESET', bytes: 1234 })
    expect(await faulty({ kind: 'reset' })).toMatchObject({ saw: 'ECONNRESET', bytes: 50_000 })
    expect(await faulty({ kind: 'reset' }, '/pieces')).toMatchObject({ saw: 'ECONNRESET', bytes: 5 })
    expect(await faulty({ kind: 'reset' }, '/empty')).toMatchObject({ saw: 'ECONNRESET', bytes: 0 })
  })

  test('short body: an orderly end, too early', async () => {
    expect(await faulty({ kind: 'short-body', afterBytes: 10 })).toMatchObject({ saw: 'UND_ERR_SOCKET', bytes: 10 })
    expect(await faulty({ kind: 'short-body' }, '/pieces')).toMatchObject({ saw: 'UND_ERR_SOCKET', bytes: 5 })
  })

  test('stall: silence in the middle, for good or for a while', async () => {
    expect(await faulty({ kind: 'stall', afterBytes: 10 }, '/', { timeoutMs: 300 })).toMatchObject({ saw: 'timeout', bytes: 10 })
    const seen = await faulty({ kind: 'stall', ms: 200 })
    expect(seen).toMatchObject({ saw: '200', bytes: body.length })
    expect(seen.ms).toBeGreaterThan(195)
    expect(await faulty({ kind: 'stall', ms: 50 }, '/empty')).toMatchObject({ saw: '204' })
  })

  test('whoever is asked to wait is told in any case', async () => {
    for (const kind of ['reset', 'short-body', 'stall', 'execute-and-time-out'] as const)
      expect(await faulty({ kind }, '/later')).toMatchObject({ saw: '429', bytes: 5 })
  })

  test('execute and time out: done, and no answer', async () => {
    const { executed } = proxy.counts()
    proxy.faults.add({ kind: 'execute-and-time-out', next: 1 })
    const post = { method: 'POST', body: 'pay', timeoutMs: 300 }
    expect(await see(`${proxy.url}/pay`, post)).toMatchObject({ saw: 'timeout', bytes: 0 })
    proxy.faults.add({ kind: 'execute-and-time-out', ms: 50, next: 1 })
    expect(await see(`${proxy.url}/pay`, post)).toMatchObject({ saw: expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET/) })
    expect(done).toEqual(['POST /pay 3', 'POST /pay 3'])
    expect(proxy.counts().executed - executed).toBe(2)
  })

  test('by route and by rate; the same seed strikes the same requests', async () => {
    const strikes = async (seed: string): Promise<string> => {
      const own = await startHttpProxy({ target: proxy.target, seed })
      own.faults.add({ kind: 'refuse', rate: 0.3, route: /^GET \/some/ })
      let pattern = ''
      for (let number = 0; number < 40; number += 1) {
        pattern += (await see(`${own.url}/some`)).saw === '200' ? '.' : 'x'
        expect((await see(`${own.url}/other`)).saw).toBe('200')
      }
      expect(own.counts().struck).toEqual({ refuse: [...pattern].filter((one) => one === 'x').length })
      await own.close()
      return pattern
    }
    const [one, again, other] = [await strikes('a'), await strikes('a'), await strikes('b')]
    expect(again).toBe(one)
    expect(other).not.toBe(one)
    const share = [...one].filter((mark) => mark === 'x').length / 40
    expect(share > 0.1 && share < 0.5).toBe(true)
  })

  test('down: the system refuses', async () => {
    await proxy.setDown(true)
    expect((await see(proxy.url)).saw).toBe('ECONNREFUSED')
    await proxy.setDown(false)
    expect((await see(proxy.url)).saw).toBe('200')
  })
})

describe('a TCP proxy', () => {
  let proxy: TcpProxy

  beforeAll(async () => {
    // Says every line back, in capitals.
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (data) => {
        done.push(data.toString())
        socket.write(data.toString().toUpperCase())
      })
    })
    proxy = await startTcpProxy({ target: await urlOf(server, 'redis') })
    closing.push(() => proxy.close())
  })
  afterEach(() => proxy.faults.clear())

  /** A plain connection: what came, and how it ended. */
  async function talk() {
    const socket = connect(proxy.port, '127.0.0.1')
    const heard = { text: '', end: '' }
    socket.on('data', (data) => (heard.text += data.toString()))
    socket.on('error', (error: NodeJS.ErrnoException) => (heard.end = error.code ?? ''))
    socket.on('end', () => (heard.end ||= 'end'))
    await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined)
    return {
      async say(text: string) {
        socket.write(text)
        await sleep(80)
        return { ...heard }
      },
      hang: () => socket.destroy(),
    }
  }
  const faulty = async (fault: PlannedFault) => {
    proxy.faults.add({ ...fault, next: 1 })
    const one = await talk()
    const first = await one.say('hello')
    const second = first.end === '' ? await one.say(' you') : first
    one.hang()
    const after = await talk()
    expect(await after.say('well')).toEqual({ text: 'WELL', end: '' })
    after.hang()
    return second
  }

  test('passes everything on', async () => {
    const one = await talk()
    expect(await one.say('hello')).toEqual({ text: 'HELLO', end: '' })
    expect(await one.say(' you')).toEqual({ text: 'HELLO YOU', end: '' })
    one.hang()
    expect(proxy.url).toBe(`redis://127.0.0.1:${proxy.port}`)
    expect(proxy.counts()).toMatchObject({ connections: 1, bytesUp: 9, bytesDown: 9 })
  })

  test('each fault', async () => {
    expect(await faulty({ kind: 'refuse' })).toEqual({ text: '', end: 'ECONNRESET' })
    expect(done).toEqual(['well'])
    expect(await faulty({ kind: 'reset', afterBytes: 7 })).toEqual({ text: 'HELLO Y', end: 'ECONNRESET' })
    expect(await faulty({ kind: 'short-body', afterBytes: 3 })).toEqual({ text: 'HEL', end: 'end' })
    expect(await faulty({ kind: 'stall', afterBytes: 3 })).toEqual({ text: 'HEL', end: '' })
    expect(await faulty({ kind: 'stall', afterBytes: 3, ms: 100 })).toEqual({ text: 'HELLO YOU', end: '' })
    expect(await faulty({ kind: 'latency', ms: 100 })).toEqual({ text: 'HELLO YOU', end: '' })
    done = []
    expect(await faulty({ kind: 'execute-and-time-out' })).toEqual({ text: '', end: '' })
    expect(done).toEqual(['hello', ' you', 'well'])
    expect(proxy.counts().struck).toEqual({ refuse: 1, reset: 1, 'short-body': 1, stall: 2, latency: 1, 'execute-and-time-out': 1 })
  })

  test('connections that are open already', async () => {
    const [one, two] = [await talk(), await talk()]
    await one.say('a')
    await two.say('b')
    expect(proxy.strikeOpen({ kind: 'stall', ms: 200 })).toBe(2)
    expect(await one.say('c')).toEqual({ text: 'A', end: '' })
    await sleep(200)
    expect(await one.say('d')).toEqual({ text: 'ACD', end: '' })
    proxy.strikeOpen({ kind: 'reset' })
    expect([await one.say('e'), await two.say('e')]).toEqual([
      { text: 'ACD', end: 'ECONNRESET' },
      { text: 'B', end: 'ECONNRESET' },
    ])
  })

  test('down: refused, what is open is reset; up again on the same port', async () => {
    const one = await talk()
    await proxy.setDown(true)
    expect((await one.say('a')).end).toBe('ECONNRESET')
    expect((await (await talk()).say('a')).end).toBe('ECONNREFUSED')
    await proxy.setDown(false)
    const after = await talk()
    expect(await after.say('well')).toEqual({ text: 'WELL', end: '' })
    after.hang()
  })
})
