import { setTimeout as wait } from 'node:timers/promises'
import { createRandom } from '@asheville/simulators'
import { higher, lower, type Figure } from './figures.ts'
import { createSupervisor } from './harness/index.ts'
import { absentBelongings } from './matrix/id-forms.ts'
import { idParamOf, sessionCookie, visitOf } from './matrix/pages.ts'
import { sampleOf } from './matrix/samples.ts'
import type { Answered } from './matrix/send.ts'
import { apiRoutes, labelOf, pageRoutes } from './matrix/tables.ts'
import type { World } from './matrix/world.ts'
import { writeRequest } from './matrix/write-request.ts'

export interface RedisDownOptions {
  seed: string | number
  /** How long Redis is stopped, and how long it is frozen afterwards. */
  seconds: number
}

/** One endpoint, asked as somebody who may. */
interface Endpoint {
  label: string
  /** A page of the website that is only looked at. */
  isPage: boolean
  ask(): Promise<Answered>
}

interface Reply {
  endpoint: Endpoint
  /** Null: it broke off. */
  status: number | null
  mayComeBack: boolean
  ms: number
}

/** What goes on for as long as somebody looks, and needs Redis for that: no page that is shown without it. */
const follows = new Set(['GET /events'])
/** Requests, to every endpoint in turn. */
const perSecond = 50
const hangMs = 2_000
const backWithinMs = 5_000

/**
 * Redis is stopped, then frozen, while every endpoint of every service is asked in turn: each answers in time, as it does else or that one may come back later; the
 * services are alive, say what they lack, and are well again by themselves soon after.
 */
export async function redisDown(name: string, world: World, { seed, seconds }: RedisDownOptions): Promise<Figure[]> {
  const supervisor = createSupervisor(() => world.instance.constellation)
  const endpoints = endpointsOf(world)
  const random = createRandom(seed, 'redis-down')
  const inTurn = (): Endpoint => endpoints[random.int(0, endpoints.length - 1)]!
  const usual = new Map<string, Set<number | null>>()
  // One after the other, for what makes something meets what is there already the second time.
  for (const endpoint of [...endpoints, ...endpoints]) {
    const known = usual.get(endpoint.label) ?? new Set()
    usual.set(endpoint.label, known.add((await reply(endpoint)).status))
  }
  const quiet = await askFor(Math.min(5, seconds), inTurn)
  const figures = [lower(`${name}-quiet-p99`, p99(quiet), 'ms')]
  const outages: Record<string, [begin: () => Promise<void> | void, end: () => Promise<void> | void]> = {
    stopped: [() => supervisor.stop('redis'), () => supervisor.start('redis')],
    frozen: [() => supervisor.freeze('redis'), () => supervisor.thaw('redis')],
  }
  for (const [mode, [begin, end]] of Object.entries(outages)) {
    await begin()
    const probing = probe(world, seconds * 1000 - 1500)
    const replies = await askFor(seconds, inTurn)
    const probes = await probing
    await end()
    const backMs = await untilUsual(world, endpoints, usual)
    const wrong = replies.filter((one) => !isUsual(one, usual) && !(one.status === 503 && one.mayComeBack))
    const pages = replies.filter(({ endpoint }) => endpoint.isPage && usual.get(endpoint.label)?.has(200) && !follows.has(endpoint.label))
    say(`${name}, ${mode}`, replies, wrong)
    figures.push(
      lower(`${name}-${mode}-wrong`, wrong.length, 'replies', 0),
      lower(`${name}-${mode}-p99`, p99(replies), 'ms', 1_000),
      lower(`${name}-${mode}-hangs`, replies.filter(({ ms }) => ms > hangMs).length, 'replies', 0),
      higher(`${name}-${mode}-pages`, pages.filter(({ status }) => status === 200).length / pages.length, 'of all are shown', 0.99),
      lower(`${name}-${mode}-not-alive`, probes.notAlive, 'probes', 0),
      lower(`${name}-${mode}-ready-without`, probes.readyWithout, 'probes', 0),
      lower(`${name}-${mode}-back`, backMs / 1000, 's', backWithinMs / 1000),
      lower(`${name}-${mode}-replies`, replies.length, 'replies'),
    )
  }
  return figures
}

