import { makeAppToken } from '@asheville/clients'
import type { Act, Policy, ServiceName } from '@asheville/core'
import { absentBelongings, malformedIds } from './id-forms.ts'
import type { Person } from './people.ts'
import { sampleOf, withBelongings, withValue, type Belongings, type Slot } from './samples.ts'
import { apiRoutes, handedOn, labelOf, ownEndpoints, type ApiRoute } from './tables.ts'
import { forgeries } from './tokens.ts'
import { comparable, type Verdict } from './verdict.ts'
import { writeRequest } from './write-request.ts'
import type { World } from './world.ts'

const refused = [401, 403, 404]
const refusedOrMalformed = [...refused, 400]

/**
 * Where an id only labels or narrows what is the caller's own anyway, so that a foreign one is no different from one that
 * does not exist, and neither is refused. `<service>.<route> <place>`.
 */
const labels = new Set([
  'platform.listItems query/connectionId',
  'platform.getCalendar query/connectionId',
  'platform.putItems body/connectionId',
  'platform.putItems body/gone/0',
  'platform.putMedia query/connectionId',
  'platform.putMedia query/source',
  'platform.findMedia body/urls/0',
  'platform.listPending query/connectionId',
  'platform.removeCopies body/connectionId',
  // Only what programs may see of files follows from the item.
  'platform.getFile query/item by a service',
])

/** Where a session token or outbox id is itself what is asked about: there is no person in the call whose it would have to be. */
const isForNobody = ({ contract }: ApiRoute): boolean => contract.policy.who === 'service' && !contract.policy.user

export function placeOf(route: ApiRoute, { part, pointer }: Slot): string {
  return `${route.service}.${route.name} ${[part, ...pointer].join('/')}`
}

/** Which services may call it, and whether for a person; null: none. */
function servicesOf(policy: Policy): { from: readonly ServiceName[]; user: boolean } | null {
  if (policy.who === 'service') return policy
  return policy.who === 'app' && policy.from.length > 0 ? { from: policy.from, user: true } : null
}

/** The right headers of each kind of caller that may call it in that person's name. */
export function waysIn(world: World, { service, contract: { policy } }: ApiRoute, { userId, appToken }: Person['own']): WayIn[] {
  const services = servicesOf(policy)
  const byService = services && world.bearer(services.from[0]!, service, services.user ? userId : null)
  return [
    ...(byService === null ? [] : [{ name: 'by a service', headers: { authorization: byService } }]),
    ...(policy.who === 'app' ? [{ name: 'by a program', headers: { authorization: `Bearer ${appToken}` } }] : []),
  ]
}

interface WayIn {
  name: string
  headers: { authorization: string }
}

/** Tokens of programs that do not open this; `allowed` where there may be an answer, but nothing in it. */
function programs({ own, apps }: Person, policy: Policy): { name: string; token: string; allowed: number[] }[] {
  const good = makeAppToken()
  const never = [
    { name: 'a token that never was', token: good, allowed: [401] },
    { name: 'a token with a wrong checksum', token: `${good.slice(0, -1)}${good.endsWith('a') ? 'b' : 'a'}`, allowed: [401] },
    { name: 'a revoked token', token: apps.revoked, allowed: [401] },
    { name: 'a token that has ended', token: apps.ended, allowed: [401] },
    { name: 'a session’s token', token: own.sessionToken, allowed: [401] },
  ]
  if (policy.who !== 'app') return [...never, { name: 'a program’s token', token: own.appToken, allowed: [401] }]
  const otherAct: Record<Act, string> = { read: apps.onlyWrites, write: apps.onlyReads }
  return [
    ...never,
    { name: 'a token for the other act', token: otherAct[policy.may], allowed: [403] },
    { name: 'a token for another content type', token: apps.ofMessages, allowed: policy.may === 'read' ? [200, 403, 404] : [403] },
  ]
}

