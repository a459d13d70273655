import { join } from 'node:path'
import { accountsRoutes, createClient } from '@asheville/clients'
import { createDatabase, isBound, migrate } from '@asheville/database'
import { createHttp } from '@asheville/http-client'
import { connectRedis, disconnect } from '@asheville/redis'
import { createLogger, createSigner, createVerifier, runService, sayOutages } from '@asheville/service'
import { storageById } from '@asheville/storages'
import { startPlatform } from './app.ts'
import { readPlatformConfig } from './config.ts'
import { createApps } from './create-apps.ts'
import { createHomeOf } from './home-of.ts'
import { createOriginsOf } from './origins-of.ts'
import { createStorageAccess } from './storage-access.ts'

runService(async () => {
  const { config, variables, secrets } = readPlatformConfig()
  const logger = createLogger('platform', config.LOG_LEVEL)
  await migrate({ url: secrets.databaseUrl, schema: 'platform', directory: join(import.meta.dirname, 'migrations') })
  const db = createDatabase({ url: secrets.databaseUrl, schema: 'platform', poolSize: config.DATABASE_POOL })
  if (!(await isBound(db)))
    logger.warn('the role of DATABASE_URL passes row-level security by: that second wall between people does nothing')
  // A cache answers at once or not at all.
  const redis = connectRedis(secrets.redisUrl, {
    commandTimeoutMs: 500,
    onOutage: sayOutages(logger, { away: 'the cache is out of reach: pages are read from the storages', back: 'the cache is back' }),
  })
  const http = createHttp({ allow: config.OUTBOUND_ALLOW })
  const sign = createSigner({ issuer: 'platform', privateKey: secrets.privateKey })
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: config.ACCOUNTS_URL, sign })

  const service = await startPlatform({
    host: config.HOST,
    port: config.PORT,
    sharePort: config.INSTANCE !== undefined,
    logger,
    verify: createVerifier({ audience: 'platform', publicKeys: config.SERVICE_PUBLIC_KEYS }),
    apps: createApps({ accounts, redis }),
    db,
    storageOf: createStorageAccess({ accounts, storageById, http, variables }),
    homeOf: createHomeOf(accounts),
    originsOf: createOriginsOf(accounts),
    redis,
    scratchDir: config.SCRATCH_DIR,
    renditionsBytes: config.RENDITIONS_MB * 1024 ** 2,
    version: '0.1.0',
    async close() {
      disconnect(redis)
      await Promise.all([db.close(), http.close()])
    },
  })
  return { close: () => service.close(), logger }
})
