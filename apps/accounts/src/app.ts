import { join } from 'node:path'
import type { Fields, Http, Network, StorageAdapter } from '@asheville/core'
import { asCaller, asService, createDatabase, isBound, migrate, type Database } from '@asheville/database'
import { connectRedis, disconnect, type Redis } from '@asheville/redis'
import { createVerifier, sayOutages, startService, type Logger, type PublicKeys, type Service } from '@asheville/service'
import { createAccess } from './access.ts'
import { createRevocations } from './app-tokens/revocations.ts'
import { checkKeys } from './check-keys.ts'
import { startClosing } from './closing/start-closing.ts'
import type { Context } from './context.ts'
import { accountsBindings } from './handlers.ts'
import { createIdempotency } from './idempotency/create-idempotency.ts'
import { startMailing } from './notifications/start-mailing.ts'
import { createMailer, type MailSettings } from './mail/mailer.ts'
import { startSending } from './mail/start-sending.ts'
import { createAccountsMetrics } from './metrics.ts'
import { startRotation } from './rotation/start-rotation.ts'
import { createSealing, type SealingKey } from './sealing.ts'
import { keepMirror } from './sessions/keep-mirror.ts'
import { noPlaces, openPlaces } from './sessions/places.ts'
import { startTidying } from './tidy.ts'

export interface AccountsOptions {
  host: string
  /** 0 takes any free port. */
  port: number
  /** As `startService` has it. */
  sharePort?: boolean
  logger: Logger
  publicKeys: PublicKeys
  databaseUrl: string
  redisUrl: string
  /** The first seals; all of them open. */
  credentialKeys: readonly SealingKey[]
  /** Which adapters there are. */
  networks: readonly Network[]
  storages: readonly StorageAdapter[]
  /** The adapters' variables, by name. */
  variables: Fields
  /** The guarded way out. */
  http: Http
  /** The origin that browsers come back to after an authorisation. */
  webUrl: string
  isSignUpOpen: boolean
  /** How mail leaves; null: none does. */
  mail: MailSettings | null
  syncIntervalMs: number
  historyDays: number
  /** A file in MaxMind's format that tells where network addresses are; null: there is none. */
  geoipFile: string | null
  version: string
}

const schema = 'accounts'
const passedBy = 'the role of DATABASE_URL is a superuser or may bypass row-level security: that second wall between people does nothing'

/** Where the schema's migrations are. */
export const migrationsDirectory = join(import.meta.dirname, 'migrations')

/**
 * Starts the accounts service: migrates its schema, makes sure that the sealing keys are the right ones (it throws what an
 * operator should do), and listens. `http` stays the caller's to close.
 */
export function createAccounts(options: AccountsOptions): Promise<Service> {
  // What goes on by itself is everybody's.
  return asService(() => start(options))
}

async function start(options: AccountsOptions): Promise<Service> {
  const { logger, databaseUrl: url, networks, storages, variables, http, webUrl, isSignUpOpen, mail, syncIntervalMs } = options
  const sealing = createSealing(options.credentialKeys)
  await migrate({ url, schema, directory: migrationsDirectory })
  const db = createDatabase({ url, schema, poolSize: 20 })
  const refreshDb = createDatabase({ url, schema, poolSize: 10 })
  // Of its own, and impatient: it is what finds out that Postgres is away, however busy the others are.
  const mirrorDb = createDatabase({ url, schema, poolSize: 2, queryTimeoutMs: 1000, connectTimeoutMs: 1000 })
  const redis = connectRedis(options.redisUrl, {
    commandTimeoutMs: 500,
    onOutage: sayOutages(logger, { away: 'Redis is away: sessions are checked in Postgres alone', back: 'Redis is back' }),
  })
  const close = async () => {
    disconnect(redis)
    await Promise.all([db.close(), refreshDb.close(), mirrorDb.close()])
  }
  try {
    await checkKeys(db, sealing)
    if (!(await isBound(db))) logger.warn(passedBy)
    const sendsMail = mail !== null
    const places = options.geoipFile === null ? noPlaces : await openPlaces(options.geoipFile)
    const mirror = keepMirror(mirrorDb, redis, logger)
    const revocations = createRevocations(redis)
    const context: Context = {
      db,
      refreshDb,
      sealing,
      networks,
      storages,
      http,
      variables,
      webUrl,
      isSignUpOpen,
      sendsMail,
      syncIntervalMs,
      historyDays: options.historyDays,
      mirror,
      revocations,
      places,
    }
    const access = createAccess(context)
    const tidying = startTidying(context, access, logger)
    const rotation = startRotation(context, logger)
    const mailing = startMailing(context, logger)
    const closing = startClosing(context, logger)
    const sending = mail && startSending(context, createMailer(mail), logger)
    return await startService({
      name: 'accounts',
      host: options.host,
      port: options.port,
      sharePort: options.sharePort ?? false,
      logger,
      bindings: accountsBindings(context, access),
      verify: createVerifier({ audience: 'accounts', publicKeys: options.publicKeys }),
      idempotency: createIdempotency(context),
      asCaller,
      checks: { postgres: () => checkPostgres(db), redis: () => checkRedis(redis) },
      version: options.version,
      metrics: createAccountsMetrics(db, sealing.keyIds),
      close: async () => {
        await Promise.all([
          tidying.stop(),
          rotation.stop(),
          mailing.stop(),
          closing.stop(),
          sending?.stop(),
          mirror.stop(),
          revocations.stop(),
        ])
        await access.settle()
        await close()
      },
    })
  } catch (error) {
    await close()
    throw error
  }
}

async function checkPostgres(db: Database): Promise<void> {
  await db.query('SELECT')
}

async function checkRedis(redis: Redis): Promise<void> {
  await redis.ping()
}
