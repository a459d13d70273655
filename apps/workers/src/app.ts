import { mkdir } from 'node:fs/promises'
import { accountsRoutes, createClient, platformRoutes } from '@asheville/clients'
import type { Fields, Http, Network } from '@asheville/core'
import { checkRedis, createProducer, createSubscriber, openBackend, refuseEvictingRedis, refuseUnfitQueue } from '@asheville/jobs'
import { connectRedis, disconnect } from '@asheville/redis'
import { sayOutages, startService, type Logger, type Service, type Sign } from '@asheville/service'
import { createLeaseCalls } from './lease-calls.ts'
import { startWorker, type Worker } from './start-worker.ts'
import type { Workshop } from './sync-stream.ts'
import { createRetryAfter } from './with-retry-after.ts'

export interface WorkersOptions {
  host: string
  /** For health alone; 0 takes any free port. */
  port: number
  /** As `startService` has it. */
  sharePort?: boolean
  logger: Logger
  /** Signs as the workers. */
  sign: Sign
  accountsUrl: string
  platformUrl: string
  redisUrl: string
  /** Where jobs are queued: that Redis, another, or a Postgres. */
  queueUrl: string
  networks: readonly Network[]
  /** The adapters' variables, by name. */
  variables: Fields
  /** The guarded way out. */
  http: Http
  scratchDir: string
  /** Jobs of each network that pull and store at once. */
  concurrency: number
  /** Names this process in leases. */
  holder: string
  version: string
  limits?: Workshop['limits']
}

/** Of the 10 s that a process has to stop, what is left to the jobs. */
const jobsMs = 6000

/** Starts a worker process: takes jobs of every network, and answers for its health. `http` stays the caller's to close. */
export async function createWorkers(options: WorkersOptions): Promise<Service> {
  const { logger, sign, redisUrl, http, variables, scratchDir, holder, networks, concurrency, limits } = options
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: options.accountsUrl, sign })
  // A batch may touch many page files of a slow storage.
  const platform = createClient(platformRoutes, { service: 'platform', baseUrl: options.platformUrl, sign, timeoutMs: 120_000 })
  const redis = connectRedis(redisUrl)
  const subscriber = createSubscriber(redisUrl)
  const queue = openBackend(options.queueUrl, {
    onOutage: sayOutages(logger, { away: 'The queue is away: no new work is taken', back: 'The queue is back' }),
  })
  const producer = createProducer(queue)
  const close = async () => {
    await queue.close()
    subscriber.close()
    disconnect(redis)
  }
  try {
    await Promise.all([refuseEvictingRedis(redis), refuseUnfitQueue(queue)])
    await mkdir(scratchDir, { recursive: true, mode: 0o700 })
    const leases = createLeaseCalls(accounts, holder)
    const shop: Workshop = {
      accounts,
      leases,
      platform,
      redis,
      producer,
      httpFor: createRetryAfter(http),
      variables,
      scratchDir,
      holder,
      log: logger,
      ...(limits && { limits }),
    }
    let worker: Worker | null = null
    const service = await startService({
      name: 'workers',
      host: options.host,
      port: options.port,
      sharePort: options.sharePort ?? false,
      logger,
      bindings: [],
      checks: { redis: () => checkRedis(redis), queue: () => queue.check() },
      version: options.version,
      async close() {
        await worker?.close(jobsMs)
        await close()
      },
    })
    worker = startWorker(shop, { queue, subscriber, networks, concurrency })
    return service
  } catch (error) {
    await close()
    throw error
  }
}
