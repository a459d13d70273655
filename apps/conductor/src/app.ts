import { accountsRoutes, conductorRoutes, createClient, platformRoutes } from '@asheville/clients'
import { checkRedis, createProducer, createSubscriber, openBackend, refuseEvictingRedis, refuseUnfitQueue } from '@asheville/jobs'
import { connectRedis, disconnect } from '@asheville/redis'
import {
  bindAll,
  createVerifier,
  sayOutages,
  startService,
  type Binding,
  type Logger,
  type PublicKeys,
  type Service,
  type Sign,
} from '@asheville/service'
import type { Context, NetworkFacts } from './context.ts'
import { askBoard } from './admin/ask-board.ts'
import { drainWorker } from './admin/drain-worker.ts'
import { getQueues } from './admin/get-queues.ts'
import { cancelConnection } from './handlers/cancel-connection.ts'
import { cancelSync } from './handlers/cancel-sync.ts'
import { cancelSyncs } from './handlers/cancel-syncs.ts'
import { clearConnection } from './handlers/clear-connection.ts'
import { createSync } from './handlers/create-sync.ts'
import { events } from './handlers/events.ts'
import { getStatus } from './handlers/get-status.ts'
import { getSync } from './handlers/get-sync.ts'
import { listSyncs } from './handlers/list-syncs.ts'
import { pauseConnection } from './handlers/pause-connection.ts'
import { planSync } from './handlers/plan-sync.ts'
import { repairCopies } from './handlers/repair-copies.ts'
import { restartConnection } from './handlers/restart-connection.ts'
import { resumeConnection } from './handlers/resume-connection.ts'
import { startLoops } from './start-loops.ts'

export interface ConductorOptions {
  host: string
  /** 0 takes any free port. */
  port: number
  /** As `startService` has it. */
  sharePort?: boolean
  logger: Logger
  publicKeys: PublicKeys
  /** Signs as the conductor. */
  sign: Sign
  networks: readonly NetworkFacts[]
  accountsUrl: string
  platformUrl: string
  redisUrl: string
  /** Where jobs are queued: that Redis, another, or a Postgres. */
  queueUrl: string
  version: string
}

/** Starts the conductor: its HTTP API and its loops. Throws when the Redis may lose jobs. */
export async function createConductor(options: ConductorOptions): Promise<Service> {
  const { logger, sign, redisUrl, networks } = options
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: options.accountsUrl, sign })
  const platform = createClient(platformRoutes, { service: 'platform', baseUrl: options.platformUrl, sign, timeoutMs: 60_000 })
  const redis = connectRedis(redisUrl, {
    commandTimeoutMs: 500,
    onOutage: sayOutages(logger, { away: 'Redis is away: what is asked for waits in Postgres', back: 'Redis is back' }),
  })
  const subscriber = createSubscriber(redisUrl)
  const queue = openBackend(options.queueUrl)
  const producer = createProducer(queue)
  const close = async () => {
    await queue.close()
    subscriber.close()
    disconnect(redis)
  }
  try {
    await Promise.all([refuseEvictingRedis(redis), refuseUnfitQueue(queue)])
    const context: Context = { accounts, platform, redis, subscriber, queue, producer, networks, paused: new Set(), log: logger }
    const service = await startService({
      name: 'conductor',
      host: options.host,
      port: options.port,
      sharePort: options.sharePort ?? false,
      logger,
      bindings: conductorBindings(context),
      verify: createVerifier({ audience: 'conductor', publicKeys: options.publicKeys }),
      checks: { redis: () => checkRedis(redis), queue: () => queue.check() },
      version: options.version,
      close,
    })
    const loops = startLoops(context)
    return {
      url: service.url,
      async close() {
        await loops.close()
        await service.close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The conductor's routes. */
export function conductorBindings(context: Context): Binding[] {
  return bindAll(conductorRoutes, {
    createSync: createSync(context),
    planSync: planSync(context),
    listSyncs: listSyncs(context),
    getSync: getSync(context),
    cancelSyncs: cancelSyncs(context),
    cancelSync: cancelSync(context),
    cancelConnection: cancelConnection(context),
    restartConnection: restartConnection(context),
    pauseConnection: pauseConnection(context),
    resumeConnection: resumeConnection(context),
    clearConnection: clearConnection(context),
    repairCopies: repairCopies(context),
    getStatus: getStatus(context),
    events: events(context),
    getQueues: getQueues(context),
    drainWorker: drainWorker(context),
    askBoard: askBoard(context),
  })
}
