import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { accountsRoutes, createClient, platformRoutes } from '@asheville/clients'
import { createSigner } from '@asheville/service'
import { serviceKeys, testDatabase, testRedis } from '@asheville/testkit'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { post } from './constellation.ts'

/** The real processes, as `npm start` runs them: what accounts says about storages is what platform goes by. */
const apps = join(import.meta.dirname, '../..')
const keys = serviceKeys()
const running: ChildProcess[] = []
let directory: string
let closers: (() => Promise<void>)[] = []

async function start(name: 'accounts' | 'platform', env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [join(apps, name, 'src/main.ts')], {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      SERVICE_PRIVATE_KEY: keys.privateKey(name),
      SERVICE_PUBLIC_KEYS: JSON.stringify(keys.publicKeys),
      LOCAL_STORAGE_DIR: join(directory, 'files'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(child)
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line) as { url?: string }
    if (url) return url
  }
  throw new Error(`${name} did not start`)
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asheville-with-accounts-'))
})

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null) continue
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }
  await Promise.all(closers.map((close) => close()))
  await rm(directory, { recursive: true, force: true })
})

test('a person signs up and has this server’s disk; another may not write to it', async () => {
  const [accountsDatabase, platformDatabase, redis] = await Promise.all([
    testDatabase('accounts', join(apps, 'accounts/src/migrations')),
    testDatabase('platform', join(apps, 'platform/src/migrations')),
    testRedis(),
  ])
  closers = [() => accountsDatabase.close(), () => platformDatabase.close(), () => redis.close()]
  const ACCOUNTS_URL = await start('accounts', {
    DATABASE_URL: accountsDatabase.url,
    REDIS_URL: redis.url,
    WEB_URL: 'http://localhost:3000',
    CREDENTIAL_KEYS: `a:${randomBytes(32).toString('base64')}`,
    SIGN_UP_OPEN: 'true',
  })
  const platformUrl = await start('platform', {
    DATABASE_URL: platformDatabase.url,
    REDIS_URL: redis.url,
    ACCOUNTS_URL,
    SCRATCH_DIR: join(directory, 'scratch'),
  })
  const signOf = (issuer: 'web' | 'workers') => createSigner({ issuer, privateKey: keys.privateKey(issuer) })
  const accounts = createClient(accountsRoutes, { service: 'accounts', baseUrl: ACCOUNTS_URL, sign: signOf('web') })
  const workers = createClient(platformRoutes, { service: 'platform', baseUrl: platformUrl, sign: signOf('workers') })
  const web = createClient(platformRoutes, { service: 'platform', baseUrl: platformUrl, sign: signOf('web') })

  const signUp = (name: string) =>
    accounts.createUser({ body: { name, email: `${name}@example.com`, password: 'a long enough secret', locale: 'en' } })
  const [ada, bob] = [await signUp('ada'), await signUp('bob')]
  const { connections } = await accounts.listConnections({ userId: ada.id, query: { kind: 'storage' } })
  expect(connections).toMatchObject([{ provider: 'local' }])
  const storageId = connections[0]!.id
  const account = { id: '1', handle: 'ada', title: 'Ada', url: null }
  const put = (userId: string) =>
    workers.putItems({
      userId,
      body: {
        storageId,
        connectionId: randomUUID(),
        stream: 'statuses',
        fence: 1,
        network: 'mastodon',
        account,
        items: [post(1, { at: '2024-03-05' })],
        gone: [],
        covers: [],
      },
    })

  expect(await put(ada.id)).toMatchObject({ new: 1 })
  await expect(put(bob.id)).rejects.toMatchObject({ kind: 'not-found' })
  const file = join(directory, 'files', connections[0]!.accountId, 'Asheville/mastodon/ada/posts/2024-03.json')
  expect(await readFile(file, 'utf8')).toContain('This is post 1')
  expect((await web.listItems({ userId: ada.id, query: {} })).items).toHaveLength(1)
}, 60_000)
