import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, platformRoutes, type Client, type PutItemsReply } from '@asheville/clients'
import { AshevilleError, type ServiceName, type Storage, type StorageIo } from '@asheville/core'
import { createDatabase, type Database } from '@asheville/database'
import { createLogger, createSigner, createVerifier } from '@asheville/service'
import { storageById } from '@asheville/storages'
import { connectRedis } from '@asheville/redis'
import { serviceKeys, testDatabase, testRedis } from '@asheville/testkit'
import { startPlatform } from '../src/app.ts'

/** A platform over real Postgres, Redis and disk, with people who have one storage each. */
export interface Constellation {
  url: string
  db: Database
  client: Client<typeof platformRoutes>
  /** As another service than the one that may. */
  clientOf(service: ServiceName): Client<typeof platformRoutes>
  token(service: ServiceName, userId: string | null): Promise<string>
  /** Whose copies go to the disk, or to `storage`. */
  person(storage?: Storage): Person
  /** Calls of storages so far, as `/metrics` tells. */
  storageCalls(): Promise<number>
  /** Puts something between platform and every storage; null takes it away. */
  disturb(wrap: ((storage: Storage) => Storage) | null): void
  redisUrl: string
  /** The connection that brings what lies in people's storages, as accounts would say. */
  origin: string
  close(): Promise<void>
}

export interface Person {
  userId: string
  storageId: string
  /** The folder that the person sees, where their copies go to the disk. */
  folder: string
  /** Their storage, as they reach it without Asheville. */
  storage: Storage
}

export async function startConstellation(options: { redisUrl?: string } = {}): Promise<Constellation> {
  const migrations = join(import.meta.dirname, '../src/migrations')
  const [database, ownRedis, directory] = await Promise.all([
    testDatabase('platform', migrations),
    options.redisUrl ? null : testRedis(),
    mkdtemp(join(tmpdir(), 'asheville-platform-')),
  ])
  const redisUrl = options.redisUrl ?? ownRedis?.url ?? ''
  const [own, db] = [database.url, database.adminUrl].map((url) => createDatabase({ url, schema: 'platform' })) as [Database, Database]
  const redis = connectRedis(redisUrl, { commandTimeoutMs: 500 })
  const keys = serviceKeys()
  const people = new Map<string, { owner: string; storage: Storage }>()
  const origin = randomUUID()
  let wrap: ((storage: Storage) => Storage) | null = null

  const service = await startPlatform({
    host: '127.0.0.1',
    port: 0,
    logger: createLogger('platform', 'silent'),
    verify: createVerifier({ audience: 'platform', publicKeys: keys.publicKeys as Parameters<typeof createVerifier>[0]['publicKeys'] }),
    apps: { admit: () => Promise.reject(new AshevilleError('unauthenticated', 'Nobody made any token')) },
    db: own,
    async storageOf(userId, storageId) {
      const known = people.get(storageId)
      if (known?.owner !== userId) throw new AshevilleError('not-found', 'There is no such storage')
      return { storage: wrap ? wrap(known.storage) : known.storage, provider: 'local' }
    },
    originsOf: async () => () => origin,
    homeOf: async (userId) => [...people].find(([, { owner }]) => owner === userId)![0],
    redis,
    scratchDir: join(directory, 'scratch'),
    renditionsBytes: 64 * 1024 ** 2,
    version: 'test',
  })
  const signOf = (issuer: ServiceName) => createSigner({ issuer, privateKey: keys.privateKey(issuer) })
  const signs = new Map((['web', 'conductor', 'workers', 'accounts'] as const).map((name) => [name as ServiceName, signOf(name)]))
  const clientOf = (name: ServiceName) =>
    createClient(platformRoutes, { service: 'platform', baseUrl: service.url, sign: signs.get(name)!, timeoutMs: 60_000 })
  const [workers, web, conductor] = [clientOf('workers'), clientOf('web'), clientOf('conductor')]

  return {
    url: service.url,
    db,
    redisUrl,
    origin,
    clientOf,
    token: (name, userId) => signs.get(name)!('platform', userId),
    client: {
      ...web,
      findMedia: workers.findMedia,
      listPending: workers.listPending,
      putMedia: workers.putMedia,
      putItems: workers.putItems,
      renderDue: workers.renderDue,
      finishSync: conductor.finishSync,
      countDue: conductor.countDue,
      removeCopies: conductor.removeCopies,
      prepareRepair: conductor.prepareRepair,
      reindex: conductor.reindex,
    },
    person(given) {
      const [userId, storageId] = [randomUUID(), randomUUID()]
      const io = { account: { id: userId, handle: '' }, variables: { LOCAL_STORAGE_DIR: directory } } as unknown as StorageIo
      const storage = given ?? storageById('local')!.open(io)
      people.set(storageId, { owner: userId, storage })
      return { userId, storageId, folder: join(directory, userId, 'Asheville'), storage }
    },
    async storageCalls() {
      const text = await (await fetch(new URL('/metrics', service.url))).text()
      const lines = text.split('\n').filter((line) => line.startsWith('asheville_storage_calls_total{'))
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    },
    disturb: (wanted) => {
      wrap = wanted
    },
    async close() {
      await service.close()
      redis.disconnect()
      await Promise.all([own.close(), db.close()])
      await Promise.all([database.close(), ownRedis?.close(), rm(directory, { recursive: true, force: true })])
    },
  }
}

