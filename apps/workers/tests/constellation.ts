import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createAccounts, migrationsDirectory } from '@asheville/accounts/app'
import { accountsRoutes, conductorRoutes, createClient, platformRoutes, type Connection } from '@asheville/clients'
import { createConductor } from '@asheville/conductor/app'
import type { Network, ServiceName } from '@asheville/core'
import { createDatabase } from '@asheville/database'
import { createHttp } from '@asheville/http-client'
import { createLogger, createSigner, type PublicKeys } from '@asheville/service'
import { storages } from '@asheville/storages'
import { serviceKeys, testDatabase, testRedis } from '@asheville/testkit'
import { createWorkers, type WorkersOptions } from '../src/app.ts'
import { startPlatform } from './start-platform.ts'

/** All services but web, as they run, around one network; workers are started by the tests themselves. */
export async function startConstellation(network: Network, { hasConductor = true } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'asheville-workers-test-'))
  const [database, redis] = await Promise.all([testDatabase('accounts', migrationsDirectory), testRedis()])
  const keys = serviceKeys()
  const publicKeys = keys.publicKeys as PublicKeys
  const sign = (service: ServiceName) => createSigner({ issuer: service, privateKey: keys.privateKey(service) })
  const logger = createLogger('workers', 'silent')
  const http = createHttp({ allow: ['127.0.0.0/8'] })
  const common = { host: '127.0.0.1', port: 0, logger, publicKeys, version: '0.0.0' }

  const accounts = await createAccounts({
    ...common,
    databaseUrl: database.url,
    redisUrl: redis.url,
    credentialKeys: [{ id: 'test', secret: randomBytes(32) }],
    networks: [network],
    storages,
    variables: { LOCAL_STORAGE_DIR: join(directory, 'storage') },
    http,
    webUrl: 'http://localhost:3000',
    isSignUpOpen: true,
    mail: null,
    geoipFile: null,
    syncIntervalMs: 15 * 60_000,
    historyDays: 90,
  })
  const platform = await startPlatform({
    accountsUrl: accounts.url,
    redisUrl: redis.url,
    sign: sign('platform'),
    publicKeys,
    logger,
    http,
    directory,
  })
  const urls = { accountsUrl: accounts.url, platformUrl: platform.url, redisUrl: redis.url, queueUrl: redis.url }
  const conductor = hasConductor ? await createConductor({ ...common, networks: [network], ...urls, sign: sign('conductor') }) : null

  const web = {
    accounts: createClient(accountsRoutes, { service: 'accounts', baseUrl: accounts.url, sign: sign('web') }),
    conductor: createClient(conductorRoutes, { service: 'conductor', baseUrl: conductor?.url ?? 'http://127.0.0.1:9', sign: sign('web') }),
    platform: createClient(platformRoutes, { service: 'platform', baseUrl: platform.url, sign: sign('web') }),
  }
  const db = createDatabase({ url: database.adminUrl, schema: 'accounts', poolSize: 2 })

  return {
    urls,
    keys,
    directory,
    platform,
    web,
    db,

    async startWorkers(options: Partial<WorkersOptions> = {}) {
      return createWorkers({
        ...common,
        ...urls,
        sign: sign('workers'),
        networks: [network],
        variables: {},
        http,
        scratchDir: join(directory, 'scratch'),
        concurrency: 5,
        holder: randomUUID(),
        ...options,
      })
    },

    /** A person with one connection to the network, of which connecting has begun no sync yet. */
    async connect(name: string = randomUUID()): Promise<{ userId: string; connection: Connection }> {
      const email = `${randomUUID()}@example.org`
      const device = { userAgent: 'Test', address: '192.0.2.1' }
      const { id: userId } = await web.accounts.createUser({ body: { name: 'Alice', email, password: 'correct horse', locale: 'en' } })
      const { session } = await web.accounts.createSession({ body: { email, password: 'correct horse', device } })
      const body = { provider: network.id, fields: { name }, sessionId: session.id, reconnects: null }
      const reply = await web.accounts.beginConnect({ userId, body })
      if (reply.next !== 'connected') throw new Error('It was not connected')
      // Or the conductor would begin one, within two seconds.
      await db.query('UPDATE streams SET next_due_at = NULL WHERE user_id = $1', [userId])
      return { userId, connection: reply.connection }
    },

    /** The id of the owner of this server: whoever signed up first. */
    async owner(): Promise<string> {
      const [owner] = await db.query<{ id: string }>("SELECT id FROM users WHERE role = 'owner'")
      if (!owner) throw new Error('Nobody has signed up')
      return owner.id
    },

    /** Asks for a sync and waits until it has ended. */
    async sync(userId: string, timeoutMs = 20_000) {
      const { sync } = await web.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } })
      return this.ended(userId, sync.id, timeoutMs)
    },

    async ended(userId: string, syncId: string, timeoutMs = 20_000) {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const sync = await web.accounts.getSync({ userId, params: { syncId } })
        if (sync.state !== 'running') return sync
        if (Date.now() > deadline) throw new Error('The sync did not end in time')
        await delay(20)
      }
    },

    /** What of the person is stored, as platform's index has it. */
    stored: platform.stored,

    async close() {
      await conductor?.close()
      await Promise.all([accounts.close(), platform.close(), db.close()])
      await http.close()
      await Promise.all([database.close(), redis.close(), rm(directory, { recursive: true, force: true })])
    },
  }
}
export type Constellation = Awaited<ReturnType<typeof startConstellation>>
