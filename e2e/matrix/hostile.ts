import fc from 'fast-check'
import type { RouteRow } from '@asheville/service'
import { absentBelongings } from './id-forms.ts'
import { formTokenOf, idParamOf, sessionCookie, visitOf } from './pages.ts'
import { waysIn } from './services.ts'
import { sampleOf, withValue, type Parts } from './samples.ts'
import type { Answered, Sent } from './send.ts'
import { apiRoutes, labelOf, pageRoutes, type ApiRoute } from './tables.ts'
import type { Verdict } from './verdict.ts'
import { raw, writeRequest } from './write-request.ts'
import { holdLease, takeLease } from './people.ts'
import type { World } from './world.ts'

/** How many requests each route gets, and the seed that they come from. */
export interface HostileOptions {
  runs: number
  seed: number
}

const deep = (depth: number): unknown => Array.from({ length: depth }).reduce<unknown>((inner) => ({ a: [inner] }), 1)
const texts = [
  '',
  '\0',
  'a\0b',
  '\ud800',
  '\udc00x',
  '__proto__',
  'constructor',
  'toString',
  '1e2',
  '01',
  '-1',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  '%00',
]
const more = [
  '../..',
  "'; DROP TABLE users; --",
  '${7*7}',
  '<script>alert(1)</script>',
  '\u202e\u0000\ufeff',
  '😀'.repeat(300),
  'x'.repeat(70_000),
]
const dates = [
  '0000-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
  '2024-02-30T00:00:00.000Z',
  '-271821-04-20T00:00:00.000Z',
  '2024-03-01',
]
const numbers = [0, -1, -0, 1.5, 1e21, 1e300, 2 ** 31, 2 ** 53, 2 ** 53 - 1, 2 ** 63, -(2 ** 53), Number.MIN_VALUE]

/** A value that nobody asked for. */
const odd = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...texts, ...more, ...dates) },
  { weight: 3, arbitrary: fc.constantFrom(...numbers) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      null,
      true,
      [],
      {},
      [[]],
      deep(20),
      deep(40),
      deep(200),
      Array.from({ length: 1200 }, () => 0),
    ),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'a\0b', '\ud800', 'length', 'x'), fc.jsonValue({ maxDepth: 2 })),
  },
)
const oddText = fc.oneof(fc.constantFrom(...texts, ...more.slice(0, -1), ...dates), fc.string({ unit: 'binary', maxLength: 60 }))
const rawText = fc.constantFrom('%00', '%ff%fe', '%C0%80', '%ed%a0%80', '%', '%2', '..', '%2e%2e', 'a%2Fb', ';', 'x'.repeat(5000), '%0d%0a')

/** In one of eight, else null. */
const sometimes = <T>(what: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: what })

type Made<From> = From extends fc.Arbitrary<infer Value> ? Value : never

type Change =
  | { kind: 'replace'; at: number; value: unknown }
  | { kind: 'remove'; at: number }
  | { kind: 'add'; at: number; name: string; value: unknown }
  | { kind: 'param'; at: number; value: string }

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('replace' as const), at: fc.nat(), value: odd }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('add' as const), at: fc.nat(), name: oddText, value: odd }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('param' as const), at: fc.nat(), value: rawText }) },
)
/** Instead of the body: none of its kind at all. */
const junk = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      '',
      '{',
      'null',
      '"',
      '[',
      '{"a":1}{',
      '\ufeff{}',
      '{"__proto__":{"a":1}}',
      `${'['.repeat(50_000)}`,
      `"${'x'.repeat(2_000_000)}"`,
    )
    .map(Buffer.from),
)
const contentType = fc.constantFrom(
  'application/json; charset=utf-16',
  'text/plain',
  'application/xml',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  '',
)
const call = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  junk: sometimes(junk),
  contentType: sometimes(contentType),
})

