import type { Http } from '@asheville/core'
import { expect, test } from '@jest/globals'
import { createRetryAfter } from './with-retry-after.ts'

/** A way out to servers of which those of a host that is told to wait say so; and the clock. */
function scripted() {
  const state = { now: 1_000_000, answers: {} as Record<string, { status: number; retryAfter?: string }>, asked: [] as string[] }
  const fetch = (input: RequestInfo | URL) => {
    const { host } = new URL(input instanceof Request ? input.url : String(input))
    state.asked.push(host)
    const { status, retryAfter } = state.answers[host] ?? { status: 200 }
    return Promise.resolve(new Response(null, { status, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter } }))
  }
  return { state, waysOut: createRetryAfter({ fetch } as Http, () => state.now) }
}

const signed = { headers: { authorization: 'Bearer a' } }

test('a server that asked to wait is not asked before that is over, by nobody with the same access', async () => {
  const { state, waysOut } = scripted()
  const [one, other] = [waysOut('one'), waysOut('other')]
  state.answers['api.test'] = { status: 429, retryAfter: '10' }
  expect((await one.fetch('https://api.test/a', signed)).status).toBe(429)
  state.answers = {}
  state.now += 9_000
  const early = { kind: 'rate-limited', retryAfterMs: 1_000, message: 'api.test asks to wait' }
  await expect(one.fetch('https://api.test/b', signed)).rejects.toMatchObject(early)
  await expect(waysOut('one').fetch(new Request('https://api.test/c', signed))).rejects.toMatchObject(early)
  // Another's access, another server, and what needs no access are not meant.
  await other.fetch('https://api.test/d', signed)
  await one.fetch('https://elsewhere.test/e', signed)
  await one.fetch('https://api.test/f')
  expect(state.asked).toEqual(['api.test', 'api.test', 'elsewhere.test', 'api.test'])
  state.now += 1_000
  expect((await one.fetch('https://api.test/g', signed)).status).toBe(200)
})

test('without any access, everybody waits; of two waits the longer counts', async () => {
  const { state, waysOut } = scripted()
  state.answers['files.test'] = { status: 503, retryAfter: '30' }
  const [first, second] = [waysOut('one'), waysOut('other')]
  const beside = first.fetch('https://files.test/a')
  await second.fetch('https://files.test/b')
  await beside
  state.now += 29_000
  await expect(second.fetch('https://files.test/c')).rejects.toMatchObject({ retryAfterMs: 1_000 })
})

test('what fails without a word of waiting, and what succeeds with one, may be asked again at once', async () => {
  const { state, waysOut } = scripted()
  state.answers = { 'a.test': { status: 429 }, 'b.test': { status: 200, retryAfter: '10' }, 'c.test': { status: 500 } }
  for (const host of ['a.test', 'a.test', 'b.test', 'b.test', 'c.test', 'c.test']) await waysOut('one').fetch(`https://${host}/`)
  expect(state.asked).toHaveLength(6)
})
