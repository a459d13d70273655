import { randomBytes, randomUUID } from 'node:crypto'
import type { Fields, Http, Network, ServiceName, StorageAdapter } from '@asheville/core'
import { accountsRoutes, createClient, type Client, type Connection, type Session, type User } from '@asheville/clients'
import { createDatabase, type Database } from '@asheville/database'
import { createHttp } from '@asheville/http-client'
import { createLogger, createSigner } from '@asheville/service'
import { serviceKeys, testDatabase, testRedis } from '@asheville/testkit'
import { createAccounts, migrationsDirectory } from '../src/app.ts'
import { diary, disk, perServerNetwork } from './scripted-networks.ts'

export type Accounts = Client<typeof accountsRoutes>

interface Options {
  isSignUpOpen?: boolean
  networks?: readonly Network[]
  storages?: readonly StorageAdapter[]
  allow?: string[]
  variables?: Fields
  webUrl?: string
  /** How mail leaves; none does unless said here. */
  mail?: Parameters<typeof createAccounts>[0]['mail']
  /** Another way to the database. */
  through?: (url: string) => Promise<string>
  /** Another Redis. */
  redisUrl?: string
  geoipFile?: string
}

export interface Person {
  user: User
  session: Session
  token: string
}

/** The service as it runs, on a database of its own, with a client for each service that calls it. */
export async function startAccounts(options: Options = {}) {
  const database = await testDatabase('accounts', migrationsDirectory)
  const redis = options.redisUrl === undefined ? await testRedis() : null
  const redisUrl = options.redisUrl ?? redis?.url ?? ''
  const databaseUrl = options.through ? await options.through(database.url) : database.url
  const keys = serviceKeys()
  const http: Http & { close(): Promise<void> } = createHttp({ allow: options.allow ?? ['127.0.0.0/8'] })
  const credentialKeys = [{ id: 'test', secret: randomBytes(32) }]
  const lines: string[] = []
  const logger = createLogger('accounts', 'info', { write: (line) => void lines.push(line) })

  const start = (changed: { credentialKeys?: typeof credentialKeys } = {}) =>
    createAccounts({
      host: '127.0.0.1',
      port: 0,
      logger,
      publicKeys: keys.publicKeys as Parameters<typeof createAccounts>[0]['publicKeys'],
      databaseUrl,
      redisUrl,
      credentialKeys: changed.credentialKeys ?? credentialKeys,
      networks: options.networks ?? [perServerNetwork('meadow'), diary],
      storages: options.storages ?? [disk],
      variables: options.variables ?? {},
      http,
      webUrl: options.webUrl ?? 'http://localhost:3000',
      isSignUpOpen: options.isSignUpOpen ?? true,
      mail: options.mail ?? null,
      syncIntervalMs: 15 * 60_000,
      historyDays: 90,
      geoipFile: options.geoipFile ?? null,
      version: '0.0.0',
    })

  const service = await start()
  const signerOf = (name: ServiceName) => createSigner({ issuer: name, privateKey: keys.privateKey(name) })
  const clientOf = (name: ServiceName, baseUrl = service.url): Accounts =>
    createClient(accountsRoutes, {
      service: 'accounts',
      baseUrl,
      sign: signerOf(name),
      timeoutMs: 20_000,
    })
  const db: Database = createDatabase({ url: database.adminUrl, schema: 'accounts', poolSize: 2 })
  const web = clientOf('web')

  return {
    url: service.url,
    redisUrl,
    databaseUrl,
    publicKeys: keys.publicKeys,
    db,
    lines,
    credentialKeys,
    /** Another process of the same service. */
    startAnother: start,
    clientOf,
    /** Signs as that service. */
    signerOf,
    web,
    conductor: clientOf('conductor'),
    workers: clientOf('workers'),
    platform: clientOf('platform'),

    async signUp(email = `${randomUUID()}@example.org`): Promise<Person> {
      const body = { name: 'Alice', email, password: 'correct horse', locale: 'en' }
      const user = await web.createUser({ body })
      const { token, session } = await web.createSession({ body: { email, password: body.password, device } })
      return { user, session, token }
    },

    async connectDiary({ user, session }: Person, name: string = randomUUID()): Promise<Connection> {
      const body = { provider: 'diary', fields: { name }, sessionId: session.id, reconnects: null }
      const reply = await web.beginConnect({ userId: user.id, body })
      if (reply.next !== 'connected') throw new Error('not connected')
      return reply.connection
    },

    async close() {
      await db.close()
      await service.close()
      await http.close()
      await database.close()
      await redis?.close()
    },
  }
}

export type RunningAccounts = Awaited<ReturnType<typeof startAccounts>>

export const device = { userAgent: 'Test', address: '192.0.2.1' }

/** The kind of error that a call ends in; 'none' when it succeeds. */
export async function kindThrown(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof Error && 'kind' in error ? String(error.kind) : String(error)),
  )
}

export async function errorOf(call: Promise<unknown>): Promise<{ kind: string; message: string; faults?: { pointer: string }[] }> {
  try {
    await call
  } catch (error) {
    return error as { kind: string; message: string; faults?: { pointer: string }[] }
  }
  throw new Error('It should have failed')
}