/** Calls that are right but for who makes them: none of them is let in, whatever they ask for. */
export async function tryCallers(world: World, verdict: Verdict): Promise<void> {
  const { victim, attacker, keys, publicKeys } = world
  for (const route of apiRoutes) {
    const { policy } = route.contract
    const { parts } = sampleOf(route, victim.own, victim.setting)
    const people = { userId: victim.own.userId, otherId: attacker.own.userId }
    const services = servicesOf(policy)
    const forged = services ? forgeries({ audience: route.service, ...services, keys, publicKeys, ...people }) : []
    await Promise.all(
      forged.map(async ({ name, authorization, expected }) => {
        const sent = writeRequest(route, parts, authorization === null ? {} : { authorization })
        verdict.check(`${route.service}.${route.name}`, name, await world.to[route.service](sent), [expected])
      }),
    )
    await Promise.all(
      programs(victim, policy).map(async ({ name, token, allowed }) => {
        const sent = writeRequest(route, parts, { authorization: `Bearer ${token}` })
        const [here, there] = await Promise.all([world.to[route.service](sent), world.to.web(sent)])
        verdict.check(`${route.service}.${route.name}`, name, here, allowed)
        // The website hands on what is for programs, and nothing else.
        if (policy.who === 'app') verdict.check(`web: ${route.name}`, name, there, allowed)
        else if (!handedOn.has(labelOf(route.contract))) verdict.check(`web: ${route.name}`, name, there, [404])
      }),
    )
  }
}

/** The attacker's own right calls, with one id at a time, or all, exchanged for the victim's, for nobody's, and for what is none. */
export async function tryIds(world: World, verdict: Verdict): Promise<void> {
  const { attacker } = world
  const nobody = absentBelongings()
  for (const route of apiRoutes) {
    if (isForNobody(route)) continue
    for (const way of waysIn(world, route, attacker.own)) await tryIdsOf(world, verdict, route, way, nobody)
  }
}

async function tryIdsOf(world: World, verdict: Verdict, route: ApiRoute, { name: way, headers }: WayIn, nobody: Belongings): Promise<void> {
  const { victim, attacker } = world
  const label = `${route.service}.${route.name} ${way}`
  const isLabelled = (place: string) => labels.has(place) || labels.has(`${place} ${way}`)
  const { parts, slots } = sampleOf(route, attacker.own, attacker.setting)
  const call = async (changed: typeof parts) => {
    const sent = writeRequest(route, changed, headers)
    return { sent, answered: await world.to[route.service](sent) }
  }

  for (const slot of slots) {
    const place = placeOf(route, slot)
    const isLabel = isLabelled(place)
    const foreign = await call(withValue(parts, slot, victim.own[slot.kind]))
    const absent = await call(withValue(parts, slot, nobody[slot.kind]))
    for (const [name, { answered }] of [
      ['foreign', foreign],
      ['absent', absent],
    ] as const)
      verdict.check(label, `${name} in ${place}`, answered, isLabel ? [200, ...refused] : refused)
    const [one, other] = [foreign, absent].map(({ answered, sent }) =>
      comparable(answered, sent, [victim.own[slot.kind], nobody[slot.kind]]),
    )
    if (!isLabel && one !== other) verdict.say(label, `foreign or absent in ${place}`, `can be told apart:\n${one}\n${other}`)
    for (const { name, value } of malformedIds(slot, victim.own)) {
      const { answered } = await call(withValue(parts, slot, value))
      verdict.check(
        label,
        `${name} in ${place}`,
        answered,
        isLabel || slot.kind === 'path' ? [200, ...refusedOrMalformed] : refusedOrMalformed,
      )
    }
  }
  if (slots.some((slot) => !isLabelled(placeOf(route, slot)))) {
    const { answered } = await call(withBelongings(parts, slots, victim.own))
    verdict.check(label, 'everything the victim’s', answered, refused)
  }
}

/**
 * Batches name their people in the body, since one call works for many: a stream of somebody else's under one's own id, or one's
 * own under somebody else's, is as one that does not exist. Only workers may call them (`tryCallers`), and they work for everybody.
 */
export async function tryBatches(world: World, verdict: Verdict): Promise<void> {
  const { victim, attacker } = world
  const nobody = absentBelongings()
  let tried = 0
  for (const route of apiRoutes) {
    const { policy } = route.contract
    const { parts, slots } = sampleOf(route, attacker.own, attacker.setting)
    const places = slots.filter(({ part, pointer }) => part === 'body' && typeof pointer[1] === 'number')
    if (policy.who !== 'service' || policy.user || !places.some(({ kind }) => kind === 'userId')) continue
    const headers = { authorization: world.bearer(policy.from[0]!, route.service, null) }
    const label = `${route.service}.${route.name}`
    for (const slot of places) {
      tried += 1
      const [foreign, absent] = await Promise.all(
        [victim.own, nobody].map(async (theirs) => {
          const sent = writeRequest(route, withValue(parts, slot, theirs[slot.kind]), headers)
          const answered = await world.to[route.service](sent)
          verdict.check(label, `another’s ${slot.kind}`, answered, [200])
          if (!isRefusal(answered.text)) verdict.say(label, `another’s ${slot.kind}`, `was let in: ${answered.text.slice(0, 200)}`)
          return comparable(answered, sent, [victim.own[slot.kind], nobody[slot.kind]])
        }),
      )
      // That a person exists is no secret from workers.
      if (slot.kind !== 'userId' && foreign !== absent)
        verdict.say(label, `foreign or absent ${slot.kind}`, `can be told apart:\n${foreign}\n${absent}`)
    }
  }
  if (tried === 0) verdict.say('batches', 'the tables', 'there is no batch that names people')
}

