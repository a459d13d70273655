import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { platformRoutes } from '@asheville/clients'
import type { StorageIo } from '@asheville/core'
import { asPerson, createDatabase, type Database } from '@asheville/database'
import { connectRedis, disconnect } from '@asheville/redis'
import { storageById } from '@asheville/storages'
import { createPlatformMetrics } from '../apps/platform/src/metrics.ts'
import { createPageCache } from '../apps/platform/src/page-cache.ts'
import { storeBatch } from '../apps/platform/src/store-batch.ts'
import { createFreshQueue } from '../apps/platform/src/words/fresh-items.ts'

export const batchItems = 1000

/** Platform's way of a batch from the text of a request to the disk and the index, in this process alone. */
export interface Merging {
  db: Database
  userId: string
  storageId: string
  /** Stores a batch that came as this text; answers how many of its items were new. */
  store(text: string): Promise<number>
  close(): Promise<void>
}

export async function openMerging(databaseUrl: string, redisUrl: string): Promise<Merging> {
  const directory = await mkdtemp(join(tmpdir(), 'asheville-merging-'))
  const db = createDatabase({ url: databaseUrl, schema: 'platform' })
  const redis = connectRedis(redisUrl, { commandTimeoutMs: 500 })
  const [userId, storageId] = [randomUUID(), randomUUID()]
  const io = { account: { id: userId, handle: '' }, variables: { LOCAL_STORAGE_DIR: directory } } as unknown as StorageIo
  const storage = storageById('local')!.open(io)
  const metrics = createPlatformMetrics()
  const fresh = createFreshQueue()
  const parts = {
    db,
    storageOf: async () => ({ storage, provider: 'local' }),
    cache: createPageCache(redis, metrics),
    metrics,
    fresh,
    now: () => new Date(),
  }
  const { signal } = new AbortController()
  return {
    db,
    userId,
    storageId,
    async store(text) {
      const batch = platformRoutes.putItems.body.parse({ ...(JSON.parse(text) as object), storageId })
      const reply = await asPerson(userId, () => storeBatch(parts, userId, batch, signal))
      // Words are looked up by a job of its own.
      while (fresh.take());
      return reply.new
    },
    async close() {
      disconnect(redis)
      await Promise.all([db.close(), rm(directory, { recursive: true, force: true })])
    },
  }
}

/** The text of a worker's request with the next so many posts of a history, newest first, each with what Mastodon's API sends of one. */
export function batchText(from: number, connectionId: string, items = batchItems): string {
  return JSON.stringify({
    connectionId,
    stream: 'statuses',
    fence: 1,
    network: 'mastodon',
    account: { id: '4711', handle: 'ada@example.social', title: 'Ada', url: 'https://example.social/@ada' },
    items: Array.from({ length: items }, (_, index) => itemOf(from + index)),
    gone: [],
    covers: [],
  })
}

const words = 'a morning walk along the river where the light falls between old trees and nobody is in a hurry to be anywhere else'

function itemOf(number: number) {
  const id = `https://example.social/users/ada/statuses/${1_000_000_000 - number}`
  const at = new Date(Date.UTC(2025, 0, 1) - number * 263_000).toISOString()
  const content = `<p>${number}: ${words.slice(number % 40)} <a href="https://example.social/tags/walk">#walk</a></p>`
  const collection = { type: 'Collection', totalItems: number % 17 }
  const account = {
    id: '4711',
    username: 'ada',
    acct: 'ada',
    display_name: 'Ada',
    url: 'https://example.social/@ada',
    followers_count: 120,
  }
  return {
    id,
    contentType: 'posts',
    at,
    object: {
      id,
      type: 'Note',
      attributedTo: 'https://example.social/users/ada',
      published: at,
      url: `https://example.social/@ada/${1_000_000_000 - number}`,
      content,
      tag: [{ type: 'Hashtag', name: '#walk', href: 'https://example.social/tags/walk' }],
      to: ['https://www.w3.org/ns/activitystreams#Public'],
      likes: collection,
      shares: collection,
      replies: collection,
    },
    media: [],
    raw: {
      id: String(1_000_000_000 - number),
      created_at: at,
      uri: id,
      url: `https://example.social/@ada/${1_000_000_000 - number}`,
      visibility: 'public',
      language: 'en',
      content,
      account,
      media_attachments: [],
      mentions: [],
      tags: [{ name: 'walk', url: 'https://example.social/tags/walk' }],
      emojis: [],
      favourites_count: number % 17,
      reblogs_count: number % 17,
      replies_count: number % 17,
    },
    seenAt: '2025-06-01T00:00:00.000Z',
    mediaStates: {},
  }
}
