import { describe, expect, test } from '@jest/globals'
import type { Connection, StreamStatus } from '@asheville/clients'
import type { ContentType } from '@asheville/core'
import type { NetworkFacts } from '../context.ts'
import { networkStatus, type Count, type Known } from './network-status.ts'

const now = new Date('2026-03-01T12:00:00.000Z')
const later = '2026-03-01T12:05:00.000Z'
const connection: Connection = {
  id: '5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a01',
  userId: '5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a02',
  kind: 'network',
  provider: 'meadow',
  accountId: '1',
  handle: '@ann',
  title: 'Ann',
  url: null,
  server: 'https://example.social',
  fields: {},
  settings: { contentTypes: null, range: { from: null, to: null }, readsPerMonth: null, syncEveryMinutes: null, copies: 'keep' },
  declined: [],
  clearing: [],
  storageId: null,
  state: 'active',
  stateReason: null,
  createdAt: '2026-01-01T00:00:00.000Z',
}
const adapterStream = (name: string, ...contentTypes: ContentType[]): NetworkFacts['streams'][number] => ({
  name,
  version: 1,
  contentTypes,
  scopes: [name],
  plan: () => Promise.resolve([]),
  pages: () => (async function* () {})(),
})
const network: NetworkFacts = {
  id: 'meadow',
  title: 'Meadow',
  budgets: [],
  streams: [adapterStream('statuses', 'posts', 'photos'), adapterStream('favourites', 'likes')],
}
const stream = (name: string, part: Partial<StreamStatus> = {}): StreamStatus => ({
  connectionId: connection.id,
  stream: name,
  state: 'idle',
  reason: null,
  until: null,
  backfilling: false,
  available: {},
  tally: { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 },
  skipped: [],
  pages: 1,
  lastSyncedAt: '2026-03-01T11:55:00.000Z',
  nextDueAt: later,
  ...part,
})
const count = (contentType: ContentType, items: number): Count => ({
  connectionId: connection.id,
  network: 'meadow',
  contentType,
  items,
  gone: 0,
  oldest: '2020-01-01T00:00:00.000Z',
  newest: '2026-01-01T00:00:00.000Z',
  oldestThere: '2021-05-01T00:00:00.000Z',
  newestThere: '2025-12-24T00:00:00.000Z',
})
const known: Known = {
  connection,
  network,
  streams: [stream('favourites'), stream('statuses')],
  counts: [],
  readsThisMonth: 0,
  isPausedHere: false,
  rates: new Map(),
  now,
}
const typesOf = (part: Partial<Known>) => networkStatus({ ...known, ...part }).types.map(({ contentType, word }) => [contentType, word])

