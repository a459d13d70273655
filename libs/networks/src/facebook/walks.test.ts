import { afterAll, expect, test } from '@jest/globals'
import { kindOf, type AshevilleError, type Page, type PullIo } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { createReference } from '@asheville/testkit'
import { facebook } from './index.ts'

/*
 * What Graph does now and then only, answered by hand: https://developers.facebook.com/docs/graph-api/results/ and
 * …/overview/rate-limiting. The rest is in facebook.test.ts.
 */

const token = 'EAAG-t0ken'
const http = createHttp({ allow: [] })
afterAll(() => http.close())

type Answer = { status?: number; headers?: Record<string, string>; json: unknown }

/** A person at a Graph that answers as it is told to, and what it was asked. */
function at(answer: (url: URL) => Answer) {
  const asked: URL[] = []
  const fetch: typeof globalThis.fetch = (input) => {
    const url = new URL(input as URL)
    asked.push(url)
    const { status = 200, headers = {}, json } = answer(url)
    return Promise.resolve(Response.json(json, { status, headers }))
  }
  const io: PullIo = {
    http: { ...http, fetch },
    token: () => Promise.resolve(token),
    server: null,
    fields: {},
    account: { id: '4001', handle: 'Ann Example' },
    variables: {},
    scratch: () => '',
    signal: AbortSignal.timeout(10_000),
    now: () => new Date(),
  }
  return { asked, io }
}

const streamOf = (name: string) => facebook.streams.find((one) => one.name === name)!
const post = (number: number) => ({ id: `4001_${number}`, created_time: new Date(Date.UTC(2024, 0, 1) + number * 60_000).toISOString() })
const next = (query: string) => ({ next: `https://graph.facebook.com/v25.0/4001/posts?access_token=${token}&fields=id&${query}` })
const failure = (code: number, more: object = {}) => ({
  error: { message: `An error about ${token}`, type: 'OAuthException', code, ...more },
})

async function pull(io: PullIo, name = 'posts'): Promise<Page[]> {
  const pages: Page[] = []
  const walk = { id: 'backfill', kind: 'backfill' as const, range: { from: null, to: null }, cursor: null }
  for await (const page of streamOf(name).pages(walk, io)) pages.push(page)
  return pages
}

test('short and empty pages in the midst are no end, and the token in the next address is neither kept nor sent', async () => {
  const answers: Record<string, object> = {
    first: { data: [post(9), post(8)], paging: next('limit=100&until=1704067700&__paging_token=enc_1') },
    enc_1: { data: [], paging: next('limit=100&until=1704067600&__paging_token=enc_2') },
    enc_2: { data: [], paging: next('limit=100&until=1704067500&__paging_token=enc_3') },
    enc_3: { data: [post(7)], paging: next('limit=100&after=c4') },
    c4: { data: [] },
  }
  const { asked, io } = at(({ searchParams }) => ({
    json: answers[searchParams.get('__paging_token') ?? searchParams.get('after') ?? 'first'],
  }))
  const pages = await pull(io)
  expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(
    [9, 8, 7].map((number) => `https://www.facebook.com/4001_${number}`),
  )
  expect(asked.map(({ searchParams }) => searchParams.get('until'))).toEqual([null, '1704067700', '1704067600', '1704067500', null])
  expect(JSON.stringify(pages) + asked.join()).not.toContain(token)
  expect(asked.every(({ origin, pathname }) => origin === 'https://graph.facebook.com' && pathname === '/v25.0/me/posts')).toBe(true)
})

test.each([
  ['leads back to itself', 'after=same', 'unavailable'],
  ['goes on in a way that nobody knows', 'page=2', 'unavailable'],
])('a listing that %s is no end', async (_name, query, kind) => {
  const { io } = at(() => ({ json: { data: [post(1)], paging: next(query) } }))
  expect(kindOf(await pull(io).catch((thrown: unknown) => thrown))).toBe(kind)
})

test('a cursor that died is an expired one', async () => {
  const { io } = at(({ searchParams }) =>
    searchParams.has('after') ? { status: 400, json: failure(100) } : { json: { data: [post(1)], paging: next('after=dead') } },
  )
  expect(kindOf(await pull(io).catch((thrown: unknown) => thrown))).toBe('cursor-expired')
})

test('what was too much at once is asked for in smaller pages, to the end', async () => {
  const { asked, io } = at(({ searchParams }) => {
    const limit = Number(searchParams.get('limit'))
    if (limit > 25) return { status: 500, json: failure(1, { error_subcode: 99 }) }
    return { json: searchParams.has('after') ? { data: [post(1)] } : { data: [post(2)], paging: next(`limit=${limit}&after=c2`) } }
  })
  expect((await pull(io)).flatMap(({ items }) => items)).toHaveLength(2)
  expect(asked.map(({ searchParams }) => searchParams.get('limit'))).toEqual(['100', '25', '25'])
})

test('shortly before the limit a walk pauses after its page, which is delivered', async () => {
  const headers = { 'x-app-usage': JSON.stringify({ call_count: 96, total_cputime: 3, total_time: 4 }) }
  const { asked, io } = at(() => ({ headers, json: { data: [post(2)], paging: next('after=c2') } }))
  const reference = createReference(streamOf('posts'))
  const error = (await reference.sync(io).catch((thrown: unknown) => thrown)) as AshevilleError
  expect(error).toMatchObject({ kind: 'rate-limited', scope: 'app' })
  expect(error.retryAfterMs).toBeGreaterThan(0)
  expect([reference.stored.size, asked.length]).toEqual([1, 1])
})

test('what Facebook no longer lists is not taken for gone when the permission was taken back', async () => {
  let isAllowed = true
  const { io } = at(({ pathname }) => {
    if (pathname.endsWith('/permissions'))
      return { json: { data: [{ permission: 'user_posts', status: isAllowed ? 'granted' : 'declined' }] } }
    if (pathname.endsWith('/posts')) return { json: { data: isAllowed ? [post(2), post(1)] : [] } }
    return { status: 400, json: failure(100, { error_subcode: 33 }) }
  })
  const reference = createReference(streamOf('posts'))
  await reference.sync(io)
  isAllowed = false
  expect(kindOf(await reference.sync(io).catch((thrown: unknown) => thrown))).toBe('reconnect-required')
  expect([reference.stored.size, reference.gone.size]).toEqual([2, 0])
})

test('a permission that was declined, or was not even asked for, is told of the account', async () => {
  const { io } = at(({ pathname }) => {
    if (!pathname.endsWith('/permissions')) return { json: { id: '4001', name: 'Ann Example' } }
    const data = [
      { permission: 'public_profile', status: 'granted' },
      { permission: 'user_posts', status: 'granted' },
      { permission: 'user_photos', status: 'declined' },
      { permission: 'user_likes', status: 'expired' },
    ]
    return { json: { data } }
  })
  expect(await facebook.account(io)).toEqual({
    id: '4001',
    handle: 'Ann Example',
    title: 'Ann Example',
    url: null,
    declined: ['user_photos', 'user_videos', 'user_likes', 'user_events'],
  })
})