/** Right callers that send what no program of ours would. */
export async function tryHostileCalls(world: World, verdict: Verdict, options: HostileOptions): Promise<void> {
  const { attacker, instance } = world
  // The one that was begun with may have been given to a worker since.
  const { syncId } = await holdLease(instance, attacker.own.userId, attacker.own.connectionId)
  const own = { ...attacker.own, syncId, sessionToken: absentBelongings().sessionToken }
  const calls = fc.sample(call, { numRuns: options.runs, seed: options.seed })
  const isOfLease = ({ contract }: ApiRoute): boolean => contract.path.includes('/streams/')
  // The lease first, while nothing has paused its connection.
  for (const route of [...apiRoutes.filter(isOfLease), ...apiRoutes.filter((one) => !isOfLease(one))]) {
    const { body, query } = route.contract
    if (body === undefined && query === undefined) continue
    const fence = isOfLease(route) ? await takeLease(instance, own, attacker.setting.stream) : attacker.setting.fence
    const { parts } = sampleOf(route, own, { ...attacker.setting, fence }, { whole: true })
    // The attacker is to stay signed in for what follows.
    const caller = route.name === 'revokeSessions' ? { ...own, userId: absentBelongings().userId } : own
    for (const number of waysIn(world, route, caller).keys())
      await inTurns(calls, async (one) => {
        // A service's token lives for a minute.
        const { headers } = waysIn(world, route, caller)[number]!
        const sent = hostileRequest(route, parts, one, headers)
        check(verdict, `${route.service}.${route.name}`, sent, await world.to[route.service](sent))
      })
  }
}

function hostileRequest(route: ApiRoute, parts: Parts, one: Made<typeof call>, headers: Record<string, string>): Sent {
  const changed = one.changes.reduce(applied, parts)
  const sent = writeRequest(route, route.name === 'beginConnect' ? withoutStrangers(changed) : changed, {
    ...headers,
    ...(one.contentType !== null && { 'content-type': one.contentType }),
  })
  return one.junk === null || sent.body === undefined ? sent : { ...sent, body: one.junk }
}

function applied(parts: Parts, one: Change): Parts {
  const places = placesIn(parts)
  if (one.kind === 'param') {
    const names = Object.keys(parts.params)
    const name = names[one.at % Math.max(1, names.length)]
    return name === undefined ? parts : { ...parts, params: { ...parts.params, [name]: raw(one.value) } }
  }
  const place = places[one.at % places.length]
  if (place === undefined) return parts
  if (one.kind === 'replace') return withValue(parts, place, one.value)
  if (one.kind === 'remove') return withValue(parts, place, undefined)
  const parent = { ...place, pointer: place.pointer.slice(0, -1) }
  const value = place.pointer.slice(0, -1).reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], parts[place.part])
  // As JSON.parse makes it: an own property, whatever its name.
  const added = JSON.parse(`{${JSON.stringify(one.name)}:${JSON.stringify(one.value) ?? 'null'}}`) as object
  return Array.isArray(value)
    ? parts
    : withValue(parts, parent, Object.defineProperties({ ...(value as object) }, Object.getOwnPropertyDescriptors(added)))
}

/** Every place of query and body, the whole body too. */
function placesIn({ query, body }: Parts): { part: 'query' | 'body'; pointer: (string | number)[] }[] {
  const below = (
    part: 'query' | 'body',
    value: unknown,
    pointer: (string | number)[],
  ): { part: typeof part; pointer: (string | number)[] }[] => {
    if (typeof value !== 'object' || value === null || 'rawText' in value) return [{ part, pointer }]
    const entries = Array.isArray(value)
      ? value.slice(0, 3).map((inner, index) => [index, inner] as const)
      : Object.entries(value).slice(0, 30)
    return [
      ...(pointer.length > 0 ? [{ part, pointer }] : []),
      ...(pointer.length > 6 ? [] : entries.flatMap(([step, inner]) => below(part, inner, [...pointer, step]))),
    ]
  }
  return [...below('query', query, []), ...(body === undefined ? [] : below('body', body, []))].filter(({ pointer }) => pointer.length > 0)
}

/** Names of servers are looked up: here they are all one address that may not be reached. */
function withoutStrangers(parts: Parts): Parts {
  const { fields } = (parts.body ?? {}) as { fields?: unknown }
  if (typeof fields !== 'object' || fields === null) return parts
  const local = Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? localAddress(value) : value])
  return withValue(parts, { part: 'body', pointer: ['fields'] }, Object.fromEntries(local))
}

const localAddress = (text: string): string => `http://10.0.0.1/${text.slice(0, 1900)}`

