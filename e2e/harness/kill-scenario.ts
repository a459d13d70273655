import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessCounts } from '@asheville/scripts'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { connectOAuth, signUp, startInstance, syncNow, type Instance } from '../instance.ts'
import { untilAtRest } from './at-rest.ts'
import { check, type Verdict } from './checker.ts'
import { expectMastodon } from './expect-mastodon.ts'
import { planOf, type Act, type Blow } from './plan.ts'
import { readIndex } from './read-index.ts'
import { createSupervisor, type Struck } from './supervisor.ts'

export interface KillScenario {
  seed: string | number
  /** Statuses of the one account; besides, some favourites, bookmarks and follows. */
  items: number
  /** Statuses with a picture; boosts of posts with pictures come on top. */
  pictures: number
  kills: number
  /** How many processes of each service; one unless said otherwise. */
  processes?: Partial<ProcessCounts>
  /** Who is struck, in turn; unless said otherwise every process of the services, and Redis and Postgres once each. */
  among?: readonly string[]
  /** Kill alone unless said otherwise. */
  acts?: readonly Act[]
  /** How long freezes and stops last; as `planOf` has it. */
  forMs?: readonly [number, number]
  /** How long the network takes to answer; long enough that every blow falls into the sync. */
  latencyMs?: number
  timeoutMs?: number
  onStruck?: (struck: Struck) => void
}

export interface KillOutcome {
  /** Ended as done, every blow struck while it ran, nothing crashed by itself, and the folder and the index as they should be. */
  ok: boolean
  seed: string | number
  state: string
  plan: readonly Blow[]
  struck: readonly Struck[]
  ms: { sync: number; untilAtRest: number }
  /** Of the statuses: asked of the network, and how many there are. */
  pages: { pulled: number; needed: number }
  /** What processes said that ended without being killed. */
  crashes: readonly string[]
  verdict: Verdict
}

const pageSize = 40
const listing = 'GET /api/v1/accounts/:id/statuses'

/** A person's first sync, during which any process may be killed; then everything is compared with what the network has. */
export async function runKillScenario(scenario: KillScenario): Promise<KillOutcome> {
  const { seed, items, pictures, processes = {}, latencyMs = 100 } = scenario
  const closing: (() => Promise<unknown>)[] = []
  try {
    const mastodon = await startMastodon({ accounts: ['alice'], latencyMs, rateLimit: null, pictureSize: { width: 16, height: 16 } })
    closing.push(() => mastodon.close())
    mastodon.generate({ seed, statuses: items, pictures, favourites: 100, bookmarks: 50, following: 50 })
    const counts = Object.entries(processes).map(([name, count]) => `${name}:${count}`)
    const instance = await startInstance([mastodon.url], { PROCESSES: counts.join(',') })
    closing.push(() => instance.close())
    return await syncUnder(scenario, mastodon, instance)
  } finally {
    for (const close of closing.toReversed()) await close()
  }
}

async function syncUnder(scenario: KillScenario, mastodon: MastodonSimulator, instance: Instance): Promise<KillOutcome> {
  const { seed, items, kills, acts, forMs, timeoutMs = 240_000, onStruck } = scenario
  const person = await signUp(instance)
  await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))

  const supervisor = createSupervisor(() => instance.constellation)
  const isService = (name: string): boolean => name !== 'redis' && name !== 'postgres'
  const among = scenario.among ?? supervisor.names.filter(isService)
  const once = scenario.among ? [] : supervisor.names.filter((name) => !isService(name))
  const needed = Math.ceil(items / pageSize)
  // In pages, so that a slow machine has its blows at the same places; the last tenth is left for the last blow to fall into.
  const plan = planOf(seed, { kills, over: needed * 0.9, among, once, ...(acts && { acts }), ...(forMs && { forMs }) })
  const over = new AbortController()
  const striking = supervisor.carryOut(plan, {
    // Nothing is struck before the first page is asked for.
    position: () => mastodon.counters.of(listing) - 1,
    signal: over.signal,
    ...(onStruck && { onStruck }),
  })
  // Its failure is told by the await below; meanwhile it is no crash.
  striking.catch(() => undefined)
  try {
    const { state, ms } = await syncNow(instance, person.userId, { timeoutMs })
    over.abort()
    const struck = await striking
    await supervisor.release()
    await supervisor.untilReady()
    // Whoever was frozen until now may still have a write in hand that must come to nothing.
    if (acts?.includes('freeze')) await sleep(2_000)
    const began = performance.now()
    await untilAtRest(instance.constellation)
    const untilAtRestMs = Math.round(performance.now() - began)
    const verdict = await check({
      folder: join(instance.files, person.userId, 'Asheville'),
      expected: [expectMastodon(mastodon.truth()['alice']!, mastodon.url)],
      index: await readIndex(instance.platform('web'), person.userId),
    })
    const crashes = await crashesOf(instance)
    return {
      ok: crashes.length === 0 && state === 'done' && struck.length === plan.length && verdict.ok,
      seed,
      state,
      plan,
      struck,
      ms: { sync: Math.round(ms), untilAtRest: untilAtRestMs },
      pages: { pulled: mastodon.counters.of(listing), needed },
      crashes,
      verdict,
    }
  } finally {
    over.abort()
    await striking.catch(() => undefined)
    await supervisor.release()
  }
}

/** The errors that nobody handled, from the services' logs. */
async function crashesOf({ constellation }: Instance): Promise<string[]> {
  const logs = constellation.names.map(async (name) => {
    const text = await readFile(join(constellation.dataDir, 'logs', `${name}.log`), 'utf8').catch(() => '')
    return text.split('\n').flatMap((line) => (/"level":"fatal"/.test(line) ? [`${name}: ${line}`] : []))
  })
  return (await Promise.all(logs)).flat()
}
