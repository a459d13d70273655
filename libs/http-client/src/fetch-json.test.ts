import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { AshevilleError, kindOf } from '@asheville/core'
import { createHttp } from './create-http.ts'
import { errorOfResponse } from './error-of-response.ts'
import { fetchJson, type JsonRequest } from './fetch-json.ts'
import { asLoginFault, isUnknownHost } from './login-faults.ts'
import { readText, streamBody } from './read-body.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let server: Server
let origin: string
let http: ReturnType<typeof createHttp>
let answers: Answer[]
let asked = 0
const signal = new AbortController().signal

const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
const raw =
  (text: string | Buffer, headers: Record<string, string>, status = 200): Answer =>
  (_request, response) =>
    void response.writeHead(status, headers).end(text)
const cut: Answer = (request) => void request.socket.destroy()

beforeAll(async () => {
  server = createServer((request, response) => {
    asked++
    request.resume()
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    answer?.(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  origin = `http://127.0.0.1:${port}`
  http = createHttp({ allow: [`127.0.0.1:${port}`], timeoutMs: 500, bodyIdleMs: 500 })
})
afterAll(async () => {
  await http.close()
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked = 0
  answers = []
})

const ask = <T = unknown>(request: Partial<JsonRequest<T>> = {}) =>
  fetchJson<T>(http.fetch, `${origin}/api?token=canary`, { signal, service: 'Mastodon', ...request })

describe('fetchJson', () => {
  test('body, headers, status; token, form and JSON as they are sent', async () => {
    const seen: unknown[] = []
    answers = [
      (request, response) => {
        const { authorization, accept, 'content-type': type } = request.headers
        void buffer(request).then((body) => {
          seen.push([request.method, authorization, accept, type, body.toString()])
          json({ a: 1 }, 201, { 'x-a': 'b' })(request, response)
        })
      },
    ]
    const { body, headers, status } = await ask({ token: 'T', schema: { parse: (value) => value as { a: number } } })
    expect([body.a, headers.get('x-a'), status]).toEqual([1, 'b', 201])
    await ask({ method: 'POST', form: { a: 'b c', none: undefined } })
    await ask({ method: 'PATCH', body: { é: 1 } })
    expect(seen).toEqual([
      ['GET', 'Bearer T', 'application/json', undefined, ''],
      ['POST', undefined, 'application/json', 'application/x-www-form-urlencoded;charset=UTF-8', 'a=b+c'],
      ['PATCH', undefined, 'application/json', 'application/json', '{"é":1}'],
    ])
  })

  test('no body is null', async () => {
    answers = [raw('', {}, 204)]
    expect((await ask({ method: 'DELETE' })).body).toBeNull()
  })

  test.each([
    [401, {}, 'reconnect-required', undefined],
    [403, {}, 'invalid', undefined],
    [404, {}, 'not-found', undefined],
    [410, {}, 'not-found', undefined],
    [422, {}, 'invalid', undefined],
    [429, { 'retry-after': '7' }, 'rate-limited', 7000],
    [503, { 'retry-after': '9' }, 'unavailable', 9000],
    [507, {}, 'storage-full', undefined],
  ])('%i', async (status, headers, kind, wait) => {
    answers = [json({}, status, headers as Record<string, string>)]
    await expect(ask()).rejects.toMatchObject({ kind, retryAfterMs: wait })
    expect(asked).toBe(1)
    const response = await http.fetch(origin)
    expect(errorOfResponse(response, { service: 'Mastodon', scope: 'app' })).toMatchObject({
      kind,
      retryAfterMs: wait,
      scope: status === 429 ? 'app' : undefined,
    })
  })

  test('the vendor’s own words go first', async () => {
    answers = [json({ error: 'ExpiredToken' }, 400)]
    const errorOf: JsonRequest<unknown>['errorOf'] = ({ status, body }) =>
      status === 400 && (body as { error?: string }).error === 'ExpiredToken' ? new AshevilleError('reconnect-required', 'Expired') : null
    await expect(ask({ errorOf })).rejects.toMatchObject({ kind: 'reconnect-required' })
    answers = [raw('<html>', { 'content-type': 'text/html' }, 400)]
    await expect(ask({ errorOf: ({ body }) => (body === null ? null : new AshevilleError('conflict', 'x')) })).rejects.toMatchObject({
      kind: 'invalid',
    })
  })

  test('reads are repeated twice when the connection breaks or the server fails; writes never are', async () => {
    answers = [cut, json({}, 500), json({ a: 1 })]
    expect((await ask()).body).toEqual({ a: 1 })
    expect(asked).toBe(3)
    asked = 0
    answers = [json({}, 502)]
    await expect(ask()).rejects.toMatchObject({ kind: 'unavailable' })
    expect(asked).toBe(3)
    asked = 0
    answers = [
      (_request, response) => void response.writeHead(200, { 'content-length': '100' }).write('{"a"', () => response.destroy()),
      json({ a: 2 }),
    ]
    expect((await ask()).body).toEqual({ a: 2 })
    for (const answer of [cut, json({}, 500)]) {
      asked = 0
      answers = [answer]
      await expect(ask({ method: 'POST', body: {} })).rejects.toMatchObject({ kind: 'unavailable' })
      expect(asked).toBe(1)
    }
  })

  test('what is slow is not repeated', async () => {
    answers = [() => undefined]
    await expect(ask()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('in time') })
    answers = [(_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{')]
    await expect(ask({ timeoutMs: 200 })).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('in time') })
    expect(asked).toBe(2)
  })

  test('aborts at once, also between repeats', async () => {
    answers = [json({}, 500)]
    const reason = new AshevilleError('cancelled', 'Lease lost')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 40)
    await expect(ask({ signal: controller.signal })).rejects.toMatchObject({ kind: expect.stringMatching(/cancelled|unavailable/) })
    await expect(ask({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const plain: unknown = await ask({ signal: AbortSignal.abort() }).catch((error: unknown) => error)
    expect(kindOf(plain)).toBe('cancelled')
  })

  test('another kind of server is told as such', async () => {
    answers = [raw('<!doctype html>', { 'content-type': 'text/html; charset=utf-8' })]
    const message = `${new URL(origin).host} does not look like Mastodon`
    await expect(ask()).rejects.toMatchObject({ kind: 'invalid', message })
    answers = [raw('hello', { 'content-type': 'application/json' })]
    await expect(ask()).rejects.toMatchObject({ kind: 'invalid', message })
    answers = [json({ a: 'x' })]
    const schema = {
      parse: () => {
        throw new Error('shape')
      },
    }
    await expect(ask({ schema })).rejects.toMatchObject({ kind: 'unexpected', message })
    const atLogin = asLoginFault(await ask({ schema }).catch((error: unknown) => error), '/server')
    expect(atLogin).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/server', message }] })
  })

  test('bodies are bounded as unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 ** 2, 0x20))
    expect(bomb.length).toBeLessThan(100_000)
    answers = [raw(bomb, { 'content-encoding': 'gzip', 'content-type': 'application/json' })]
    const before = process.memoryUsage().rss
    await expect(ask()).rejects.toMatchObject({ kind: 'invalid', message: expect.stringContaining('larger than') })
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 ** 2)
    answers = [json('x'.repeat(5000))]
    await expect(ask({ maxBytes: 1000 })).rejects.toMatchObject({ kind: 'invalid' })
    answers = [raw('not gzip', { 'content-encoding': 'gzip', 'content-type': 'application/json' })]
    await expect(ask()).rejects.toMatchObject({ kind: 'unavailable' })
    answers = [
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, 0x20)));
          if (!response.destroyed) response.once('drain', more)
        }
        more()
      },
    ]
    await expect(ask({ maxBytes: 1024 ** 2 })).rejects.toMatchObject({ kind: 'invalid' })
  })

  test('a name that does not exist is told at sign-in', async () => {
    const nowhere = createHttp({ allow: [], lookup: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) })
    const error: unknown = await fetchJson(nowhere.fetch, 'https://typo.example/', { signal, service: 'Mastodon' }).catch(
      (thrown: unknown) => thrown,
    )
    expect(isUnknownHost(error)).toBe(true)
    expect(kindOf(error)).toBe('unavailable')
    expect(asLoginFault(error, '/server')).toMatchObject({
      kind: 'invalid',
      message: 'There is no server called typo.example',
      faults: [{ pointer: '/server' }],
    })
  })

  test('a server that does not answer stays unavailable, and is told at its field', async () => {
    answers = [cut, cut, cut]
    const error: unknown = await ask().catch((thrown: unknown) => thrown)
    const { message } = error as Error
    expect(asLoginFault(error, '/server')).toMatchObject({ kind: 'unavailable', message, faults: [{ pointer: '/server', message }] })
  })

  test('no failure names a query, a token or what was answered', async () => {
    const failing: Answer[] = [cut, json({ secret: 'canary' }, 400), raw('canary', {}), json({}, 401), json('canary', 500), () => undefined]
    for (const answer of failing) {
      answers = [answer]
      const error = (await ask({ token: 'canary', method: 'POST', body: 'canary' }).catch((thrown: unknown) => thrown)) as Error
      expect(error).toBeInstanceOf(AshevilleError)
      for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
        expect(`${cause.stack} ${JSON.stringify(cause)}`).not.toContain('canary')
    }
  })
})