const visit = fc.record({
  form: fc.array(fc.tuple(oddText, oddText), { maxLength: 3 }),
  named: fc.array(fc.tuple(fc.nat(), oddText), { maxLength: 3 }),
  query: fc.array(
    fc.tuple(
      fc.nat(),
      fc.oneof(
        rawText,
        oddText.map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 5000)),
      ),
    ),
    { maxLength: 3 },
  ),
  param: sometimes(rawText),
  junk: sometimes(junk),
  headers: sometimes(
    fc.record({
      name: fc.constantFrom('cookie', 'accept-language', 'range', 'if-none-match', 'last-event-id', 'accept', 'origin'),
      value: fc.string({ maxLength: 60 }),
    }),
  ),
})

/** What pages read from addresses and forms. */
const queryNames = [
  'cursor',
  'network',
  'type',
  'from',
  'to',
  'returnTo',
  'reconnects',
  'done',
  'state',
  'code',
  'error',
  'iss',
  'until',
  'signature',
  '__proto__',
  'a[b]',
]
const formNames = ['name', 'email', 'password', 'returnTo', 'reconnects', '_csrf', '__proto__']

/** A signed-in browser whose addresses and forms hold all kinds of things. */
export async function tryHostileVisits(world: World, verdict: Verdict, options: HostileOptions): Promise<void> {
  const { attacker } = world
  const cookie = sessionCookie(attacker.browserToken)
  const csrf = await formTokenOf(world, cookie)
  const nobody = absentBelongings()
  const visits = fc.sample(visit, { numRuns: options.runs, seed: options.seed })
  for (const row of pageRoutes.filter(({ policy }) => policy.who !== 'anyone')) {
    const id = idParamOf(row)
    const own = id ? { [id.name]: row.method === 'GET' ? attacker.own[id.kind] : nobody[id.kind] } : {}
    await inTurns(readsInput(row) ? visits : visits.slice(0, Math.ceil(options.runs / 10)), async (one) => {
      const sent = hostileVisit(row, one, own, row.path === '/sign-out' ? 'none' : csrf, cookie)
      check(verdict, labelOf(row), sent, await world.to.web(sent))
    })
  }
}

/** Whether a page looks at more of its query or form than the token. */
function readsInput({ method, path }: RouteRow): boolean {
  return method === 'GET' ? /^\/(browse|sign-in|connect\/:)/.test(path) : /^\/(sign-in|sign-up|welcome|connect\/:)/.test(path)
}

function hostileVisit(row: RouteRow, one: Made<typeof visit>, own: Record<string, string>, csrf: string, cookie: string): Sent {
  const [, param] = /[:*](\w+)/.exec(row.path) ?? []
  const params = param !== undefined && one.param !== null ? { [param]: raw(one.param) } : own
  const query = one.query.map(([at, value]) => `${encodeURIComponent(queryNames[at % queryNames.length]!)}=${value}`).join('&')
  const named = one.named.map(([at, value]) => [formNames[at % formNames.length]!, value] as const)
  const server = { 'field-server': localAddress(one.named[0]?.[1] ?? '') }
  const form = Object.fromEntries([['_csrf', csrf], ...named, ...one.form])
  // Node's client refuses to send what is no header.
  const value = one.headers?.value.replace(/[^\x20-\x7e]/g, '') ?? ''
  const headers = one.headers === null ? {} : { [one.headers.name]: one.headers.name === 'cookie' ? `${cookie}; ${value}` : value }
  const sent = visitOf(row, { params, query, form: { ...form, ...server }, cookie, headers })
  return one.junk === null || sent.body === undefined ? sent : { ...sent, body: one.junk }
}

/** No answer may blame us, and each is in its shape. */
function check(verdict: Verdict, route: string, { method, path, body }: Sent, answered: Answered): void {
  const { status, headers, text } = answered
  const shown = `${method} ${path.slice(0, 300)} ${String(body ?? '').slice(0, 300)}`
  verdict.check(route, shown, answered, status < 500 ? [status] : [])
  const type = String(headers['content-type'])
  // What is too long for Node's parser is answered by it.
  if (status === 431) return
  if (status >= 400 && !type.startsWith('application/problem+json') && !type.startsWith('text/html'))
    verdict.say(route, shown, `a failure as ${type}`)
  if (status >= 400 && text.length > 50_000) verdict.say(route, shown, `a failure of ${text.length} characters`)
}

const atOnce = 6

async function inTurns<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = all.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const one of left) await work(one)
    }),
  )
}
