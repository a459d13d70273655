import { accountsRoutes, createClient, platformRoutes } from '@asheville/clients'
import { checkRedis, connectRedis, createProducer, createSubscriber, disconnect, refuseEvictingRedis } from '@asheville/jobs'
import { createLogger, createSigner, createVerifier, errorFields, runService, startService } from '@asheville/service'
import { createBindings, startLoops } from './app.ts'
import { readConductorConfig } from './config.ts'

runService(async () => {
  const { config, secrets } = readConductorConfig()
  const logger = createLogger('conductor', config.LOG_LEVEL)
  const sign = createSigner({ issuer: 'conductor', privateKey: secrets.privateKey })
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: config.ACCOUNTS_URL, sign })
  const platform = createClient(platformRoutes, { service: 'platform', baseUrl: config.PLATFORM_URL, sign, timeoutMs: 60_000 })
  const redis = connectRedis(config.REDIS_URL, {
    onOutage(isDown, error) {
      if (isDown) logger.warn({ error: error ? errorFields(error) : undefined }, 'Redis is away: what is asked for waits in Postgres')
      else logger.info('Redis is back')
    },
  })
  const subscriber = createSubscriber(config.REDIS_URL)
  await refuseEvictingRedis(redis)

  const producer = createProducer(redis)
  const context = { accounts, platform, redis, subscriber, producer, log: logger }
  const service = await startService({
    name: 'conductor',
    host: config.HOST,
    port: config.PORT,
    logger,
    bindings: createBindings(context),
    verify: createVerifier({ audience: 'conductor', publicKeys: config.SERVICE_PUBLIC_KEYS }),
    checks: { redis: () => checkRedis(redis) },
    version: '0.1.0',
    async close() {
      await producer.close()
      subscriber.close()
      disconnect(redis)
    },
  })
  const loops = startLoops(context)
  return {
    async close() {
      await loops.close()
      await service.close()
    },
    logger,
  }
})
