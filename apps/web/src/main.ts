import { networks } from '@asheville/networks'
import { createLogger, createSigner, runService } from '@asheville/service'
import { storages } from '@asheville/storages'
import { startWeb } from './app.ts'
import { webConfig } from './config.ts'
import manifest from '../package.json' with { type: 'json' }

runService(async () => {
  const { config, secrets } = webConfig()
  const logger = createLogger('web', config.LOG_LEVEL)
  const service = await startWeb({
    host: config.HOST,
    port: config.PORT,
    sharePort: config.INSTANCE !== undefined,
    logger,
    sign: createSigner({ issuer: 'web', privateKey: secrets.privateKey }),
    networks,
    storages,
    settings: {
      webUrl: config.WEB_URL,
      secret: secrets.webSecret,
      urls: { accounts: config.ACCOUNTS_URL, conductor: config.CONDUCTOR_URL, platform: config.PLATFORM_URL },
      pageDeadlineMs: config.PAGE_DEADLINE_MS,
      trustedProxies: config.TRUSTED_PROXIES,
      localStorageDir: config.LOCAL_STORAGE_DIR ?? null,
      version: manifest.version,
    },
  })
  return { close: service.close, logger }
})
