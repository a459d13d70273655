import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createDatabase, type Database } from '@asheville/database'
import { openBackend, type QueueBackend } from '@asheville/jobs'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { check, expectMastodon, readIndex, untilAtRest, type Verdict } from './harness/index.ts'
import { connectOAuth, startInstance, type Instance } from './instance.ts'

/** Many people of one instance, each with an account of their own at one simulated Mastodon server. */
export interface Crowd {
  instance: Instance
  mastodon: MastodonSimulator
  members: readonly Member[]
  /** Everything that accounts has, of everybody. */
  db: Database
  /** Where the jobs are. */
  queue: QueueBackend
  close(): Promise<void>
}

export interface Member {
  userId: string
  /** Of a session of theirs. */
  token: string
  account: string
  connectionId: string
}

/** A stream that somebody has work on, as accounts tells it. */
export interface Work {
  userId: string
  /** As everywhere outside of accounts. */
  key: string
}

export interface CrowdOptions {
  people: number
  seed: string | number
  /** Of each. */
  statuses: number
  /** Statuses with a picture, of each; none unless said otherwise. */
  pictures?: number
  latencyMs?: number
  /** The only stream of each that is due. */
  only?: string
  env?: NonNullable<Parameters<typeof startInstance>[1]>
}

const listing = 'GET /api/v1/accounts/:id/statuses'
const device = { userAgent: 'e2e', address: '127.0.0.1' }

/** Nothing of theirs is copied yet: the conductors are down until `wake`, though all is due. */
export async function startCrowd({ people, seed, statuses, pictures = 0, latencyMs = 0, only, env = {} }: CrowdOptions): Promise<Crowd> {
  const accounts = Array.from({ length: people }, (_, index) => `person${index + 1}`)
  const mastodon = await startMastodon({ accounts, rateLimit: null, pictureSize: { width: 16, height: 16 } })
  let instance: Instance | undefined
  let db: Database | undefined
  let queue: QueueBackend | undefined
  const close = async () => {
    await queue?.close()
    await db?.close()
    await instance?.close()
    await mastodon.close()
  }
  try {
    for (const account of accounts) mastodon.generate({ account, seed: `${seed} ${account}`, statuses, pictures })
    instance = await startInstance([mastodon.url], { SIGN_UP_OPEN: 'true', SYNC_INTERVAL_MINUTES: '1000', ...env })
    const { constellation } = instance
    await Promise.all(conductorsOf(instance).map((name) => constellation.stop(name)))
    db = createDatabase({ url: constellation.databaseUrl, schema: 'accounts', poolSize: 2 })
    const members: Member[] = []
    const rest = accounts.values()
    const join = async (started: Instance) => {
      for (const account of rest) members.push(await addMember(started, mastodon, account))
    }
    const started = instance
    await Promise.all(Array.from({ length: 4 }, () => join(started)))
    if (only !== undefined) await db.query('UPDATE streams SET next_due_at = NULL WHERE name <> $1', [only])
    mastodon.latencyMs = latencyMs
    queue = openBackend(constellation.redisUrl)
    return { instance, mastodon, members, db, queue, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Lets the conductors begin. */
export async function wake({ instance }: Crowd): Promise<void> {
  await Promise.all(conductorsOf(instance).map((name) => instance.constellation.start(name)))
}

const conductorsOf = ({ constellation }: Instance) => constellation.names.filter((name) => name.startsWith('conductor'))

async function addMember(instance: Instance, mastodon: MastodonSimulator, account: string): Promise<Member> {
  const web = instance.accounts('web')
  const login = { email: `${account}@example.org`, password: 'a calm blue ridge' }
  const { id: userId } = await web.createUser({ body: { name: account, locale: 'en', ...login } })
  const { session, token } = await web.createSession({ body: { ...login, device } })
  const person = { userId, sessionId: session.id }
  const connection = await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) =>
    mastodon.authorize(address, { account }),
  )
  return { userId, token, account, connectionId: connection.id }
}

/** Everybody's streams are due, now; those of that name alone where one is given. */
export async function makeDue({ db }: Crowd, name: string | null = null): Promise<void> {
  await db.query('UPDATE streams SET next_due_at = now() WHERE next_due_at IS NOT NULL AND ($1::text IS NULL OR name = $1)', [name])
}

/** Everybody writes so many statuses within this month, `2025-06`, none of which may be older than what they have. */
export function addNews({ mastodon, members }: Crowd, month: string, statuses: number): void {
  for (const { account } of members)
    mastodon.generate({ account, seed: `${account} ${month}`, statuses, from: `${month}-01T00:00:00Z`, to: `${month}-28T00:00:00Z` })
}

/** Resolves when nothing is due, and nothing under way or left to be announced. */
export async function untilCaughtUp({ instance, db }: Crowd, withinMs = 240_000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    await untilAtRest(instance.constellation, Math.max(1, deadline - Date.now()))
    const [left] = await db.query<{ due: number }>('SELECT count(*)::int AS due FROM streams WHERE next_due_at <= now()', [])
    if (left?.due === 0) return
    if (Date.now() > deadline) throw new Error(`${left?.due} streams are still due after ${withinMs} ms`)
    await wait(50)
  }
}

/** Who holds a lease on what. */
export async function liveLeases({ db }: Crowd): Promise<Work[]> {
  return db.query(
    `SELECT user_id AS "userId", connection_id || '-' || stream AS key FROM leases WHERE holder IS NOT NULL AND expires_at > now()`,
    [],
  )
}

/** What everybody's folders and index lack, taken together. */
export async function checkCrowd({
  instance,
  mastodon,
  members,
}: Crowd): Promise<Pick<Verdict, 'findings'> & { counts: Pick<Verdict['counts'], 'items' | 'lost' | 'doubled' | 'differing'> }> {
  const truth = mastodon.truth()
  const counts = { items: 0, lost: 0, doubled: 0, differing: 0 }
  const findings: Verdict['findings'] = []
  for (const { userId, account } of members) {
    const verdict = await check({
      folder: join(instance.files, userId, 'Asheville'),
      expected: [expectMastodon(truth[account]!, mastodon.url)],
      index: await readIndex(instance.platform('web'), userId),
    })
    for (const name of ['items', 'lost', 'doubled', 'differing'] as const) counts[name] += verdict.counts[name]
    findings.push(...verdict.findings)
  }
  return { counts, findings }
}

export interface Asked {
  /** Requests for pages of statuses. */
  pages: number
  /** Those that had been asked for already. */
  again: number
  /** Those that came while another of the same account was still being answered: somebody else walked the same stream. */
  overlapping: number
}

/** What the network saw of the statuses' walks. */
export function askedOf({ mastodon }: Crowd): Asked {
  const requests = mastodon.log.entries().filter(({ route }) => route === listing)
  const byAccount = Map.groupBy(requests, ({ caller }) => caller)
  let overlapping = 0
  for (const own of byAccount.values()) {
    const spans = own.map(({ at, ms }) => [Date.parse(at), Date.parse(at) + ms] as const).sort(([a], [b]) => a - b)
    let until = 0
    for (const [from, to] of spans) {
      if (from < until) overlapping += 1
      until = Math.max(until, to)
    }
  }
  return { pages: requests.length, again: requests.length - new Set(requests.map(({ path }) => path)).size, overlapping }
}
