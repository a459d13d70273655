import { setTimeout as wait } from 'node:timers/promises'
import { streamKey, type SyncJobData } from '@asheville/jobs'
import { createRandom } from '@asheville/simulators'
import type { Job } from 'bullmq'
import { askedOf, checkCrowd, liveLeases, makeDue, untilCaughtUp, type Crowd } from './crowd.ts'
import { higher, lower, type Figure } from './figures.ts'
import { createSupervisor } from './harness/index.ts'
import { judged } from './judged.ts'

/** The promise; whoever waits longer has lost. */
const withinMs = 60_000

export interface WipedOptions {
  seed: string | number
  /** How often Redis forgets everything. */
  times: number
  /** Between one and the next, from and to. */
  everyMs: readonly [number, number]
}

/**
 * Redis forgets everything (FLUSHALL) again and again while a crowd's work is under way and, each time, more of it has just become due: all of it
 * is on the queue again or under way soon after, and nothing is walked by two at once.
 */
export async function wipedRedis(name: string, crowd: Crowd, { seed, times, everyMs }: WipedOptions): Promise<Figure[]> {
  const { mastodon, instance } = crowd
  const supervisor = createSupervisor(() => instance.constellation)
  const random = createRandom(seed, 'wiped')
  const recoveries: number[] = []
  let atStake = 0
  mastodon.log.clear()
  for (let time = 0; time < times; time += 1) {
    while ((await liveLeases(crowd)).length === 0) await wait(50)
    await wait(random.int(...everyMs))
    await makeDue(crowd)
    await supervisor.wipeRedis()
    const wipedAt = performance.now()
    atStake += (await workLeft(crowd)).length
    for (;;) {
      if (await isAllQueued(crowd)) break
      if (performance.now() - wipedAt > 2 * withinMs) break
      await wait(100)
    }
    recoveries.push(performance.now() - wipedAt)
  }
  console.log(`${name}: all queued again after ${recoveries.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ')}`)
  mastodon.latencyMs = 0
  await untilCaughtUp(crowd)
  const { pages, overlapping } = askedOf(crowd)
  return [
    lower(`${name}-queued-again`, Math.max(...recoveries) / 1000, 's', withinMs / 1000),
    higher(`${name}-at-stake`, atStake, 'streams', 1),
    lower(`${name}-walked-twice-at-once`, overlapping, 'pages', 0),
    ...judged(name, await checkCrowd(crowd)),
    lower(`${name}-pages`, pages, 'pages'),
  ]
}

/** Streams that are due, or whose work has begun, has not ended, and waits neither for a time to come nor for its turn. */
async function workLeft({ db }: Crowd): Promise<string[]> {
  const rows = await db.query<{ key: string }>(
    `SELECT connection_id || '-' || name AS key FROM streams WHERE next_due_at <= now()
     UNION ALL SELECT connection_id || '-' || stream FROM sync_jobs WHERE finished_at IS NULL AND parked_at IS NULL AND (until IS NULL OR until <= now())`,
    [],
  )
  return rows.map(({ key }) => key)
}

/** Whether all work that is left is held by somebody or lies on the queue. What changes while it is looked at is asked for twice. */
async function isAllQueued(crowd: Crowd): Promise<boolean> {
  const before = await workLeft(crowd)
  const taken = new Set([...(await liveLeases(crowd)).map(({ key }) => key), ...(await queuedKeys(crowd))])
  const after = new Set(await workLeft(crowd))
  return before.every((key) => taken.has(key) || !after.has(key))
}

async function queuedKeys({ queue }: Crowd): Promise<string[]> {
  const jobs = (await (await queue.queue('sync-mastodon')).getJobs(['active', 'waiting', 'prioritized', 'delayed'])) as Job<SyncJobData>[]
  return jobs.map(({ data }) => streamKey(data.connectionId, data.stream))
}
