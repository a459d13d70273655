import { Queue } from 'bullmq'
import { asService, type Database } from '@asheville/database'
import { queuePrefix } from '@asheville/jobs'
import { connectRedis, disconnect, isReadyWithin, type Redis } from '@asheville/redis'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { compare } from '../compare.ts'
import { redisAt } from '../distant-redis.ts'
import type { Metric } from '../metric.ts'
import { addPeopleLike, makeAllDue, openAccountsData, streams } from '../many-people.ts'
import { openQueueing, type Queueing } from '../open-queueing.ts'

interface Due extends Scene {
  db: Database
  redis: Redis
  queueing: Queueing
  bare: Queue
  jobs: number
}

const atOnce = 100

/**
 * How long it takes until all that is due has been claimed at accounts and lies on the queues, against adding as many jobs as fast as BullMQ can: plain ones,
 * 100 at a time. By one conductor, in this process, on the same Redis; nothing is worked on meanwhile.
 */
export const enqueue = metric('enqueue', null)
/** The same with a Redis that is 2 ms away, for both. */
export const enqueueFarRedis = metric('enqueue-2ms-redis', 2)

function metric(name: string, redisMs: number | null): Metric {
  return compare<Due>({
    name,
    unit: "x BullMQ's best",
    valueUnit: 'ms',
    goal: 1 / 0.6,
    rounds: ({ quick }) => (quick ? 3 : 5),
    async setup({ quick }, opened) {
      const scene = opened.adopt(
        await startScene({ rateLimit: null }, { seed: 'enqueue', statuses: 0 }, await redisAt(opened, redisMs)),
        ({ close }) => close(),
      )
      const { instance, person } = scene
      const { constellation } = instance
      await Promise.all([constellation.stop('conductor'), constellation.stop('workers')])
      const db = opened.adopt(openAccountsData(instance), (one) => one.close())
      const people = quick ? 500 : 2500
      await addPeopleLike(instance, db, { userId: person.userId, streams, count: people - 1 })
      const redis = opened.adopt(connectRedis(constellation.redisUrl), disconnect)
      await isReadyWithin(redis, 5000)
      const queueing = opened.adopt(await openQueueing(instance), ({ close }) => close())
      const bare = opened.adopt(new Queue('bare', { connection: redis }), (queue) => queue.close())
      const due = { ...scene, db, redis, queueing, bare, jobs: people * streams.length }
      await queueDue(due)
      await queueBare(due)
      return due
    },
    a: async (due) => ({ value: await queueDue(due), cpuMs: null }),
    b: async (due) => ({ value: await queueBare(due), cpuMs: null }),
    // Each round has counted its jobs.
    verify: async () => undefined,
  })
}

async function queueDue({ db, redis, queueing, jobs }: Due): Promise<number> {
  await asService(() => db.query('DELETE FROM syncs'))
  await makeAllDue(db, streams)
  const took = await queueing.queueAllDue()
  await empty(new Queue('sync-mastodon', { connection: redis, prefix: queuePrefix('sync-mastodon') }), jobs)
  return took
}

async function queueBare({ bare, jobs }: Due): Promise<number> {
  let left = jobs
  const started = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await bare.add('nothing', { id: left })
    }),
  )
  const took = performance.now() - started
  await empty(bare, jobs)
  return took
}

async function empty(queue: Queue, jobs: number): Promise<void> {
  const { waiting = 0, prioritized = 0 } = await queue.getJobCounts()
  if (waiting + prioritized !== jobs) throw new Error(`${waiting + prioritized} jobs are queued instead of ${jobs}`)
  await queue.obliterate({ force: true })
}
