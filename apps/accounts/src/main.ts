import { createHttp } from '@asheville/http-client'
import { networks } from '@asheville/networks'
import { createLogger, runService } from '@asheville/service'
import { storages } from '@asheville/storages'
import manifest from '../package.json' with { type: 'json' }
import { createAccounts } from './app.ts'
import { accountsConfig } from './config.ts'

runService(async () => {
  const { config, variables, secrets } = accountsConfig([...networks, ...storages])
  const logger = createLogger('accounts', config.LOG_LEVEL)
  // A token endpoint may take half a minute; whoever connects an account has a shorter deadline of their own.
  const http = createHttp({ allow: config.OUTBOUND_ALLOW, timeoutMs: 45_000 })
  const service = await createAccounts({
    host: config.HOST,
    port: config.PORT,
    sharePort: config.INSTANCE !== undefined,
    logger,
    publicKeys: config.SERVICE_PUBLIC_KEYS,
    databaseUrl: secrets.databaseUrl,
    redisUrl: secrets.redisUrl,
    credentialKeys: secrets.credentialKeys,
    networks,
    storages,
    variables,
    http,
    webUrl: config.WEB_URL,
    isSignUpOpen: config.SIGN_UP_OPEN,
    mail: secrets.mail,
    syncIntervalMs: config.SYNC_INTERVAL_MINUTES * 60_000,
    historyDays: config.HISTORY_DAYS,
    geoipFile: config.GEOIP_FILE ?? null,
    version: manifest.version,
  })
  const close = async () => {
    await service.close()
    await http.close()
  }
  return { close, logger }
})
