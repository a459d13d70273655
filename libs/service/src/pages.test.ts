import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { AshevilleError, route } from '@asheville/core'
import { z } from 'zod'
import { bind, page } from './binding.ts'
import type { Browser } from './browser.ts'
import { startTestService, type TestService } from './start-test-service.ts'

let service: TestService
const seen: unknown[] = []

const browser: Browser = {
  guard: async ({ request, response, policy, form }) => {
    if (request.method !== 'GET' && form?.['csrf'] !== 'good' && request.headers['x-csrf'] !== 'good')
      throw new AshevilleError('forbidden', 'Forged')
    if (request.headers.cookie === 'session=alice') return { userId: 'alice', sessionId: 's1' }
    if (policy.who === 'person' && request.headers.accept?.includes('text/html')) response.redirect(303, '/sign-in')
    return null
  },
  fail: (problem, { response }) => void response.type('html').send(`<h1>${problem.title}</h1><p>${problem.requestId}</p>`),
}

beforeAll(async () => {
  service = await startTestService({
    browser,
    bindings: [
      page(
        'GET',
        '/',
        { who: 'visitor' },
        async ({ response, person, query }) => void response.send(`hello ${person?.userId ?? 'you'} ${query['a'] ?? ''}`),
      ),
      page(
        'GET',
        '/mine/:id',
        { who: 'person' },
        async ({ response, person, params }) => void response.send(`${person.userId} ${params['id']}`),
      ),
      page('POST', '/mine', { who: 'person' }, async ({ response, form }) => {
        seen.push(form)
        response.redirect(303, '/')
      }),
      page('GET', '/broken', { who: 'anyone' }, () => Promise.reject(new Error('inside'))),
      page('GET', '/slow', { who: 'anyone' }, async ({ response }) => {
        for (let i = 0; i < 5; i++) {
          response.write('.')
          await pause(100)
        }
        response.end()
      }),
      bind(
        route({
          method: 'POST',
          path: '/api',
          summary: '',
          policy: { who: 'person' },
          body: z.strictObject({}),
          reply: z.strictObject({ who: z.string() }),
        }),
        async ({ userId, person }) => ({ who: `${userId} ${person.sessionId}` }),
      ),
    ],
    deadlineMs: 200,
  })
})
afterAll(() => service.close())

const alice = { cookie: 'session=alice', accept: 'text/html' }
const get = (path: string, init: RequestInit = {}) => fetch(service.url + path, { redirect: 'manual', ...init })
const form = (body: string, headers: Record<string, string> = alice) =>
  get('/mine', { method: 'POST', body, headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' } })

test('visitors, persons, and where the guard answers itself', async () => {
  expect(await (await get('/?a=1&a=2')).text()).toBe('hello you 2')
  expect(await (await get('/', { headers: alice })).text()).toBe('hello alice ')
  expect(await (await get('/mine/a%20b', { headers: alice })).text()).toBe('alice a b')
  const sent = await get('/mine/1', { headers: { accept: 'text/html' } })
  expect([sent.status, sent.headers.get('location')]).toEqual([303, '/sign-in'])
  expect((await get('/mine/1')).status).toBe(401)
})

test('forms: plain values, repeated names, bounds, and the guard sees them', async () => {
  expect((await form('csrf=good&a=1&b=2&b=3&__proto__=x&constructor=y')).status).toBe(303)
  const [values] = seen as [Record<string, unknown>]
  expect(Object.getPrototypeOf(values)).toBeNull()
  expect({ ...values }).toEqual({ csrf: 'good', a: '1', b: ['2', '3'], constructor: 'y', ['__proto__']: 'x' })
  expect((await form('a=1')).status).toBe(403)
  expect((await form(`csrf=good&a=${'x'.repeat(70_000)}`)).status).toBe(413)
  expect((await form(Array.from({ length: 600 }, (_, i) => `f${i}=`).join('&'))).status).toBe(400)
  expect((await form('csrf=good&a=%00')).status).toBe(400)
  const json = await get('/mine', { method: 'POST', body: '{}', headers: { ...alice, 'content-type': 'application/json' } })
  expect(json.status).toBe(415)
})

test('failures of pages, and unknown addresses, are pages; those of JSON routes are problems', async () => {
  const broken = await get('/broken')
  expect([broken.status, broken.headers.get('content-type')]).toEqual([500, 'text/html; charset=utf-8'])
  expect(await broken.text()).toMatch(/<h1>Unexpected<\/h1><p>[0-9a-f-]{36}/)
  expect(await (await get('/nowhere')).text()).toContain('<h1>Not found</h1>')
  const headers = { 'content-type': 'application/json', 'x-csrf': 'good' }
  const api = await get('/api', { method: 'POST', body: '{}', headers })
  expect([api.status, api.headers.get('content-type')]).toEqual([401, 'application/problem+json; charset=utf-8'])
  const mine = await get('/api', { method: 'POST', body: '{}', headers: { ...headers, ...alice } })
  expect(await mine.json()).toEqual({ who: 'alice s1' })
})

test('an answer that has begun may take longer than the deadline', async () => {
  expect(await (await get('/slow')).text()).toBe('.....')
})

test('metrics are not for the public', async () => {
  expect((await get('/metrics')).status).toBe(200)
  expect((await get('/metrics', { headers: { 'x-forwarded-for': '8.8.8.8' } })).status).toBe(404)
})
