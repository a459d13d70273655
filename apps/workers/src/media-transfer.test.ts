import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient, platformRoutes } from '@asheville/clients'
import type { ErrorKind, Http, Network, PullIo } from '@asheville/core'
import { createMediaTransfer, defaultMediaLimits } from './media-transfer.ts'
import type { Target } from './pull-parts.ts'

/*
 * Platform as it behaves when it cannot take a file: it says so before the file has come, or the connection breaks off. That is not
 * the network's fault, and no picture may be given up for it.
 */

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let platform: Server
let source: Server
let putMedia: Answer
/** By address, how many more requests for it are answered with a part of the file only. */
let cutOff: Record<string, number>
/** How many seconds the next who asks is told to wait; null: nobody. */
let retryAfter: number | null
/** How often each was asked for. */
let asked: Record<string, number>
/** More than the buffers on the way take. */
const large = Buffer.alloc(16 * 1024 * 1024)

const originOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  platform = createServer((request, response) => {
    if (request.method === 'PUT') return putMedia(request, response)
    request.resume()
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ found: {} }))
  }).listen(0, '127.0.0.1')
  source = createServer(({ url = '' }, response) => {
    asked[url] = (asked[url] ?? 0) + 1
    if (retryAfter !== null) {
      response.writeHead(429, { 'retry-after': String(retryAfter) }).end()
      if (retryAfter < 60) retryAfter = null
      return
    }
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': large.length })
    const left = cutOff[url] ?? 0
    cutOff[url] = left - 1
    if (left > 0) response.write(large.subarray(0, 1000), () => response.destroy())
    else response.end(large)
  }).listen(0, '127.0.0.1')
  await Promise.all([once(platform, 'listening'), once(source, 'listening')])
})

afterAll(() => {
  for (const server of [platform, source]) {
    server.closeAllConnections()
    server.close()
  }
})

beforeEach(() => {
  putMedia = refuse('unavailable', 503)
  cutOff = {}
  retryAfter = null
  asked = {}
})

const refuse =
  (kind: ErrorKind, status: number): Answer =>
  (request, response) => {
    // As our services do: what still comes is read, so that the answer arrives.
    request.resume()
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ kind, detail: 'No' }))
  }

const take: Answer = (request, response) => {
  const stored = { path: 'media/2024/01/a.png', sha256: 'a'.repeat(64), bytes: large.length, mediaType: 'image/png', isNew: true }
  request.resume().once('end', () => response.setHeader('content-type', 'application/json').end(JSON.stringify(stored)))
}

function transfer(names: readonly string[] = ['/a.png'], network: Partial<Network> = {}) {
  const target = {
    storageId: randomUUID(),
    connectionId: randomUUID(),
    stream: 'posts',
    fence: 1,
    context: { userId: randomUUID(), requestId: 'test' },
  } as Target
  const io = { signal: new AbortController().signal } as PullIo
  const client = createClient(platformRoutes, { service: 'platform', baseUrl: originOf(platform), sign: () => Promise.resolve('token') })
  const media = createMediaTransfer({
    network: network as Network,
    platform: client,
    io,
    http: { fetch } as Http,
    target,
    limits: defaultMediaLimits,
    check: () => undefined,
    onStored: () => undefined,
  })
  return media.transfer(names.map((name) => ({ source: { url: originOf(source) + name, kind: 'image' }, at: null })))
}

test.each([
  ['unavailable', 503],
  ['conflict', 409],
  ['storage-full', 507],
] as const)('a refusal by platform before the file has come is told: %s', async (kind, status) => {
  putMedia = refuse(kind, status)
  await expect(transfer()).rejects.toMatchObject({ kind })
})

test('a platform that dies while it takes a file is not taken for a file that broke off', async () => {
  putMedia = (request) => void request.once('data', () => request.socket.destroy())
  await expect(transfer()).rejects.toMatchObject({ kind: 'unavailable' })
})

test('a file that platform finds too large or cut off is left for later', async () => {
  putMedia = refuse('invalid', 400)
  const states = await transfer()
  expect(Object.values(states)).toEqual([{ state: 'pending', reason: 'No' }])
})

test('files that come cut off are tried again, and say nothing against their server', async () => {
  putMedia = take
  const names = ['/a.png', '/b.png', '/c.png', '/d.png', '/e.png', '/f.png']
  cutOff = Object.fromEntries(names.slice(0, 5).map((name) => [name, 1]))
  const states = await transfer(names)
  expect(Object.values(states).map(({ state }) => state)).toEqual(names.map(() => 'stored'))
  expect(asked).toEqual({ '/a.png': 2, '/b.png': 2, '/c.png': 2, '/d.png': 2, '/e.png': 2, '/f.png': 1 })
})

test('a file that always comes cut off is left for later, with the reason', async () => {
  putMedia = take
  cutOff = { '/a.png': 9 }
  const states = await transfer()
  expect(Object.values(states)).toEqual([{ state: 'pending', reason: expect.stringMatching(/broke off/) }])
  expect(asked).toEqual({ '/a.png': 3 })
})

test('a host that asks to wait a moment is waited for; one that asks for longer is left for later, and holds up no post', async () => {
  putMedia = take
  retryAfter = 1
  expect(Object.values(await transfer()).map(({ state }) => state)).toEqual(['stored'])
  expect(asked).toEqual({ '/a.png': 2 })
  retryAfter = 600
  expect(Object.values(await transfer(['/b.png']))).toEqual([{ state: 'pending', reason: expect.stringMatching(/asks to wait$/) }])
  expect(asked).toEqual({ '/a.png': 2, '/b.png': 1 })
})

test('a file whose address does not last is fetched from where it is now, and known by its name', async () => {
  putMedia = take
  const locateMedia: Network['locateMedia'] = ({ url }) => Promise.resolve(url.replace('a.png', 'today/a.png'))
  const states = await transfer(['/a.png'], { locateMedia })
  expect(states).toMatchObject({ [`${originOf(source)}/a.png`]: { state: 'stored' } })
  expect(asked).toEqual({ '/today/a.png': 1 })
})
