import type { RouteRow } from '@asheville/service'
import { absentBelongings, malformedIds } from './id-forms.ts'
import type { Belongings } from './samples.ts'
import type { Answered, Sent } from './send.ts'
import { labelOf, pageRoutes } from './tables.ts'
import { comparable, type Verdict } from './verdict.ts'
import { fillPath } from './write-request.ts'
import type { World } from './world.ts'

/** Which path parameters of pages hold ids, and of what. */
const idParams: Record<string, keyof Belongings | null> = {
  '/connections/:id': 'connectionId',
  '/coverage/:id': 'storageId',
  '/syncs/:id': 'syncId',
  '/items/:key': 'key',
  '/items/:key/focus': 'key',
  '/items/:key/apart': 'key',
  '/files/*path': 'path',
  '/connect/:provider': null,
  '/sign-in/:provider': null,
  '/settings/identities/:id': 'identityId',
  '/settings/sessions/:id': 'sessionId',
  '/settings/passkeys/:id': 'passkeyId',
  '/settings/apps/:id': 'appTokenId',
  '/assets/:name': null,
  '/notifications/:id': 'notificationId',
  '/votes/:provider': null,
  '/hooks/:network': null,
  '/closed/:token': null,
  '/admin/queues/networks/:network': null,
  '/admin/queues/workers/:holder': null,
  '/admin/queues/board/queue/:queueName': null,
  '/admin/queues/board/static/*path': null,
  '/admin/queues/board/api/*path': null,
}

/** Ids that pages take beside their path. */
const otherIds: Record<string, { in: 'query' | 'form'; name: string; kind: keyof Belongings }[]> = {
  'GET /connect/:provider': [{ in: 'query', name: 'reconnects', kind: 'connectionId' }],
  'POST /connect/:provider': [
    { in: 'form', name: 'reconnects', kind: 'connectionId' },
    { in: 'form', name: 'storage', kind: 'storageId' },
  ],
  'POST /items/:key/focus': [{ in: 'form', name: 'path', kind: 'path' }],
  'POST /items/:key/apart': [{ in: 'form', name: 'other', kind: 'key' }],
  'POST /notifications/read': [{ in: 'form', name: 'upTo', kind: 'notificationId' }],
  'POST /connect/:provider/second': [{ in: 'form', name: 'parked', kind: 'parkedId' }],
}

const samples: Record<string, string> = {
  provider: 'mastodon',
  name: 'nothing.css',
  token: 'of-no-closed-account',
  network: 'mastodon',
  holder: 'worker:1',
  queueName: 'sync-mastodon',
  jobId: '1',
  path: 'queues',
}
const safe = (method: string): boolean => method === 'GET'

export interface Visit {
  params?: Record<string, unknown>
  query?: string
  form?: Record<string, string>
  cookie?: string | null
  headers?: Record<string, string | undefined>
}

/** The request of a page, as a browser of ours would send it. */
export function visitOf({ method, path }: Pick<RouteRow, 'method' | 'path'>, { params = {}, query, form, cookie, headers }: Visit): Sent {
  const address = fillPath(path, { ...samples, ...params }) + (query === undefined ? '' : `?${query}`)
  const body = safe(method) ? undefined : new URLSearchParams(form ?? {}).toString()
  return {
    method,
    path: address,
    headers: {
      accept: 'text/html',
      ...(cookie && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
  }
}

export const sessionCookie = (token: string): string => `asheville=${token}`

/** The form token of a person's pages. */
export async function formTokenOf(world: World, cookie: string): Promise<string> {
  const { text } = await world.to.web({ method: 'GET', path: '/settings', headers: { accept: 'text/html', cookie } })
  const [, token] = /name="_csrf" value="([^"]+)"/.exec(text) ?? []
  if (token === undefined) throw new Error('The settings page has no form')
  return token
}

/** What of a page's path names somebody's things. Throws for a parameter that it does not know. */
export function idParamOf({ path }: Pick<RouteRow, 'path'>): { name: string; kind: keyof Belongings } | null {
  const [known] = /^(?:\/[\w-]+)+\/[:*]\w+/.exec(path) ?? []
  if (known === undefined) return null
  const kind = idParams[known]
  if (kind === undefined) throw new Error(`Tell the matrix what ${path} names`)
  return kind === null ? null : { name: known.split(/[:*]/)[1]!, kind }
}

