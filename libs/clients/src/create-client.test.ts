import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { route } from '@asheville/core'
import { z } from 'zod'
import { createClient, type ClientOptions } from './create-client.ts'

const policy = { who: 'service', from: ['web'], user: false } as const
const reply = z.strictObject({ path: z.string() })
const path = z.union([z.string(), z.array(z.string())])
const routes = {
  getThing: route({ method: 'GET', path: '/v1/things/:id', summary: '', policy, params: z.strictObject({ id: z.string() }), reply }),
  getFile: route({ method: 'GET', path: '/v1/files/*path', summary: '', policy, params: z.strictObject({ path }), reply }),
}

let server: Server
let seen: string[] = []
let asked = Promise.withResolvers<unknown>()

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request.url ?? '')
    if (request.url === '/v1/things/silent') return asked.resolve(null)
    if (request.url === '/v1/things/refused')
      return void response.writeHead(429).end(JSON.stringify({ kind: 'rate-limited', detail: 'Wait', retryAfterMs: 5 }))
    if (request.url === '/v1/things/broken') return void response.writeHead(502).end('<html>')
    if (request.url === '/v1/things/cut')
      return void response.writeHead(200, { 'content-length': 99 }).write('{"path":', () => response.destroy())
    if (request.url === '/v1/things/other') return void response.end('{"path":1}')
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ path: request.url }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const client = (options: Partial<ClientOptions> = {}) => {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return createClient(routes, { service: 'platform', baseUrl, sign: () => Promise.resolve('token'), ...options })
}

test('what stands in a path cannot leave its place', async () => {
  seen = []
  for (const id of ['..', '.', '']) await expect(client().getThing({ params: { id } })).rejects.toMatchObject({ kind: 'not-found' })
  for (const steps of [['..', 'metrics'], ['a', '..', '..', 'things'], ['a', '', 'b'], ['.']])
    await expect(client().getFile({ params: { path: steps } })).rejects.toMatchObject({ kind: 'not-found' })
  expect(seen).toEqual([])
  expect(await client().getThing({ params: { id: '../../metrics?a=1#b' } })).toEqual({
    path: `/v1/things/${encodeURIComponent('../../metrics?a=1#b')}`,
  })
  expect(await client().getFile({ params: { path: ['a b', '..c', 'd%2e'] } })).toEqual({ path: '/v1/files/a%20b/..c/d%252e' })
})

test.each([
  ['refused', { kind: 'rate-limited', message: 'Wait', retryAfterMs: 5 }],
  ['broken', { kind: 'unavailable', message: 'The platform service answered 502' }],
  ['cut', { kind: 'unavailable' }],
  ['other', { kind: 'unexpected' }],
])('what is %s is told as one of our errors', async (id, error) => {
  await expect(client().getThing({ params: { id } })).rejects.toMatchObject(error)
})

test('what does not answer in time is unavailable; whoever stops a call, or all of them, has cancelled it', async () => {
  const params = { id: 'silent' }
  await expect(client({ timeoutMs: 20 }).getThing({ params })).rejects.toMatchObject({ kind: 'unavailable' })
  for (const stopped of ['call', 'client']) {
    const stop = new AbortController()
    asked = Promise.withResolvers()
    const { signal } = stop
    const call = stopped === 'call' ? client().getThing({ params, signal }) : client({ signal }).getThing({ params })
    void asked.promise.then(() => stop.abort())
    await expect(call).rejects.toMatchObject({ kind: 'cancelled' })
    await expect(client({ signal }).getThing({ params: { id: 'a' } })).rejects.toMatchObject({ kind: 'cancelled' })
  }
})
