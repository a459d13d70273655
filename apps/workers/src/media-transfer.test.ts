import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient, platformRoutes } from '@asheville/clients'
import type { ErrorKind, Network, PullIo } from '@asheville/core'
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
/** More than the buffers on the way take. */
const large = Buffer.alloc(16 * 1024 * 1024)

const originOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  platform = createServer((request, response) => {
    if (request.method === 'PUT') return putMedia(request, response)
    request.resume()
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ found: {} }))
  }).listen(0, '127.0.0.1')
  source = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': large.length }).end(large)
  }).listen(0, '127.0.0.1')
  await Promise.all([once(platform, 'listening'), once(source, 'listening')])
})

afterAll(() => {
  for (const server of [platform, source]) {
    server.closeAllConnections()
    server.close()
  }
})

beforeEach(() => void (putMedia = refuse('unavailable', 503)))

const refuse =
  (kind: ErrorKind, status: number): Answer =>
  (request, response) => {
    // As our services do: what still comes is read, so that the answer arrives.
    request.resume()
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ kind, detail: 'No' }))
  }

function transfer() {
  const target = {
    storageId: randomUUID(),
    connectionId: randomUUID(),
    stream: 'posts',
    fence: 1,
    context: { userId: randomUUID(), requestId: 'test' },
  } as Target
  const io = { http: { fetch }, signal: new AbortController().signal } as unknown as PullIo
  const client = createClient(platformRoutes, { service: 'platform', baseUrl: originOf(platform), sign: () => Promise.resolve('token') })
  const media = createMediaTransfer({
    network: {} as Network,
    platform: client,
    io,
    target,
    limits: defaultMediaLimits,
    check: () => undefined,
  })
  return media.transfer([{ source: { url: `${originOf(source)}/a.png`, kind: 'image' }, at: null }])
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