/** Pages for people, to browsers that are signed in as nobody. */
export async function tryStrangers(world: World, verdict: Verdict, revokedToken: string): Promise<void> {
  const { victim } = world
  const cookies = { none: null, garbage: sessionCookie('x'.repeat(43)), odd: sessionCookie("'; --"), revoked: sessionCookie(revokedToken) }
  for (const row of pageRoutes.filter(({ policy }) => policy.who === 'person')) {
    const id = idParamOf(row)
    const params = id ? { [id.name]: victim.own[id.kind] } : {}
    for (const [name, cookie] of Object.entries(cookies))
      for (const accept of ['text/html', 'application/json', 'text/event-stream'])
        verdict.check(labelOf(row), `${name}, ${accept}`, await world.to.web(visitOf(row, { params, cookie, headers: { accept } })), [401])
  }
}

/** The attacker, signed in and with right forms, at what is the victim's; and at what is nobody's or none. */
export async function tryPageIds(world: World, verdict: Verdict): Promise<void> {
  const { victim, attacker } = world
  const nobody = absentBelongings()
  const cookie = sessionCookie(attacker.browserToken)
  const csrf = await formTokenOf(world, cookie)
  const refused = [403, 404]

  for (const row of pageRoutes.filter(({ policy }) => policy.who === 'person')) {
    const label = labelOf(row)
    const id = idParamOf(row)
    const places: { name: string; kind: keyof Belongings; in: 'params' | 'query' | 'form' }[] = otherIds[label] ?? []
    for (const place of id ? [...places, { ...id, in: 'params' as const }] : places) {
      const call = async (value: unknown) => {
        const form = { _csrf: csrf, 'field-server': attacker.setting.server }
        const visit: Visit =
          place.in === 'params'
            ? { params: { [place.name]: value }, form }
            : place.in === 'query'
              ? { query: `${place.name}=${fillPath(':it', { it: value })}` }
              : { form: { ...form, [place.name]: String(value) } }
        const sent = visitOf(row, { ...visit, cookie })
        return { sent, answered: await world.to.web(sent) }
      }
      const [foreign, absent] = [await call(victim.own[place.kind]), await call(nobody[place.kind])]
      verdict.check(label, `foreign ${place.name}`, foreign.answered, refused)
      verdict.check(label, `absent ${place.name}`, absent.answered, refused)
      const [one, other] = [foreign, absent].map(({ answered, sent }) =>
        comparable(answered, sent, [csrf, victim.own[place.kind], nobody[place.kind]]),
      )
      if (one !== other) verdict.say(label, `foreign or absent ${place.name}`, `can be told apart:\n${one}\n${other}`)
      for (const { name, value } of malformedIds(
        { part: place.in === 'form' ? 'body' : 'params', pointer: [], kind: place.kind },
        victim.own,
      ))
        if (typeof value !== 'object' || value === null || place.in !== 'form')
          verdict.check(label, `${name} in ${place.name}`, (await call(value)).answered, [...refused, 400, 413])
    }
  }
}

/** Unsafe methods without the token of a form of the same session, or from elsewhere: refused, and nothing happens. */
export async function tryForgeries(world: World, verdict: Verdict): Promise<void> {
  const { victim, attacker } = world
  const cookie = sessionCookie(victim.browserToken)
  const csrf = await formTokenOf(world, cookie)
  const others = await formTokenOf(world, sessionCookie(attacker.browserToken))
  const origin = world.instance.constellation.url
  const form = { _csrf: csrf }

  // What networks send is believed by their signatures: no browser's session gives it any right.
  for (const row of pageRoutes.filter(({ method, policy }) => !safe(method) && policy.who !== 'anyone')) {
    const label = labelOf(row)
    const id = idParamOf(row)
    const params = id ? { [id.name]: victim.own[id.kind] } : {}
    const check = async (name: string, visit: Visit, expected: number[]) =>
      verdict.check(label, name, await world.to.web(visitOf(row, { params, cookie, ...visit })), expected)
    await check('no token', {}, [403])
    await check('another session’s token', { form: { _csrf: others } }, [403])
    await check('a changed token', { form: { _csrf: `${csrf.slice(0, -1)}${csrf.endsWith('A') ? 'B' : 'A'}` } }, [403])
    await check('the token in the address', { query: `_csrf=${encodeURIComponent(csrf)}` }, [403])
    for (const site of ['cross-site', 'same-site', 'none']) await check(site, { form, headers: { 'sec-fetch-site': site } }, [403])
    for (const from of ['https://evil.example', 'null', origin.replace('http:', 'https:'), `${origin}.evil.example`])
      await check(`origin ${from}`, { form, headers: { 'sec-fetch-site': undefined, origin: from } }, [403])
    await check('as plain text', { form, headers: { 'content-type': 'text/plain' } }, [403, 415])
    await check('as parts', { form, headers: { 'content-type': 'multipart/form-data; boundary=x' } }, [403, 415])
    await check('as JSON', { form, headers: { 'content-type': 'application/json' } }, [403, 415])
    await check('without a cookie', { form, cookie: null }, row.policy.who === 'person' ? [401, 403] : [403])
  }
}

