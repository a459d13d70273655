import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { route } from '@asheville/core'
import { z } from 'zod'
import { createClient } from './create-client.ts'

const policy = { who: 'service', from: ['web'], user: false } as const
const reply = z.strictObject({ path: z.string() })
const path = z.union([z.string(), z.array(z.string())])
const routes = {
  getThing: route({ method: 'GET', path: '/v1/things/:id', summary: '', policy, params: z.strictObject({ id: z.string() }), reply }),
  getFile: route({ method: 'GET', path: '/v1/files/*path', summary: '', policy, params: z.strictObject({ path }), reply }),
}

let server: Server
let seen: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request.url ?? '')
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ path: request.url }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => void server.close())

const client = () => {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return createClient(routes, { service: 'platform', baseUrl, sign: () => Promise.resolve('token') })
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
