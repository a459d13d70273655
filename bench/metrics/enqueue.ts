import { Queue } from 'bullmq'
import { asService, type Database } from '@asheville/database'
import { createProducer, openBackend, queuePrefix, refuseUnfitQueue } from '@asheville/jobs'
import { connectRedis, disconnect, isReadyWithin, type Redis } from '@asheville/redis'
import { createLogger } from '@asheville/service'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import type { Context } from '../../apps/conductor/src/context.ts'
import { claimDue } from '../../apps/conductor/src/loops/claim-due.ts'
import { compare } from '../compare.ts'
import { addPeopleLike, makeAllDue, openAccountsData } from '../many-people.ts'

interface Due extends Scene {
  db: Database
  redis: Redis
  context: Pick<Context, 'accounts' | 'queue' | 'producer' | 'log'>
  bare: Queue
  jobs: number
}

const streams = ['statuses', 'favourites', 'bookmarks', 'follows']
const atOnce = 100

/**
 * How long it takes until all that is due has been claimed at accounts and lies on the queues, against adding as many jobs as fast as BullMQ can: plain ones,
 * 100 at a time. By one conductor, in this process, on the same Redis; nothing is worked on meanwhile.
 */
export const enqueue = compare<Due>({
  name: 'enqueue',
  unit: "x BullMQ's best",
  valueUnit: 'ms',
  goal: 1 / 0.6,
  rounds: ({ quick }) => (quick ? 3 : 5),
  async setup({ quick }) {
    const scene = await startScene({ rateLimit: null }, { seed: 'enqueue', statuses: 0 })
    try {
      const { instance, person } = scene
      const { constellation } = instance
      await Promise.all([constellation.stop('conductor'), constellation.stop('workers')])
      const db = openAccountsData(instance)
      const people = quick ? 500 : 2500
      await addPeopleLike(instance, db, { userId: person.userId, streams, count: people - 1 })
      const redis = connectRedis(constellation.redisUrl)
      const queue = openBackend(constellation.redisUrl)
      await Promise.all([isReadyWithin(redis, 5000), refuseUnfitQueue(queue)])
      const context = {
        accounts: instance.accounts('conductor'),
        queue,
        producer: createProducer(queue),
        log: createLogger('conductor', 'warn'),
      }
      const bare = new Queue('bare', { connection: redis })
      const due = { ...scene, db, redis, context, bare, jobs: people * streams.length }
      await queueDue(due)
      await queueBare(due)
      return due
    } catch (error) {
      await scene.close()
      throw error
    }
  },
  a: async (due) => ({ value: await queueDue(due), cpuMs: null }),
  b: async (due) => ({ value: await queueBare(due), cpuMs: null }),
  // Each round has counted its jobs.
  verify: async () => undefined,
  async close({ db, redis, context, bare, ...scene }) {
    await bare.close()
    await context.queue.close()
    disconnect(redis)
    await db.close()
    await scene.close()
  },
})

async function queueDue({ db, redis, context, jobs }: Due): Promise<number> {
  await asService(() => db.query('DELETE FROM syncs'))
  await makeAllDue(db, streams)
  const started = performance.now()
  await claimDue(context as Context, new AbortController().signal)
  const took = performance.now() - started
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