describe('bodies', () => {
  test('as text, bounded, without the byte order mark', async () => {
    answers = [raw(Buffer.from('\ufeffhällo'), {})]
    expect(await readText(await http.fetch(origin), { service: 'The feed', maxBytes: 100 })).toBe('hällo')
    await expect(http.fetch(origin).then((response) => readText(response, { service: 'The feed', maxBytes: 3 }))).rejects.toMatchObject({
      kind: 'invalid',
    })
  })

  test('as a stream: whole, or one of our errors', async () => {
    const open = async (options: { maxBytes?: number } = {}) =>
      buffer(streamBody(await http.fetch(origin), { service: 'Mastodon', ...options }))
    answers = [raw(Buffer.alloc(300_000, 1), {})]
    expect((await open()).length).toBe(300_000)
    await expect(open({ maxBytes: 1000 })).rejects.toMatchObject({ kind: 'invalid' })
    answers = [(_request, response) => void response.writeHead(200, { 'content-length': '100' }).write('abc', () => response.destroy())]
    await expect(open()).rejects.toMatchObject({ kind: 'unavailable' })
    answers = [(_request, response) => void response.writeHead(200).write('abc')]
    await expect(open()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('in time') })
  })

  test('a stream that is let go ends its request', async () => {
    let isClosed: Promise<unknown> = Promise.resolve()
    answers = [
      (_request, response) => {
        isClosed = once(response, 'close')
        response.writeHead(200).write('abc')
      },
    ]
    const stream = streamBody(await http.fetch(origin), { service: 'Mastodon' })
    await once(stream, 'readable')
    stream.destroy()
    await isClosed
  })
})
