import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSupervisor, planOf, type Act, type Blow, type Struck, type Verdict } from './harness/index.ts'
import { syncNow, type Instance, type startInstance } from './instance.ts'
import { checkScene, startScene, type Scene } from './scene.ts'

export interface KillScenario {
  seed: string | number
  /** Statuses of the one account; besides, some favourites, bookmarks and follows. */
  items: number
  /** Statuses with a picture; boosts of posts with pictures come on top. */
  pictures: number
  kills: number
  /** Who is struck, in turn; unless said otherwise every process of the services, and Redis and Postgres once each. */
  among?: readonly string[]
  /** Kill alone unless said otherwise. */
  acts?: readonly Act[]
  /** How long freezes and stops last; as `planOf` has it. */
  forMs?: readonly [number, number]
  /** How long the network takes to answer; long enough that every blow falls into the sync. */
  latencyMs?: number
  env?: NonNullable<Parameters<typeof startInstance>[1]>
  timeoutMs?: number
  onStruck?: (struck: Struck) => void
}

export interface KillOutcome {
  /** Ended as done, every blow struck while it ran, nothing crashed by itself, and the folder and the index as they should be. */
  ok: boolean
  state: string
  /** As it was to be; the same seed, the same plan. */
  plan: readonly Blow[]
  struck: readonly Struck[]
  ms: { sync: number }
  /** Of the statuses. */
  pages: {
    /** Different ones: what a sync without kills asks for. */
    needed: number
    pulled: number
    /** As the checkpoints counted them: one that was stored twice counts twice. */
    stored: number
    /** Asked for again although they were behind the checkpoint when something was struck. */
    needless: number
  }
  /** What processes said that ended without being killed. */
  crashes: readonly string[]
  verdict: Verdict
}

const pageSize = 40
const listing = 'GET /api/v1/accounts/:id/statuses'

/** A person's first sync, during which any process may be killed; then everything is compared with what the network has. */
export async function runKillScenario(scenario: KillScenario): Promise<KillOutcome> {
  const { seed, items, pictures, latencyMs = 100, env } = scenario
  const posts = { seed, statuses: items, pictures, favourites: 100, bookmarks: 50, following: 50 }
  const scene = await startScene({ latencyMs }, posts, env)
  try {
    return await syncUnder(scenario, scene)
  } finally {
    await scene.close()
  }
}

async function syncUnder(scenario: KillScenario, scene: Scene): Promise<KillOutcome> {
  const { seed, items, kills, acts, forMs, timeoutMs = 60_000 + items * 20 + kills * 45_000 } = scenario
  const { instance, mastodon, person } = scene
  const supervisor = createSupervisor(() => instance.constellation)
  const isService = (name: string): boolean => name !== 'redis' && name !== 'postgres'
  const among = scenario.among ?? supervisor.names.filter(isService)
  const once = scenario.among ? [] : supervisor.names.filter((name) => !isService(name))
  // In pages, so that a slow machine has its blows at the same places; the last tenth is left for the last blow to fall into.
  const over = Math.ceil(items / pageSize) * 0.9
  const plan = planOf(seed, { kills, over, among, once, ...(acts && { acts }), ...(forMs && { forMs }) })
  const ended = new AbortController()
  const marks: Mark[] = []
  const striking = supervisor.carryOut(plan, {
    // Nothing is struck before the first page is asked for.
    position: () => mastodon.counters.of(listing) - 1,
    signal: ended.signal,
    onStruck: (struck) => {
      marks.push({ requests: listed(scene).length, stored: pagesStored(instance, person.userId) })
      scenario.onStruck?.(struck)
    },
  })
  // Its failure is told by the await below; meanwhile it is no crash.
  striking.catch(() => undefined)
  try {
    const { state, ms } = await syncNow(instance, person.userId, { timeoutMs })
    ended.abort()
    const struck = await striking
    await supervisor.release()
    await supervisor.untilReady()
    // Whoever was frozen until now may still have a write in hand that must come to nothing.
    if (acts?.includes('freeze')) await sleep(2_000)
    const verdict = await checkScene(scene)
    const crashes = await crashesOf(instance)
    const requests = listed(scene)
    return {
      ok: crashes.length === 0 && state === 'done' && struck.length === plan.length && verdict.ok,
      state,
      plan,
      struck,
      ms: { sync: Math.round(ms) },
      pages: {
        needed: new Set(requests).size,
        pulled: requests.length,
        stored: (await pagesStored(instance, person.userId)) ?? NaN,
        needless: await needlessPages(requests, marks),
      },
      crashes,
      verdict,
    }
  } finally {
    ended.abort()
    await striking.catch(() => undefined)
    await supervisor.release()
  }
}

/** How far the sync was when something was struck: how many requests the network had answered, how many pages were stored (null: accounts could not be asked). */
interface Mark {
  requests: number
  stored: Promise<number | null>
}

/** The pages that were asked of the network, in order, by their address. */
const listed = ({ mastodon }: Scene): string[] => mastodon.log.entries().flatMap(({ route, path }) => (route === listing ? [path] : []))

/** How many pages of the statuses the current or last sync stored; null when accounts does not answer. */
export async function pagesStored(instance: Instance, userId: string): Promise<number | null> {
  const reply = await instance
    .accounts('conductor')
    .listStreams({ userId })
    .catch(() => null)
  return reply?.streams.find(({ stream }) => stream === 'statuses')?.pages ?? null
}

/** Requests after a blow, before the next one, for pages that were stored by then. A page is known by when it was first asked for. */
async function needlessPages(requests: readonly string[], marks: readonly Mark[]): Promise<number> {
  const order = [...new Set(requests)]
  let needless = 0
  for (const [number, mark] of marks.entries()) {
    const stored = new Set(order.slice(0, (await mark.stored) ?? 0))
    needless += requests.slice(mark.requests, marks[number + 1]?.requests).filter((path) => stored.has(path)).length
  }
  return needless
}

/** The errors that nobody handled, from the services' logs. */
async function crashesOf({ constellation }: Instance): Promise<string[]> {
  const logs = constellation.names.map(async (name) => {
    const text = await readFile(join(constellation.dataDir, 'logs', `${name}.log`), 'utf8').catch(() => '')
    return text.split('\n').flatMap((line) => (/"level":"fatal"/.test(line) ? [`${name}: ${line}`] : []))
  })
  return (await Promise.all(logs)).flat()
}
