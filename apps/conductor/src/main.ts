import { networks } from '@asheville/networks'
import { createLogger, createSigner, runService } from '@asheville/service'
import manifest from '../package.json' with { type: 'json' }
import { createConductor } from './app.ts'
import { conductorConfig } from './config.ts'

runService(async () => {
  const { config, secrets } = conductorConfig()
  const logger = createLogger('conductor', config.LOG_LEVEL)
  const service = await createConductor({
    host: config.HOST,
    port: config.PORT,
    sharePort: config.INSTANCE !== undefined,
    logger,
    publicKeys: config.SERVICE_PUBLIC_KEYS,
    sign: createSigner({ issuer: 'conductor', privateKey: secrets.privateKey }),
    networks,
    accountsUrl: config.ACCOUNTS_URL,
    platformUrl: config.PLATFORM_URL,
    redisUrl: config.REDIS_URL,
    queueUrl: config.QUEUE_URL,
    version: manifest.version,
  })
  return { close: () => service.close(), logger }
})