/** Every route of the services, and every page: what only looks with what is the person's own, all else with what nobody has, but for asking for a sync. */
function endpointsOf({ to, bearer, attacker }: World): Endpoint[] {
  const cookie = sessionCookie(attacker.browserToken)
  const routes = apiRoutes.map((route): Endpoint => {
    const { contract, service } = route
    const isOwn = contract.method === 'GET' || route.name === 'createSync'
    const own = isOwn ? attacker.own : { ...absentBelongings(), userId: attacker.own.userId }
    const { parts } = sampleOf(route, own, attacker.setting)
    const { policy } = contract
    const headers = (): Record<string, string> =>
      policy.who === 'service' || (policy.who === 'app' && policy.from.length > 0)
        ? { authorization: bearer(policy.from[0]!, service, policy.who === 'service' && !policy.user ? null : attacker.own.userId) }
        : {}
    return { label: `${service}.${route.name}`, isPage: false, ask: () => to[service](writeRequest(route, parts, headers())) }
  })
  const pages = pageRoutes.map((row): Endpoint => {
    const id = idParamOf(row)
    const sent = visitOf(row, { params: id ? { [id.name]: attacker.own[id.kind] } : {}, cookie })
    return { label: labelOf(row), isPage: row.method === 'GET', ask: () => to.web(sent) }
  })
  return [...routes, ...pages]
}

async function reply(endpoint: Endpoint): Promise<Reply> {
  const askedAt = performance.now()
  // A connection that was kept may be closed at the moment that something is sent on it; then a client sends it on another.
  const answered = await endpoint.ask().catch(() => endpoint.ask().catch(() => null))
  const mayComeBack = Number(answered?.headers['retry-after']) > 0
  return { endpoint, status: answered?.status ?? null, mayComeBack, ms: performance.now() - askedAt }
}

/** As it answered while all was well; what succeeds may do so otherwise (201, then 200), and who asks too often is told so. */
function isUsual({ endpoint, status, mayComeBack }: Reply, usual: ReadonlyMap<string, ReadonlySet<number | null>>): boolean {
  const known = usual.get(endpoint.label) ?? new Set()
  return known.has(status) || (status === 201 && known.has(200)) || (status === 429 && mayComeBack)
}

/** Nobody waits for an answer before the next asks. */
async function askFor(seconds: number, next: () => Endpoint): Promise<Reply[]> {
  const replies: Promise<Reply>[] = []
  const began = performance.now()
  while (performance.now() - began < seconds * 1000) {
    replies.push(reply(next()))
    await wait(Math.max(0, began + (replies.length * 1000) / perSecond - performance.now()))
  }
  return Promise.all(replies)
}

/** Once a second: all are alive, and those who need Redis are not ready. */
async function probe({ to }: World, ms: number): Promise<{ notAlive: number; readyWithout: number }> {
  const seen = { notAlive: 0, readyWithout: 0 }
  // What they learn of it takes a moment.
  await wait(1_000)
  for (const until = performance.now() + ms - 1_000; performance.now() < until; await wait(1_000)) {
    for (const [service, ask] of Object.entries(to)) {
      if ((await ask({ method: 'GET', path: '/livez' })).status !== 200) seen.notAlive += 1
      const needsRedis = service === 'accounts' || service === 'conductor' || service === 'workers'
      if (needsRedis && (await ask({ method: 'GET', path: '/readyz' })).status !== 503) seen.readyWithout += 1
    }
  }
  return seen
}

/** How long it takes until every endpoint answers as it does else, and all are ready. */
async function untilUsual({ to }: World, endpoints: readonly Endpoint[], usual: ReadonlyMap<string, Set<number | null>>): Promise<number> {
  const began = performance.now()
  for (let at = began; at - began < 10 * backWithinMs; await wait(50)) {
    at = performance.now()
    const ready = await Promise.all(Object.values(to).map((ask) => ask({ method: 'GET', path: '/readyz' })))
    if (ready.some(({ status }) => status !== 200)) continue
    const replies = await Promise.all(endpoints.map(reply))
    if (replies.every((one) => isUsual(one, usual))) return at - began
  }
  return Infinity
}

function p99(replies: readonly Reply[]): number {
  const sorted = replies.map(({ ms }) => ms).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.99)] ?? NaN
}

function say(what: string, replies: readonly Reply[], wrong: readonly Reply[]): void {
  const refused = Map.groupBy(
    replies.filter(({ status }) => status === 503),
    ({ endpoint }) => endpoint.label,
  )
  console.log(`${what}: told to come back: ${[...refused].map(([label, times]) => `${times.length} x ${label}`).join(', ') || 'nobody'}`)
  const slow = replies.filter(({ ms }) => ms > 1_000).sort((a, b) => b.ms - a.ms)
  for (const { endpoint, status, ms } of [...wrong, ...slow].slice(0, 20))
    console.log(`${what}: ${endpoint.label}: ${status}, ${Math.round(ms)} ms`)
}
