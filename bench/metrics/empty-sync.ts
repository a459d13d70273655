import { setTimeout as wait } from 'node:timers/promises'
import type { Database } from '@asheville/database'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { compare } from '../compare.ts'
import { redisAt } from '../distant-redis.ts'
import type { Metric } from '../metric.ts'
import { addPeopleLike, makeAllDue, openAccountsData, untilCaughtUp } from '../many-people.ts'
import { cpuOfServices } from '../processes.ts'
import { startBareQueue, type BareQueue } from '../start-bare-queue.ts'

interface EmptySyncs extends Scene {
  db: Database
  bare: BareQueue
  syncs: number
  /** CPU time that all services use while nothing is due, in ms a ms. */
  idle: number
}

const streams = ['statuses']
/** Jobs at once, as many as a process of ours has unless told otherwise. */
const concurrency = 100

/**
 * The CPU time that a scheduled sync costs all services together which finds nothing new, from the claim to what is told of it, against that of a job of
 * BullMQ alone that does nothing; without what they use whether or not anything is due. Each sync is of another person, who has connected one account and wants
 * one stream of it.
 */
export const emptySync = metric('empty-sync', null)
/** The same with a Redis that is 2 ms away, for both. */
export const emptySyncFarRedis = metric('empty-sync-2ms-redis', 2)

function metric(name: string, redisMs: number | null): Metric {
  return compare<EmptySyncs>({
    name,
    unit: 'x a no-op job',
    valueUnit: 'ms of CPU',
    goal: 6,
    rounds: ({ quick }) => (quick ? 3 : 7),
    async setup({ quick }, opened) {
      const syncs = quick ? 300 : 1000
      const env = { SYNC_INTERVAL_MINUTES: '1000', ...(await redisAt(opened, redisMs)) }
      const started = startScene({ rateLimit: null }, { seed: 'empty', statuses: 0 }, env)
      const scene = opened.adopt(await started, ({ close }) => close())
      const { instance, person } = scene
      const db = opened.adopt(openAccountsData(instance), (one) => one.close())
      await addPeopleLike(instance, db, { userId: person.userId, streams, count: syncs - 1 })
      const bare = opened.adopt(await startBareQueue(instance, concurrency), ({ close }) => close())
      const all = { ...scene, db, bare, syncs, idle: 0 }
      // The first sync of everybody, and then until all code has been compiled that is going to be.
      for (let round = 0; round < 3; round += 1) {
        await syncAll(all)
        await bare.run(syncs)
      }
      // What was begun by the last of them ends.
      await wait(5000)
      const idle = await cpuDuring(all, () => wait(10_000))
      return { ...all, idle: idle.cpuMs / idle.ms }
    },
    async a(scene) {
      const { cpuMs, ms } = await cpuDuring(scene, () => syncAll(scene))
      return { value: (cpuMs - scene.idle * ms) / scene.syncs, cpuMs: null }
    },
    async b({ bare, syncs }) {
      return { value: (await bare.run(syncs)).cpuMs / syncs, cpuMs: null }
    },
    async verify({ mastodon, syncs }) {
      const { total } = mastodon.counters.snapshot()
      if (total < syncs * 4) throw new Error(`The network was asked ${total} times`)
    },
  })
}

async function cpuDuring({ instance }: Scene, work: () => Promise<void>): Promise<{ cpuMs: number; ms: number }> {
  const [before, began] = [await cpuOfServices(instance), performance.now()]
  await work()
  return { cpuMs: (await cpuOfServices(instance)) - before, ms: performance.now() - began }
}

async function syncAll({ db, syncs }: EmptySyncs): Promise<void> {
  const due = await makeAllDue(db, streams)
  if (due !== syncs) throw new Error(`${due} streams are due instead of ${syncs}`)
  await untilCaughtUp(db)
}
