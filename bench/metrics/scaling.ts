import { setTimeout as wait } from 'node:timers/promises'
import { asService, createDatabase, type Database } from '@asheville/database'
import { lower, type Figure } from '@asheville/e2e/figures.ts'
import { processTree } from '@asheville/e2e/harness/process-tree.ts'
import { startScene, type Scene } from '@asheville/e2e/scene.ts'
import { connectRedis, disconnect, isReadyWithin, type Redis } from '@asheville/redis'
import { addPeopleLike, makeAllDue, openAccountsData, streams, untilCaughtUp } from '../many-people.ts'
import type { Metric } from '../metric.ts'
import { openQueueing } from '../open-queueing.ts'
import { cpuOfServices, cpuWithChildren } from '../processes.ts'

/** Long enough to tell what goes on without work. */
const idleMs = 10_000

/**
 * What a stream takes while it is only scheduled, and a job while it is queued, in Postgres and in Redis; and what CPU time an empty sync of one costs which part:
 * the numbers that docs/scaling.md reckons with. For information: nobody promised them.
 */
export const scaling: Metric = {
  name: 'scaling',
  async measure({ quick }) {
    const scene = await startScene({ rateLimit: null }, { seed: 'scaling', statuses: 0 }, { SYNC_INTERVAL_MINUTES: '1000' })
    const { constellation } = scene.instance
    const db = openAccountsData(scene.instance)
    const admin = createDatabase({ url: constellation.databaseUrl, schema: 'public', poolSize: 1 })
    const redis = connectRedis(constellation.redisUrl)
    try {
      await isReadyWithin(redis, 5000)
      return await measureAll({ scene, db, admin, redis, people: quick ? 100 : 2000 })
    } finally {
      disconnect(redis)
      await admin.close()
      await db.close()
      await scene.close()
    }
  },
}

async function measureAll({ scene, db, admin, redis, people }: Measured): Promise<Figure[]> {
  const { instance, person } = scene
  const { constellation } = instance
  await Promise.all([constellation.stop('conductor'), constellation.stop('workers')])
  const jobs = people * streams.length

  const empty = await sizesOf(admin, redis)
  await addPeopleLike(instance, db, { userId: person.userId, streams, count: people })
  await makeAllDue(db, streams)
  const scheduled = await sizesOf(admin, redis)

  const queueing = await openQueueing(instance)
  const queuedMs = await queueing.queueAllDue().finally(queueing.close)
  const queued = await sizesOf(admin, redis)

  await Promise.all([constellation.start('conductor'), constellation.start('workers')])
  // Until all code has been compiled that is going to be.
  await untilCaughtUp(db)
  const idle = await cpuDuring(scene, () => wait(idleMs))
  await makeAllDue(db, streams)
  const busy = await cpuDuring(scene, () => untilCaughtUp(db))
  // What they do by themselves, whether or not there is work, is left out.
  const perJob = (part: keyof Cpu) => (busy[part] - (idle[part] * busy.ms) / idle.ms) / jobs
  return [
    lower('scaling-person-in-postgres', (scheduled.postgres - empty.postgres) / people, 'bytes each, with all that is connected'),
    lower('scaling-scheduled-in-postgres', (scheduled.streams - empty.streams) / jobs, 'bytes a stream'),
    lower('scaling-scheduled-in-redis', Math.max(0, scheduled.redis - empty.redis) / jobs, 'bytes a stream'),
    lower('scaling-queued-in-postgres', (queued.jobs - scheduled.jobs) / jobs, 'bytes a job'),
    lower('scaling-queued-in-redis', (queued.redis - scheduled.redis) / jobs, 'bytes a job'),
    lower('scaling-queueing', queuedMs / jobs, 'ms a job'),
    lower('scaling-empty-sync', busy.ms / jobs, 'ms a job, by one worker process'),
    lower('scaling-cpu-of-services', perJob('services'), 'ms of CPU a job'),
    lower('scaling-cpu-of-postgres', perJob('postgres'), 'ms of CPU a job'),
    lower('scaling-cpu-of-redis', perJob('redis'), 'ms of CPU a job'),
  ]
}

interface Measured {
  scene: Scene
  db: Database
  /** Sees all tables. */
  admin: Database
  redis: Redis
  people: number
}

interface Sizes {
  /** Of all that accounts has. */
  postgres: number
  streams: number
  /** Syncs and their jobs. */
  jobs: number
  redis: number
}

/** In bytes, with indexes. */
async function sizesOf(admin: Database, redis: Redis): Promise<Sizes> {
  const rows = await asService(() =>
    admin.query<{ name: string; bytes: string }>(
      `SELECT c.relname AS name, pg_total_relation_size(c.oid)::text AS bytes FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'accounts' AND c.relkind = 'r'`,
      [],
    ),
  )
  const sum = (isMeant: (name: string) => boolean) =>
    rows.reduce((total, { name, bytes }) => total + (isMeant(name) ? Number(bytes) : 0), 0)
  const used = /^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]
  return {
    postgres: sum(() => true),
    streams: sum((name) => name === 'streams'),
    jobs: sum((name) => name === 'syncs' || name === 'sync_jobs'),
    redis: Number(used),
  }
}

interface Cpu {
  services: number
  postgres: number
  redis: number
}

/** The CPU time that each part took while something went on, and how long that was, in ms. */
async function cpuDuring(scene: Scene, work: () => Promise<void>): Promise<Cpu & { ms: number }> {
  const before = await cpuOfAll(scene)
  const began = performance.now()
  await work()
  const ms = performance.now() - began
  const after = await cpuOfAll(scene)
  return { services: after.services - before.services, postgres: after.postgres - before.postgres, redis: after.redis - before.redis, ms }
}

/** CPU time since they started, in ms. Of Postgres that of its processes which have ended, too. */
async function cpuOfAll({ instance }: Scene): Promise<Cpu> {
  const { pids } = instance.constellation
  const [redis, services, ...postgres] = await Promise.all([
    cpuWithChildren(pids.redis!),
    cpuOfServices(instance),
    ...processTree(pids.postgres!).map((pid) => cpuWithChildren(pid).catch(() => 0)),
  ])
  return { services, postgres: postgres.reduce((sum, one) => sum + one, 0), redis }
}
