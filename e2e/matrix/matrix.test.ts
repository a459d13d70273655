import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isMet, type Figure } from '../figures.ts'
import { redisDown } from '../redis-down-scenario.ts'
import { tryHostileCalls, tryHostileVisits } from './hostile.ts'
import {
  formTokenOf,
  sessionCookie,
  tryForgeries,
  tryMethods,
  tryOwnersPages,
  tryOwnPages,
  tryPageIds,
  tryStrangers,
  visitOf,
} from './pages.ts'
import { checksumsOf } from './rows-of.ts'
import { tryBatches, tryCallers, tryElsewhere, tryIds, tryOwn } from './services.ts'
import { apiRoutes, labelOf, pageRoutes } from './tables.ts'
import { createVerdict, figures } from './verdict.ts'
import { startWorld, type World } from './world.ts'

/** `MATRIX_RUNS=10000 MATRIX_SEED=7 npm test -- e2e/matrix` for more of them, or others. */
const hostile = { runs: Number(process.env['MATRIX_RUNS'] ?? 25), seed: Number(process.env['MATRIX_SEED'] ?? 1) }

let world: World

beforeAll(async () => {
  world = await startWorld()
}, 120_000)
afterAll(() => world?.close(), 60_000)

const sums = () => checksumsOf(world.instance.constellation.databaseUrl, world.instance.files, world.victim.own.userId)

test('the tables are what the services serve', async () => {
  for (const service of ['accounts', 'conductor', 'platform', 'workers'] as const) {
    const { text } = await world.to[service]({ method: 'GET', path: '/openapi.json' })
    const { paths = {} } = JSON.parse(text) as { paths?: Record<string, Record<string, unknown>> }
    const served = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const known = apiRoutes
      .filter((route) => route.service === service)
      .map(({ contract }) => labelOf(contract).replace(/[:*](\w+)/g, '{$1}'))
    expect(served.sort()).toEqual(known.sort())
  }
  expect(pageRoutes.length).toBeGreaterThan(20)
})

test('services: whoever has no right to call is refused, and what is another’s is as what does not exist', async () => {
  const verdict = createVerdict(world.victim.canaries)
  const before = await sums()
  await tryCallers(world, verdict)
  await tryIds(world, verdict)
  await tryBatches(world, verdict)
  await tryElsewhere(world, verdict)
  expect(verdict.faults).toEqual([])
  expect(withoutLastUse(await sums())).toEqual(withoutLastUse(before))
  figures('IDOR, services', verdict.counts, `${Object.keys(before).length} checksums unchanged`)
}, 120_000)

test('pages: what is one’s own is shown', async () => {
  const verdict = createVerdict(world.victim.canaries)
  await tryOwnPages(world, verdict)
  expect(verdict.faults).toEqual([])
}, 60_000)

test('services: the same calls with what is one’s own are let in', async () => {
  const verdict = createVerdict(world.victim.canaries)
  await tryOwn(world, verdict)
  expect(verdict.faults).toEqual([])
}, 60_000)

test(`services: ${hostile.runs} hostile calls of each route, and nothing breaks`, async () => {
  const verdict = createVerdict(world.victim.canaries)
  const { pids } = world.instance.constellation
  const began = performance.now()
  await tryHostileCalls(world, verdict, hostile)
  figures('Hostile calls', verdict.counts, `seed ${hostile.seed}`, `${Math.round(performance.now() - began)} ms`)
  expect(verdict.faults).toEqual([])
  expect(world.instance.constellation.pids).toEqual(pids)
}, 180_000)

test('pages: signed in as nobody, or as somebody else, one learns and changes nothing', async () => {
  const verdict = createVerdict(world.victim.canaries)
  const revoked = await signedOut()
  await formTokenOf(world, sessionCookie(world.victim.browserToken))
  const before = await sums()
  await tryStrangers(world, verdict, revoked)
  await tryPageIds(world, verdict)
  await tryOwnersPages(world, verdict)
  expect(verdict.faults).toEqual([])
  expect(await sums()).toEqual(before)
  figures('IDOR, pages', verdict.counts)
}, 60_000)

test('pages: what changes something is refused without a form of the same session', async () => {
  const verdict = createVerdict([])
  await formTokenOf(world, sessionCookie(world.victim.browserToken))
  const before = await sums()
  await tryForgeries(world, verdict)
  await tryMethods(world, verdict)
  expect(verdict.faults).toEqual([])
  expect(withoutLastUse(await sums())).toEqual(withoutLastUse(before))
  figures('Forged requests', verdict.counts)
}, 60_000)

/** The victim's own browser and program are used there, which is noted with the session and the token. */
function withoutLastUse({ 'accounts.sessions': sessions = '', 'accounts.app_tokens': tokens = '', ...rest }: Record<string, string>) {
  return { ...rest, 'accounts.sessions': sessions.split(' ')[0]!, 'accounts.app_tokens': tokens.split(' ')[0]! }
}

/** A token of the attacker's that was good until they signed out. */
async function signedOut(): Promise<string> {
  const { email, password } = world.attacker
  const body = { email, password, device: { userAgent: 'matrix', address: '127.0.0.1' } }
  const { token } = await world.instance.accounts('web').createSession({ body })
  const cookie = sessionCookie(token)
  const form = { _csrf: await formTokenOf(world, cookie) }
  await world.to.web(visitOf({ method: 'POST', path: '/sign-out' }, { form, cookie }))
  return token
}

test(`pages: ${hostile.runs} hostile addresses and forms for each, and nothing breaks`, async () => {
  const verdict = createVerdict(world.victim.canaries)
  const { pids } = world.instance.constellation
  const began = performance.now()
  await tryHostileVisits(world, verdict, hostile)
  figures('Hostile visits', verdict.counts, `seed ${hostile.seed}`, `${Math.round(performance.now() - began)} ms`)
  expect(verdict.faults).toEqual([])
  expect(world.instance.constellation.pids).toEqual(pids)
}, 180_000)

// In small, and without how quick it was; with that, and at full size: npm run chaos -- redis-down.
test('every endpoint while Redis is stopped, then frozen: it answers as ever, or that one may come back', async () => {
  const shown = await redisDown('redis-down', world, { seed: 1, seconds: 4 })
  const isTimed = ({ metric }: Figure) => /-(p99|hangs|back)$/.test(metric)
  expect(shown.filter((figure) => !isMet(figure) && !isTimed(figure))).toEqual([])
}, 120_000)
