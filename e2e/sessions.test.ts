import { get, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createSupervisor, type Supervisor } from './harness/index.ts'
import { startInstance, type Instance } from './instance.ts'

/** Two processes each of web and accounts, as one port each. */
let instance: Instance
let supervisor: Supervisor
const person = { name: 'Ann', email: 'ann@example.org', password: 'a calm blue ridge' }

beforeAll(async () => {
  instance = await startInstance([], { PROCESSES: 'web:2,accounts:2', SIGN_UP_OPEN: 'true' })
  supervisor = createSupervisor(() => instance.constellation)
  await instance.accounts('web').createUser({ body: { ...person, locale: 'en' } })
}, 180_000)
afterAll(async () => {
  await supervisor?.release()
  await instance?.close()
}, 60_000)

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
  ms: number
}

/** One request on a connection of its own, so that each may meet another process. */
async function visit(path: string, headers: Record<string, string> = {}, form?: Record<string, string>): Promise<Answer> {
  const startedAt = performance.now()
  const url = `http://127.0.0.1:${instance.constellation.port}${path}`
  const body = form && new URLSearchParams(form).toString()
  return new Promise((resolve, reject) => {
    const options = { agent: false, headers: { accept: 'text/html', ...headers } } as const
    const sent = form
      ? httpRequest(url, {
          ...options,
          method: 'POST',
          headers: { ...options.headers, 'content-type': 'application/x-www-form-urlencoded' },
        })
      : get(url, options)
    sent.on('error', reject).on('response', (response) => {
      text(response).then(
        (whole) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, ms: performance.now() - startedAt }),
        reject,
      )
    })
    if (form) sent.end(body)
  })
}

const cookieOf = ({ headers }: Answer, name: string): string =>
  (headers['set-cookie'] ?? []).map((line) => line.split(';')[0]!).find((pair) => pair.startsWith(`${name}=`) && !pair.endsWith('=')) ?? ''
const csrfOf = ({ body }: Answer): string => /name="_csrf" value="([^"]+)"/.exec(body)?.[1] ?? ''

/** Signs in with a browser that has these cookies; answers its session cookie. */
async function signIn(cookies: string[] = []): Promise<string> {
  const before = await visit('/sign-in', { cookie: '' })
  const visitor = cookieOf(before, '__Host-asheville-visitor') || cookieOf(before, 'asheville-visitor')
  const { email, password } = person
  const answer = await visit('/sign-in', { cookie: [visitor, ...cookies].join('; ') }, { _csrf: csrfOf(before), email, password })
  expect(answer.status).toBe(303)
  return cookieOf(answer, '__Host-asheville') || cookieOf(answer, 'asheville')
}

const isLetIn = async (cookie: string) => (await visit('/settings/sessions', { cookie })).status === 200
const tokenOf = (cookie: string) => cookie.slice(cookie.indexOf('=') + 1)

/** Asks on many connections until none has let it in for a while; answers when the last did, in ms from now. */
async function untilDead(cookie: string): Promise<number> {
  const startedAt = performance.now()
  let lastIn = 0
  while (performance.now() - startedAt < Math.max(2500, lastIn + 2000)) {
    const asked = performance.now() - startedAt
    const answers = await Promise.all(Array.from({ length: 6 }, () => isLetIn(cookie)))
    if (answers.includes(true)) lastIn = asked
  }
  return lastIn
}

test('signing in gives a new id each time; an app uses it as a bearer token, without cookies and forms’ tokens', async () => {
  const [one, two] = [await signIn(), await signIn()]
  expect(one).not.toBe(two)
  expect([await isLetIn(one), await isLetIn(two), await isLetIn(`asheville=${'x'.repeat(43)}`)]).toEqual([true, true, false])
  const bearer = { authorization: `Bearer ${tokenOf(one)}` }
  const page = await visit('/settings/sessions', bearer)
  expect(page.status).toBe(200)
  expect(page.body.match(/<li>/g)?.length).toBeGreaterThanOrEqual(2)
  // It counts alone: not the cookie beside it.
  const wrong = { authorization: `Bearer ${'x'.repeat(43)}`, cookie: two }
  for (const path of ['/settings/sessions', '/sign-in']) {
    const refused = await visit(path, wrong)
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer'])
  }
  expect((await visit('/settings/sessions/end-others', wrong, {})).status).toBe(401)
  expect((await visit('/settings/sessions/end-others', { cookie: two }, {})).status).toBe(403)
  expect((await visit('/settings/sessions/end-others', bearer, {})).status).toBe(303)
  await delay(1000)
  expect([await isLetIn(one), await isLetIn(two)]).toEqual([true, false])
}, 60_000)

