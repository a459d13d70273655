import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from '@jest/globals'
import type { ListedSession } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { accountsOf, ann, type Script, sessionFor, statusOf } from './scripted-services.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
let site: TestSite | undefined

afterEach(async () => {
  await site?.close()
  site = undefined
})

const here = listedOf({ id: sessionFor(ann).id, device: { browser: 'Firefox', system: 'Linux', kind: 'desktop' } })
const phone = listedOf({ device: { browser: 'Safari', system: 'iOS', kind: 'mobile' }, place: 'Asheville, United States' })
const nameless = listedOf({ device: { browser: null, system: null, kind: 'other' }, address: '' })

function listedOf(part: Partial<ListedSession>): ListedSession {
  return {
    id: randomUUID(),
    device: { browser: 'curl', system: null, kind: 'other' },
    address: '192.0.2.7',
    place: null,
    createdAt: '2026-03-01T10:00:00.000Z',
    usedAt: new Date(Date.now() - 3 * 60_000).toISOString(),
    expiresAt: '2026-06-01T10:00:00.000Z',
    ...part,
  }
}

/** Accounts that notes what is ended. */
function scriptOf(sessions: ListedSession[]): Script & { ended: string[] } {
  const ended: string[] = []
  return {
    ended,
    accounts: {
      ...accountsOf(ann, token, []),
      listSessions: async () => ({ sessions }),
      revokeSession: async ({ params }) => {
        if (!sessions.some(({ id }) => id === params.sessionId)) throw new AshevilleError('not-found', 'There is no such session')
        ended.push(params.sessionId)
      },
      revokeSessions: async ({ body }) => {
        ended.push(`all but ${body.except}`)
        return { ended: sessions.length - 1 }
      },
    },
    conductor: { getStatus: statusOf([]) },
    platform: { listItems: async () => ({ items: [], next: null }) },
  }
}

async function start(script: Script, cookies: Record<string, string> = { asheville: token }) {
  site = await startSite(script, sampleNetworks)
  return createVisitor(site.url, cookies)
}

test('the page names what, where from and since when, and which one this is', async () => {
  const visitor = await start(scriptOf([here, phone, nameless]))
  expect(await (await visitor.get('/settings')).text()).toContain('href="/settings/sessions"')
  const page = await (await visitor.get('/settings/sessions')).text()
  const [mine = '', others = ''] = page.split('id="others-title"')
  expect(mine).toContain('Firefox on Linux')
  expect(mine).toContain('action="/sign-out"')
  expect(mine).not.toContain('Safari')
  expect(others).toContain('Safari on iOS')
  expect(others).toContain('Asheville, United States')
  expect(others).toContain('192.0.2.7')
  expect(others).toContain('3 minutes ago')
  expect(others).toContain('does not say what it is')
  expect(others).toContain('unknown address')
  expect(others).toContain('aria-label="Sign out: Safari on iOS"')
})

test('one is ended, and all others; each says so afterwards; what is not there is not found', async () => {
  const script = scriptOf([here, phone])
  const visitor = await start(script)
  const one = await visitor.submit('/settings/sessions', `/settings/sessions/${phone.id}/end`)
  expect([one.status, one.headers.get('location')]).toEqual([303, '/settings/sessions?done=one'])
  expect(await (await visitor.get('/settings/sessions?done=one')).text()).toContain('Signed out there')
  const all = await visitor.submit('/settings/sessions', '/settings/sessions/end-others')
  expect([all.status, all.headers.get('location')]).toEqual([303, '/settings/sessions?done=others'])
  expect(script.ended).toEqual([phone.id, `all but ${here.id}`])
  expect((await visitor.submit('/settings/sessions', `/settings/sessions/${randomUUID()}/end`)).status).toBe(404)
  expect([400, 404]).toContain((await visitor.submit('/settings/sessions', '/settings/sessions/1e2/end')).status)
})

test('alone, there is nothing to end elsewhere', async () => {
  const visitor = await start(scriptOf([here]))
  const page = await (await visitor.get('/settings/sessions')).text()
  expect(page).toContain('You are signed in nowhere else.')
  expect(page).not.toContain('end-others')
})