/** What is safe by its method never is what changes something; other methods than those of the table are not there. */
export async function tryMethods(world: World, verdict: Verdict): Promise<void> {
  const { victim } = world
  const cookie = sessionCookie(victim.browserToken)
  const bound = new Set(pageRoutes.map(labelOf))
  for (const { path } of new Map(pageRoutes.map((row) => [row.path, row])).values()) {
    const id = idParamOf({ path })
    const params = id ? { [id.name]: victim.own[id.kind] } : {}
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const) {
      if (bound.has(`${method} ${path}`)) continue
      const isShadowed =
        method === 'GET' && path.startsWith('/connections/') === false && [...bound].some((label) => matches(label, method, path))
      const sent = visitOf({ method: method as 'GET', path }, { params, cookie })
      const answered: Answered = await world.to.web(sent)
      verdict.check(`${method} ${path}`, 'not in the table', answered, isShadowed ? [200, 303, 404] : [404, 405])
    }
  }
}

function matches(label: string, method: string, path: string): boolean {
  const [boundMethod, boundPath = ''] = label.split(' ')
  return boundMethod === method && new RegExp(`^${boundPath.replace(/:\w+/g, '[^/]+').replace(/\*\w+/g, '.+')}$`).test(path)
}

/** Every page is shown to whose it is. */
export async function tryOwnPages(world: World, verdict: Verdict): Promise<void> {
  const { bystander } = world
  const cookie = sessionCookie(bystander.browserToken)
  for (const row of pageRoutes.filter(({ method, policy }) => safe(method) && policy.who !== 'anyone')) {
    const id = idParamOf(row)
    const params = id ? { [id.name]: bystander.own[id.kind] } : {}
    verdict.check(labelOf(row), 'own', await world.to.web(visitOf(row, { params, cookie })), allowedOwn[labelOf(row)] ?? [200])
  }
}

const allowedOwn: Record<string, readonly number[]> = {
  // Signed in already.
  'GET /sign-in': [303],
  'GET /welcome': [303],
  'GET /sign-up': [303],
  // No link was followed.
  'GET /reset-password': [303],
  'GET /verify-email': [303],
  // Nobody closed an account with this link.
  'GET /closed/:token': [404],
  // They are not the owner of the server.
  'GET /admin/people': [404],
  'GET /admin/queues': [404],
  'GET /admin/queues/board': [404],
  'GET /admin/queues/board/queue/:queueName': [404],
  'GET /admin/queues/board/queue/:queueName/:jobId': [404],
  'GET /admin/queues/board/job-schedulers': [404],
  'GET /admin/queues/board/static/*path': [404],
  'GET /admin/queues/board/api/*path': [404],
  // Mastodon charges for nothing.
  'GET /connections/:id/start': [303],
  // Nothing was begun.
  'GET /connect/:provider/leave': [404],
  'GET /connect/:provider/callback': [403],
  // With Mastodon nobody signs in.
  'GET /sign-in/:provider': [404],
  'GET /sign-in/:provider/leave': [404],
  'GET /sign-in/:provider/callback': [404],
}

/** What is for the owner of the server is not there for anybody else: on every path and by every verb, with a right form of their own. */
export async function tryOwnersPages(world: World, verdict: Verdict): Promise<void> {
  const cookie = sessionCookie(world.attacker.browserToken)
  const csrf = await formTokenOf(world, cookie)
  const paths = new Set(pageRoutes.map(({ path }) => path).filter((path) => path.startsWith('/admin')))
  if (paths.size < 8) verdict.say('/admin', 'the table', 'the pages of the owner are not in it')
  for (const path of paths)
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const) {
      const row = { method: method as RouteRow['method'], path }
      for (const accept of ['text/html', 'application/json'])
        verdict.check(
          `${method} ${path}`,
          `a member, ${accept}`,
          await world.to.web(visitOf(row, { form: { _csrf: csrf }, cookie, headers: { accept } })),
          [404],
        )
      const script = { accept: 'application/json', 'content-type': undefined, 'x-xsrf-token': csrf }
      verdict.check(`${method} ${path}`, 'a member’s script', await world.to.web(visitOf(row, { cookie, headers: script })), [404])
      verdict.check(`${method} ${path}`, 'nobody', await world.to.web(visitOf(row, { cookie: null })), [401, 403, 404])
    }
}
