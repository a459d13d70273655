import type { ServiceName } from '@asheville/core'
import { createRandom } from '@asheville/simulators'
import { checkCopy, mastodonTruth, type Faults } from './check-copy.ts'
import { storedFiles, syncNow, type Instance } from './instance.ts'
import { startScene, type Scene } from './scene.ts'

export interface KillPlan {
  /** The same seed, the same services killed in the same order after the same numbers of pages. */
  seed: string | number
  items: number
  pictures: number
  kills: number
  /** Of which one is drawn for each kill, each as often as any other. */
  services: readonly ServiceName[]
}

export interface Kill {
  service: ServiceName
  /** How many pages had been asked of the network by then. */
  atPage: number
  /** How many of them were behind the checkpoint; null: accounts could not be asked. */
  checkpointed: number | null
}

export interface Outcome {
  state: string
  ms: number
  kills: Kill[]
  pages: {
    /** Different ones: what a sync without kills asks for. */
    needed: number
    pulled: number
    /** As the checkpoints counted them: one that was stored twice counts twice. */
    stored: number
    /** Asked for again although they were behind the checkpoint when something was killed. */
    needless: number
  }
  faults: Faults
}

const perPage = 40
const listing = 'GET /api/v1/accounts/:id/statuses'
/** Long enough a walk for every kill to fall into it. */
const latencyMs = 150

/** Where the sync of that plan is to happen. */
export function sceneOf({ seed, items, pictures }: KillPlan): Promise<Scene> {
  return startScene({ latencyMs }, { seed, statuses: items, pictures })
}

/** The first sync of a scene, in which services are killed (SIGKILL) as planned, and what came of it. */
export async function syncUnderKills({ mastodon, instance, person }: Scene, plan: KillPlan): Promise<Outcome> {
  const planned = drawKills(plan, plan.items / perPage)
  const kills: Kill[] = []
  /** How many requests the log held when each was dead. */
  const marks: number[] = []
  const starts: Promise<void>[] = []
  let stored = 0
  let due = planned[0]?.afterPages ?? Infinity

  const { state, ms } = await syncNow(instance, person.userId, {
    timeoutMs: 60_000 + plan.items * 20 + plan.kills * 30_000,
    whileRunning: async () => {
      const next = planned[kills.length]
      const atPage = mastodon.counters.of(listing)
      if (!next || atPage < due || instance.constellation.pids[next.service] === undefined) return
      if (next.isAfterCheckpoint && ((await pagesStored(instance, person.userId)) ?? 0) <= stored) return
      await instance.constellation.stop(next.service)
      const checkpointed = await pagesStored(instance, person.userId)
      kills.push({ service: next.service, atPage, checkpointed })
      stored = checkpointed ?? stored
      marks.push(listed(mastodon).length)
      due = atPage + (planned[kills.length]?.afterPages ?? Infinity)
      // At once, as a supervisor that does not yet take it for a crash that comes again and again.
      starts.push(instance.constellation.start(next.service))
    },
  })

  await Promise.all(starts)
  const truth = mastodonTruth(mastodon.truth()['alice']!)
  const requests = listed(mastodon)
  return {
    state,
    ms,
    kills,
    pages: {
      needed: new Set(requests).size,
      pulled: requests.length,
      stored: (await pagesStored(instance, person.userId)) ?? NaN,
      needless: needlessPages(requests, kills, marks),
    },
    faults: checkCopy(await storedFiles(instance, person.userId), truth),
  }
}

interface PlannedKill {
  service: ServiceName
  /** After so many more pages than at the kill before. They sum up to less than there are: every kill falls into the sync. */
  afterPages: number
  /** And not before more is stored than then; only where that is soon, for a worker stores early what it pulls first. */
  isAfterCheckpoint: boolean
}

function drawKills({ seed, kills, services }: KillPlan, pages: number): PlannedKill[] {
  const random = createRandom(seed, 'kills')
  const share = (pages * 0.8) / kills
  let left: ServiceName[] = []
  const draw = (): ServiceName => {
    if (left.length === 0) left = [...services]
    return left.splice(random.int(0, left.length - 1), 1)[0]!
  }
  let last: ServiceName | null = null
  return Array.from({ length: kills }, () => {
    const isSoonStored = last === null || last === 'workers'
    last = draw()
    const afterPages = Math.max(1, Math.floor(share * (0.5 + random.next() / 2)))
    return { service: last, afterPages, isAfterCheckpoint: random.chance(0.5) && isSoonStored }
  })
}

/** The pages that were asked of the network, in order, by their address. */
const listed = (mastodon: Scene['mastodon']): string[] =>
  mastodon.log.entries().flatMap(({ route, path }) => (route === listing ? [path] : []))

/** How many pages of the statuses the current or last sync stored; null when accounts does not answer. */
export async function pagesStored(instance: Instance, userId: string): Promise<number | null> {
  const reply = await instance
    .accounts('conductor')
    .listStreams({ userId })
    .catch(() => null)
  return reply?.streams.find(({ stream }) => stream === 'statuses')?.pages ?? null
}

/** Requests after a kill, before the next one, for pages that were stored by then. A page is known by when it was first asked for. */
function needlessPages(requests: readonly string[], kills: readonly Kill[], marks: readonly number[]): number {
  const order = [...new Set(requests)]
  let needless = 0
  kills.forEach(({ checkpointed }, number) => {
    if (checkpointed === null) return
    const stored = new Set(order.slice(0, checkpointed))
    needless += requests.slice(marks[number], marks[number + 1]).filter((path) => stored.has(path)).length
  })
  return needless
}