/** Each of the batch was refused, or there was nothing to do. */
function isRefusal(text: string): boolean {
  const [answers = []] = Object.values(JSON.parse(text) as Record<string, ({ refused?: object; lease?: null } | undefined)[]>)
  return answers.length > 0 && answers.every((each) => each?.refused !== undefined || each?.lease === null)
}

/** Right calls as they are: let in. Otherwise the rest would prove nothing. */
export async function tryOwn(world: World, verdict: Verdict): Promise<void> {
  const { bystander } = world
  const last = [
    'revokeSessions',
    'revokeSession',
    'endSession',
    'cancelConnection',
    'cancelWork',
    'cancelSyncs',
    'cancelSync',
    'restartStreams',
    'rewalkStreams',
    'repairCopies',
    'restartConnection',
    'pauseConnection',
    'resumeConnection',
    'returnLeases',
    'takeLeases',
    'removeConnection',
    'clearConnection',
    'revokeAppToken',
    'forgetPerson',
  ]
  const ordered = [...apiRoutes].sort((a, b) => last.indexOf(a.name) - last.indexOf(b.name))
  for (const route of ordered) {
    const { parts } = sampleOf(route, bystander.own, bystander.setting)
    for (const { name, headers } of waysIn(world, route, bystander.own)) {
      const sent = writeRequest(route, parts, headers)
      const allowed = allowedOwn[route.name] ?? [200, 204]
      verdict.check(`${route.service}.${route.name}`, `own, ${name}`, await world.to[route.service](sent), allowed)
      if (name === 'by a program') verdict.check(`web: ${route.name}`, `own, ${name}`, await world.to.web(sent), allowed)
    }
  }
}

/** What a right call may be answered besides success, as the sample is made up. */
const allowedOwn: Record<string, readonly number[]> = {
  /** This is not their password. */
  closeAccount: [400],
  changeEmail: [400],
  changePassword: [400],
  /** No such link was sent: this server sends no mail. */
  verifyEmail: [404],
  resetPassword: [404],
  sendVerification: [409],
  requestPasswordReset: [409],
  /** Nobody closed an account with this link. */
  findClosing: [404],
  /** The samples’ `items` are items, and here they are counted. */
  noteForgotten: [400],
  /** The account that `createUser` has just made. */
  createSession: [200],
  /** They are not the owner of the server. */
  listUsers: [403],
  putControl: [403],
  getQueues: [403],
  drainWorker: [403],
  askBoard: [403],
  /** Mastodon sends nothing by itself. */
  confirmHook: [404],
  takeHook: [404],
  /** Mastodon is there already. */
  putVote: [404],
  /** No authorisation was begun. */
  finishConnect: [403],
  finishApproval: [403],
  finishSignIn: [403],
  finishIdentity: [403],
  /** With Mastodon nobody signs in. */
  beginSignIn: [400],
  beginIdentity: [400],
  /** This is not their password, and no authenticator’s answer. */
  beginPasskey: [400],
  createAppToken: [400],
  /** It was not there before; or it was, under the same name, where a test is tried once more. */
  writeItems: [200, 201],
  addPasskey: [403],
  finishPasskeySignIn: [401],
  /** The last way in. */
  removeIdentity: [409],
}

/** What services say of themselves has nothing of anybody's in it; and nothing else is there. */
export async function tryElsewhere(world: World, verdict: Verdict): Promise<void> {
  for (const [service, send] of Object.entries(world.to)) {
    for (const path of ownEndpoints) {
      verdict.check(service, path, await send({ method: 'GET', path }), [200])
      verdict.check(service, `POST ${path}`, await send({ method: 'POST', path }), [404])
    }
    for (const path of ['/', '/v1', '/v1/', '/v2/user', '/v1/USER', '//v1/user', '/v1/user/', '/admin', '/.env', '/v1/../livez'])
      if (service !== 'web') verdict.check(service, path, await send({ method: 'GET', path }), refused)
  }
}