test('ended on one process, a session is dead on all within a second; also while Redis is frozen, and after it', async () => {
  const figures: Record<string, number[]> = { one: [], 'all others': [], 'sign-out': [], 'one, Redis frozen': [] }
  const end: Record<string, (mine: string, theirs: string) => Promise<void>> = {
    async one(mine, theirs) {
      await endFrom(mine, theirs)
    },
    async 'all others'(mine) {
      const page = await visit('/settings/sessions', { cookie: mine })
      expect((await visit('/settings/sessions/end-others', { cookie: mine }, { _csrf: csrfOf(page) })).status).toBe(303)
    },
    async 'sign-out'(_mine, theirs) {
      const page = await visit('/settings/sessions', { cookie: theirs })
      expect((await visit('/sign-out', { cookie: theirs }, { _csrf: csrfOf(page) })).status).toBe(303)
    },
    async 'one, Redis frozen'(mine, theirs) {
      supervisor.freeze('redis')
      await endFrom(mine, theirs)
    },
  }
  for (const [way, ends] of Object.entries(end)) {
    const [mine, theirs] = [await signIn(), await signIn()]
    // Every process of web has it in mind.
    expect(await Promise.all(Array.from({ length: 12 }, () => isLetIn(theirs)))).not.toContain(false)
    await ends(mine, theirs)
    figures[way]!.push(await untilDead(theirs))
    expect(await isLetIn(mine)).toBe(true)
    supervisor.thaw('redis')
    expect(await untilDead(theirs)).toBe(0)
  }
  const shown = Object.entries(figures).map(([way, ms]) => `${way} ${ms.map(Math.round).join(', ')} ms`)
  process.stderr.write(`Ended sessions, 2 × web, 2 × accounts, last let in after: ${shown.join('; ')}\n`)
  expect(Math.max(...Object.values(figures).flat())).toBeLessThan(1000)
}, 120_000)

/** Ends the session of that other cookie from the page of the first. */
async function endFrom(mine: string, theirs: string): Promise<void> {
  const { id } = await instance.accounts('web').checkSession({ body: { token: tokenOf(theirs) } })
  const page = await visit('/settings/sessions', { cookie: mine })
  expect(page.body).toContain(`/settings/sessions/${id}/end`)
  expect((await visit(`/settings/sessions/${id}/end`, { cookie: mine }, { _csrf: csrfOf(page) })).status).toBe(303)
}

test('with Redis, Postgres or both frozen every answer comes within 2.5 s: what was asked for, or 503 with Retry-After', async () => {
  const cookie = await signIn()
  await delay(1000)
  const { email, password } = person
  const counts: Record<string, number> = {}
  let slowest = 0
  for (const frozen of [['redis'], ['postgres'], ['redis', 'postgres']]) {
    const before = await visit('/sign-in', { cookie: '' })
    const visitor = cookieOf(before, '__Host-asheville-visitor') || cookieOf(before, 'asheville-visitor')
    for (const name of frozen) supervisor.freeze(name)
    const until = performance.now() + 5000
    while (performance.now() < until) {
      const asked: [string, Promise<Answer>, number[]][] = [
        ['page', visit('/settings/sessions', { cookie }), [200]],
        ['no session', visit('/settings/sessions', { cookie: `asheville=${'x'.repeat(43)}` }), [303]],
        ['bearer', visit('/settings/sessions', { authorization: `Bearer ${tokenOf(cookie)}` }), [200]],
        ['sign-in', visit('/sign-in', { cookie: visitor }, { _csrf: csrfOf(before), email, password }), [303]],
        ['sign-in page', visit('/sign-in', { cookie }), [303]],
      ]
      for (const [what, answering, expected] of asked) {
        const { status, headers, ms } = await answering
        slowest = Math.max(slowest, ms)
        const key = `${frozen.join(' + ')}: ${what} ${status}`
        counts[key] = (counts[key] ?? 0) + 1
        expect([what, ...expected, 503]).toContain(status)
        if (status === 503) expect([what, Number(headers['retry-after']) > 0]).toEqual([what, true])
        if (frozen.length === 1 && frozen[0] === 'redis') expect([what, status]).toEqual([what, expected[0]])
        if (frozen.length === 2 && what !== 'sign-in page') expect([what, status]).toEqual([what, 503])
      }
    }
    for (const name of frozen) supervisor.thaw(name)
    const thawedAt = performance.now()
    while (!(await isLetIn(cookie))) expect(performance.now() - thawedAt).toBeLessThan(5000)
  }
  process.stderr.write(
    `Frozen: slowest answer ${Math.round(slowest)} ms; ${Object.entries(counts)
      .map(([key, count]) => `${count} × ${key}`)
      .join(', ')}\n`,
  )
  expect(slowest).toBeLessThan(2500)
}, 120_000)