test('an app sends its token as a bearer: no cookie counts beside it, no form token is asked for', async () => {
  const script = scriptOf([here, phone])
  const visitor = await start(script, {})
  const bearer = { authorization: `Bearer ${token}` }
  expect((await visitor.get('/settings/sessions', bearer)).status).toBe(200)
  expect((await visitor.post(`/settings/sessions/${phone.id}/end`, {}, bearer)).status).toBe(303)
  expect(script.ended).toEqual([phone.id])
  const signedIn = createVisitor(site?.url ?? '', { asheville: token })
  for (const authorization of ['Bearer another-token-of-more-than-twenty', 'Bearer x', 'Bearer ', 'bearer  a b']) {
    for (const answer of [await signedIn.get('/settings', { authorization }), await signedIn.post('/sign-out', {}, { authorization })])
      expect([authorization, answer.status, answer.headers.get('set-cookie')]).toEqual([authorization, 401, null])
  }
  // What a proxy in front asks for is not for us: the cookie counts, and so does the form's token.
  const basic = { authorization: 'Basic YW5uOnNlY3JldA==' }
  expect((await signedIn.get('/settings', basic)).status).toBe(200)
  expect((await signedIn.post('/settings/sessions/end-others', {}, basic)).status).toBe(403)
})

test('when nobody can tell who it is, that is said, with 503 and when to come back; the cookie stays', async () => {
  const script = scriptOf([here])
  script.accounts.checkSession = () => Promise.reject(new AshevilleError('unavailable', 'Nobody can tell'))
  const visitor = await start(script)
  for (const headers of [{}, { authorization: `Bearer ${token}` }] as Record<string, string>[]) {
    const answer = await visitor.get('/settings', headers)
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0, answer.headers.get('set-cookie')]).toEqual([503, true, null])
  }
  script.accounts.createSession = () => Promise.reject(new AshevilleError('unavailable', 'Postgres is away'))
  const stranger = createVisitor(site?.url ?? '')
  const refused = await stranger.submit('/sign-in', '/sign-in', { email: 'ann@example.com', password: 'a good long password' })
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([503, true])
  expect(await refused.text()).toContain('not possible')
})

test('a browser forgets its session also when it cannot be ended, and says so; an app is told to try again', async () => {
  const script = scriptOf([here])
  script.accounts.endSession = () => Promise.reject(new AshevilleError('unavailable', 'Postgres is away'))
  const visitor = await start(script)
  const app = await visitor.post('/sign-out', {}, { authorization: `Bearer ${token}` })
  expect([app.status, app.headers.get('set-cookie')]).toEqual([503, null])
  const answer = await visitor.submit('/settings/sessions', '/sign-out')
  expect([answer.status, Number(answer.headers.get('retry-after')) > 0, visitor.cookies.has('asheville')]).toEqual([503, true, false])
  expect(await answer.text()).toContain('Signed out here, not yet on the server')
})

test('live events stop when the session has ended', async () => {
  const script = scriptOf([here])
  let send: (text: string) => void = () => undefined
  script.conductor.events = async ({ response }) => {
    response.set('content-type', 'text/event-stream')
    await new Promise<void>((resolve) => {
      send = (text) => response.write(text)
      response.on('close', resolve)
      send(': \n\n')
    })
  }
  const visitor = await start(script)
  const response = await visitor.get('/events', { accept: 'text/event-stream' })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader.read()).value).toContain(':')
  send('id: 1-0\ndata: {"a":1}\n\n')
  expect((await reader.read()).value).toContain('"a":1')
  script.accounts.checkSession = () => Promise.reject(new AshevilleError('unauthenticated', 'This session has ended'))
  await delay(1000)
  send('id: 2-0\ndata: {"secret":1}\n\n')
  // A page that is still open looks again and learns that its person has to sign in; nothing else is said.
  const { value } = await reader.read()
  expect(value).toBe('data: {}\n\n')
  expect(await reader.read()).toMatchObject({ done: true })
})
