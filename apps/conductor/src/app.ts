import { accountsRoutes, createClient, platformRoutes } from '@asheville/clients'
import { checkRedis, createProducer, createSubscriber, openBackend, refuseEvictingRedis, refuseUnfitQueue } from '@asheville/jobs'
import { connectRedis, disconnect } from '@asheville/redis'
import {
  createVerifier,
  errorFields,
  startService,
  type Binding,
  type Logger,
  type PublicKeys,
  type Service,
  type Sign,
} from '@asheville/service'
import type { Context, NetworkFacts } from './context.ts'
import { cancelSync } from './handlers/cancel-sync.ts'
import { createSync } from './handlers/create-sync.ts'
import { events } from './handlers/events.ts'
import { getStatus } from './handlers/get-status.ts'
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
  const { logger, sign, redisUrl } = options
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: options.accountsUrl, sign })
  const platform = createClient(platformRoutes, { service: 'platform', baseUrl: options.platformUrl, sign, timeoutMs: 60_000 })
  const redis = connectRedis(redisUrl, { onOutage: (isDown, error) => sayOutage(logger, isDown, error) })
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
    const context: Context = { accounts, platform, networks: options.networks, redis, subscriber, queue, producer, log: logger }
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
  return [createSync(context), getStatus(context), cancelSync(context), events(context)]
}

function sayOutage(logger: Logger, isDown: boolean, error: Error | null): void {
  if (isDown) logger.warn({ error: error ? errorFields(error) : undefined }, 'Redis is away: what is asked for waits in Postgres')
  else logger.info('Redis is back')
}
