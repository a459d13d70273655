import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { accountsRoutes, createClient, platformRoutes } from '@asheville/clients'
import { createHttp } from '@asheville/http-client'
import { checkRedis, connectRedis, createSubscriber, disconnect, refuseEvictingRedis } from '@asheville/jobs'
import { networks } from '@asheville/networks'
import { createLogger, createSigner, runService, startService } from '@asheville/service'
import { readWorkerConfig } from './config.ts'
import { startWorker } from './start-worker.ts'

/** Of the 10 s that a process has to stop, what is left to the jobs. */
const jobsMs = 6000

runService(async () => {
  const { config, variables, secrets } = readWorkerConfig()
  const logger = createLogger('workers', config.LOG_LEVEL)
  const sign = createSigner({ issuer: 'workers', privateKey: secrets.privateKey })
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: config.ACCOUNTS_URL, sign })
  // A batch may touch many page files of a slow storage.
  const platform = createClient(platformRoutes, { service: 'platform', baseUrl: config.PLATFORM_URL, sign, timeoutMs: 120_000 })
  const http = createHttp({ allow: config.OUTBOUND_ALLOW })
  const redis = connectRedis(config.REDIS_URL)
  const subscriber = createSubscriber(config.REDIS_URL)
  await refuseEvictingRedis(redis)
  await mkdir(config.SCRATCH_DIR, { recursive: true, mode: 0o700 })

  const holder = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  const shop = { accounts, platform, redis, http, variables, scratchDir: config.SCRATCH_DIR, holder, log: logger }
  const worker = startWorker(shop, { redisUrl: config.REDIS_URL, subscriber, networks, concurrency: config.WORKER_CONCURRENCY })

  const service = await startService({
    name: 'workers',
    host: config.HOST,
    port: config.PORT,
    logger,
    bindings: [],
    checks: { redis: () => checkRedis(redis) },
    version: '0.1.0',
    async close() {
      await worker.close(jobsMs)
      subscriber.close()
      disconnect(redis)
      await http.close()
    },
  })
  return { close: () => service.close(), logger }
})
