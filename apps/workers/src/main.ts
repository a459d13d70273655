import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { createHttp } from '@asheville/http-client'
import { networks } from '@asheville/networks'
import { createLogger, createSigner, runService } from '@asheville/service'
import manifest from '../package.json' with { type: 'json' }
import { createWorkers } from './app.ts'
import { workersConfig } from './config.ts'
import { withRequests } from './with-budgets.ts'

/**
 * The same for a process that died and its successor, which then need not wait for its leases to run out. The port, or our number
 * among those that share it, is ours alone on this machine by the time that the first lease is taken.
 */
function holderOf({ PORT, INSTANCE }: { PORT: number; INSTANCE?: number | undefined }): string {
  return [hostname(), PORT || randomUUID(), ...(INSTANCE === undefined ? [] : [INSTANCE])].join(':').slice(-100)
}

runService(async () => {
  const { config, variables, secrets } = workersConfig(networks)
  const logger = createLogger('workers', config.LOG_LEVEL)
  const http = createHttp({ allow: config.OUTBOUND_ALLOW })
  const service = await createWorkers({
    host: config.HOST,
    port: config.PORT,
    sharePort: config.INSTANCE !== undefined,
    logger,
    sign: createSigner({ issuer: 'workers', privateKey: secrets.privateKey }),
    accountsUrl: config.ACCOUNTS_URL,
    platformUrl: config.PLATFORM_URL,
    redisUrl: config.REDIS_URL,
    queueUrl: config.QUEUE_URL,
    networks: withRequests(networks, config.REQUEST_BUDGETS),
    variables,
    http,
    scratchDir: config.SCRATCH_DIR,
    concurrency: config.WORKER_CONCURRENCY,
    holder: holderOf(config),
    version: manifest.version,
  })
  const close = async () => {
    await service.close()
    await http.close()
  }
  return { close, logger }
})
