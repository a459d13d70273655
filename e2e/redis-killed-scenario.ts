import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Job } from 'bullmq'
import { createProducer, openBackend, queueName, streamKey, type SyncJobData } from '@asheville/jobs'
import { privatePort } from '../scripts/embedded/ports.ts'
import { startRedis } from '../scripts/embedded/redis.ts'
import { higher, lower, type Figure } from './figures.ts'
import { planOf } from './harness/index.ts'

export interface RedisKilledScenario {
  seed: string | number
  jobs: number
  kills: number
}

const network = 'killed'
const atOnce = 50
const pageOfJobs = 5_000

/**
 * Redis is killed again and again while jobs are added, with its append-only file written every second as ours is: what it had accepted is on the queue afterwards, once.
 * Needs a redis-server. That accounts would have brought lost ones again is another matter (`wiped`).
 */
export async function redisKilled(name: string, { seed, jobs, kills }: RedisKilledScenario): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'asheville-killed-'))
  const options = { directory, port: await privatePort(directory), password: 'killed' }
  let redis = await startRedis(options)
  const queue = openBackend(redis.url)
  const producer = createProducer(queue)
  try {
    if (!redis.durable) throw new Error(`${redis.kind} keeps nothing on disk: this needs a redis-server or valkey-server on the PATH`)
    const accepted = new Set<string>()
    let refused = 0
    const rest = Array.from({ length: jobs }, (): SyncJobData => {
      return { syncId: randomUUID(), userId: randomUUID(), connectionId: randomUUID(), stream: 'posts', requestId: 'killed' }
    }).values()
    const add = async (): Promise<void> => {
      for (const job of rest) {
        for (let isAccepted = false; !isAccepted;) {
          isAccepted = await producer.enqueueSync(network, job, { isScheduled: true }).then(
            () => true,
            () => false,
          )
          if (isAccepted) accepted.add(streamKey(job.connectionId, job.stream))
          else {
            refused += 1
            await wait(20)
          }
        }
      }
    }
    const began = performance.now()
    const adding = Promise.all(Array.from({ length: atOnce }, add))
    let killed = 0
    for (const { at } of planOf(seed, { kills, over: jobs * 0.98, among: ['redis'] })) {
      while (accepted.size < at) await wait(1)
      const gone = new Promise((tell) => redis.child.once('exit', tell))
      redis.child.kill('SIGKILL')
      await gone
      killed += 1
      redis = await startRedis(options)
    }
    await adding
    const wall = performance.now() - began
    const queued = await listKeys(queue)
    const known = new Set(queued)
    return [
      lower(`${name}-lost`, [...accepted].filter((key) => !known.has(key)).length, 'accepted jobs', 0),
      lower(`${name}-doubled`, queued.length - known.size, 'jobs', 0),
      higher(`${name}-accepted`, accepted.size, 'jobs', jobs),
      higher(`${name}-kills`, killed, 'kills', kills),
      lower(`${name}-refused-meanwhile`, refused, 'attempts'),
      lower(`${name}-wall`, wall / 1000, 's'),
    ]
  } finally {
    await queue.close()
    await redis.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function listKeys(backend: ReturnType<typeof openBackend>): Promise<string[]> {
  const queue = await backend.queue(queueName(network))
  const keys: string[] = []
  for (let start = 0, count = pageOfJobs; count === pageOfJobs; start += pageOfJobs) {
    const jobs = (await queue.getJobs(['prioritized'], start, start + pageOfJobs - 1)) as Job<SyncJobData>[]
    count = jobs.length
    keys.push(...jobs.map(({ data }) => streamKey(data.connectionId, data.stream)))
  }
  return keys
}