describe('by content type', () => {
  test('each stands as the streams that carry it do; the whole as the most urgent', () => {
    const streams = [stream('favourites'), stream('statuses', { state: 'waiting', until: later, nextDueAt: null })]
    expect(typesOf({ streams })).toEqual([
      ['posts', 'waiting'],
      ['photos', 'waiting'],
      ['likes', 'on-time'],
    ])
    expect(networkStatus({ ...known, streams })).toMatchObject({ word: 'waiting', waitsFor: 'example.social', until: later })
  })

  test('what is wanted is shown, and what is stored besides', () => {
    const only = { ...connection, settings: { ...connection.settings, contentTypes: ['photos' as const] } }
    const streams = [stream('favourites', { nextDueAt: null }), stream('statuses')]
    expect(typesOf({ connection: only, streams })).toEqual([['photos', 'on-time']])
    expect(typesOf({ connection: only, streams, counts: [count('likes', 3), count('posts', 0)] })).toEqual([
      ['photos', 'on-time'],
      ['likes', 'done'],
    ])
    // Something that no stream of this version carries.
    expect(typesOf({ counts: [count('events', 1)] }).at(-1)).toEqual(['events', 'done'])
  })

  test('what is being removed is shown as that, wanted or not', () => {
    const settings = { ...connection.settings, contentTypes: ['photos' as const] }
    const cleared = { ...connection, settings, clearing: ['likes' as const] }
    expect(typesOf({ connection: cleared, streams: [stream('statuses'), stream('favourites', { nextDueAt: null })] })).toEqual([
      ['photos', 'on-time'],
      ['likes', 'clearing'],
    ])
    expect(networkStatus({ ...known, connection: cleared }).word).toBe('on-time')
  })

  test('what is available is what all streams say; what is stored is not known without platform', () => {
    const streams = [stream('favourites', { available: { posts: 5, likes: 7 } }), stream('statuses', { available: { posts: 20 } })]
    const { types } = networkStatus({ ...known, streams, counts: [count('posts', 12)] })
    expect(types[0]).toMatchObject({ available: 25, stored: 12, oldest: '2020-01-01T00:00:00.000Z', newest: '2026-01-01T00:00:00.000Z' })
    expect(types[1]).toMatchObject({ available: null, stored: 0, oldest: null })
    expect(networkStatus({ ...known, counts: null }).types.map(({ stored }) => stored)).toEqual([null, null, null])
  })

  test('what the network has is told by dates once all of it was gone through, and as far as it gives all and the person wants it', () => {
    const datesOf = (part: Partial<Known>) => {
      const [type] = networkStatus({ ...known, counts: [count('posts', 12)], ...part }).types
      return [type!.oldestAvailable, type!.newestAvailable]
    }
    const { oldestThere, newestThere } = count('posts', 12)
    const within = (range: { from: string | null; to: string | null }) => ({
      connection: { ...connection, settings: { ...connection.settings, range } },
    })
    const bounded = { ...network, streams: network.streams.map((each) => ({ ...each, reach: 'The newest 800 only.' })) }
    expect(datesOf({})).toEqual([oldestThere, newestThere])
    expect(datesOf({ streams: [stream('favourites'), stream('statuses', { backfilling: true })] })).toEqual([null, null])
    expect(datesOf({ network: bounded })).toEqual([null, newestThere])
    expect(datesOf(within({ from: '2024-01-01T00:00:00.000Z', to: null }))).toEqual([null, newestThere])
    expect(datesOf(within({ from: null, to: '2024-01-01T00:00:00.000Z' }))).toEqual([oldestThere, null])
    expect(datesOf({ counts: null })).toEqual([null, null])
  })

  test('while its history is pulled, how fast and how long', () => {
    const running = { state: 'running', backfilling: true, lastSyncedAt: null, nextDueAt: null } as const
    const streams = [stream('favourites', { ...running, available: { likes: 90 } }), stream('statuses')]
    const rates = new Map([[`${connection.id}-favourites`, 60]])
    const status = networkStatus({ ...known, streams, rates, counts: [count('likes', 30)] })
    expect(status).toMatchObject({ word: 'syncing', itemsPerMinute: 60, secondsLeft: 60, isComplete: false })
    expect(status.types[2]).toMatchObject({ contentType: 'likes', itemsPerMinute: 60, secondsLeft: 60 })
    expect(status.types[0]).toMatchObject({ word: 'on-time', itemsPerMinute: null })
  })
})

describe('what was not allowed', () => {
  const without = (...declined: string[]) => ({ ...connection, declined })
  // What it was when it was still allowed.
  const streams = [stream('favourites', { state: 'failed', reason: 'Refused', nextDueAt: null }), stream('statuses')]

  test('is told of its content types, and of nothing else', () => {
    const status = networkStatus({ ...known, connection: without('favourites'), streams, counts: [count('likes', 3)] })
    expect(status).toMatchObject({ word: 'on-time', action: null, isComplete: true })
    expect(status.types).toMatchObject([
      { contentType: 'posts', word: 'on-time' },
      { contentType: 'photos', word: 'on-time' },
      { contentType: 'likes', word: 'action-required', action: 'allow', reason: null, stored: 3 },
    ])
  })

  test('all of it: of the whole, unless the connection itself is held up', () => {
    const all = without('statuses', 'favourites')
    expect(networkStatus({ ...known, connection: all, streams })).toMatchObject({
      word: 'action-required',
      action: 'allow',
      nextRunAt: null,
    })
    expect(networkStatus({ ...known, connection: { ...all, state: 'paused' }, streams })).toMatchObject({ word: 'paused', action: null })
  })
})

test('a network of one server is named by its title, an unknown one by its id', () => {
  const streams = [stream('statuses', { state: 'waiting' })]
  const central = { ...connection, server: null }
  expect(networkStatus({ ...known, connection: central, streams }).waitsFor).toBe('Meadow')
  expect(networkStatus({ ...known, connection: central, network: null, streams }).waitsFor).toBe('meadow')
})