type PutInput = Parameters<Client<typeof platformRoutes>['putItems']>[0]['body']
export type TestItem = PutInput['items'][number]

/** One stream of one connection of a person, as a worker sends it. */
export function streamOf(constellation: Constellation, { userId, storageId }: Person, connectionId: string = randomUUID()) {
  const account = { id: '4711', handle: 'ada@example.social', title: 'Ada', url: 'https://example.social/@ada' }
  return {
    connectionId,
    put: (items: TestItem[], more: Partial<PutInput> = {}): Promise<PutItemsReply> =>
      constellation.client.putItems({
        userId,
        body: { storageId, connectionId, stream: 'statuses', fence: 1, network: 'mastodon', account, items, gone: [], covers: [], ...more },
      }),
  }
}

/** A post. `at` as `2024-03-05`, or null. */
export function post(
  number: number,
  more: { at?: string | null; content?: string; seen?: number; likes?: number; edited?: number } & Partial<TestItem> = {},
): TestItem {
  const { at = dateOf(number), content = `This is post ${number}`, seen = 0, likes = 0, edited, ...rest } = more
  const instant = at === null ? null : at.length === 10 ? `${at}T12:00:00.000Z` : at
  const id = `https://example.social/users/ada/statuses/${String(number).padStart(8, '0')}`
  return {
    id,
    contentType: 'posts',
    at: instant,
    object: {
      id,
      type: 'Note',
      ...(instant !== null && { published: instant }),
      ...(edited !== undefined && { updated: new Date(Date.UTC(2025, 0, 1) + edited * 1000).toISOString() }),
      content,
      likes: { type: 'Collection', totalItems: likes },
    },
    media: [],
    raw: { id: String(number), content, favourites_count: likes },
    seenAt: new Date(Date.UTC(2025, 5, 1) + seen * 1000).toISOString(),
    mediaStates: {},
    ...rest,
  }
}

/** Five years, newest first: number 0 is the newest. */
function dateOf(number: number): string {
  return new Date(Date.UTC(2024, 11, 31, 12) - number * 263 * 60_000 * 1.0).toISOString()
}

/** Every item in the page files of a folder: its id, and the files that hold it. */
export async function itemsOnDisk(folder: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const [path, text] of await pagesOnDisk(folder)) {
    const page = JSON.parse(text) as { orderedItems: { id: string }[] }
    for (const { id } of page.orderedItems) found.set(id, [...(found.get(id) ?? []), path])
  }
  return found
}

/** The page files by path. */
export async function pagesOnDisk(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const pages = names.filter((name) => /\/(\d{4}-\d\d|undated)(\.\d+)?\.json$/.test(name)).sort()
  return new Map(await Promise.all(pages.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)))
}
