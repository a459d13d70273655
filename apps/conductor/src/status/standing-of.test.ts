import { describe, expect, test } from '@jest/globals'
import type { Standing, StreamStatus } from '@asheville/clients'
import { standingOf, type Facts } from './standing-of.ts'

const now = new Date('2026-03-01T12:00:00.000Z')
const at = (minutes: number): string => new Date(now.getTime() + minutes * 60_000).toISOString()

const stream: StreamStatus = {
  connectionId: '5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a01',
  stream: 'posts',
  state: 'idle',
  reason: null,
  until: null,
  backfilling: false,
  available: {},
  tally: { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 },
  skipped: [],
  pages: 1,
  lastSyncedAt: at(-10),
  nextDueAt: at(5),
}
const settings = {
  contentTypes: null,
  range: { from: null, to: null },
  readsPerMonth: null,
  syncEveryMinutes: null,
  copies: 'keep' as const,
}
const active: Facts = {
  connection: { state: 'active', stateReason: null, settings },
  name: 'example.social',
  readsThisMonth: 0,
  isPausedHere: false,
  now,
}
const noPace = () => ({ itemsPerMinute: null, secondsLeft: null })
const standing = (streams: Partial<StreamStatus>[], facts: Facts = active): Standing =>
  standingOf(
    facts,
    streams.map((part) => ({ ...stream, ...part })),
    noPace,
  )
const working = { state: 'running', nextDueAt: null } as const

describe('one stream', () => {
  test.each<[string, Partial<StreamStatus>, Partial<Standing>]>([
    ['is pulled', working, { word: 'syncing', isComplete: true }],
    ['is pulled for the first time', { ...working, backfilling: true, lastSyncedAt: null }, { word: 'syncing', isComplete: false }],
    ['is about to be pulled', { state: 'queued', nextDueAt: null }, { word: 'queued', until: null, isComplete: true }],
    [
      'waits for its network',
      { state: 'waiting', until: at(3), reason: 'Too many requests', nextDueAt: null },
      { word: 'waiting', waitsFor: 'example.social', until: at(3), reason: 'Too many requests', action: null },
    ],
    [
      'is tried again',
      { state: 'retrying', until: at(1), reason: 'It does not answer', nextDueAt: null },
      { word: 'retrying', waitsFor: null, until: at(1), reason: 'It does not answer' },
    ],
    [
      'failed, and is tried again when it is due',
      { state: 'failed', reason: 'It does not answer', nextDueAt: at(30) },
      { word: 'retrying', until: at(30), reason: 'It does not answer', nextRunAt: at(30) },
    ],
    [
      'failed for good',
      { state: 'failed', reason: 'There is no such feed', nextDueAt: null },
      { word: 'action-required', until: null, reason: 'There is no such feed', action: null },
    ],
    ['is up to date', {}, { word: 'on-time', until: null, isComplete: true, nextRunAt: at(5), lastSyncedAt: at(-10) }],
    ['has just become due', { nextDueAt: at(-4) }, { word: 'on-time' }],
    ['was due long ago', { nextDueAt: at(-5) }, { word: 'late' }],
    ['was due long ago, and never pulled', { nextDueAt: at(-5), lastSyncedAt: null }, { word: 'late', isComplete: false }],
    ['was cancelled', { state: 'cancelled' }, { word: 'queued', until: at(5), isComplete: false }],
    ['is not at the end of its history', { backfilling: true }, { word: 'queued', until: at(5), isComplete: false }],
    ['was never pulled', { lastSyncedAt: null, nextDueAt: at(0) }, { word: 'queued', until: at(0), isComplete: false }],
    ['is copied, and nothing more is planned', { nextDueAt: null }, { word: 'done', isComplete: true, nextRunAt: null }],
    ['is not wanted any more', { state: 'cancelled', nextDueAt: null }, { word: 'done', isComplete: false }],
  ])('%s', (_, part, expected) => {
    expect(standing([part])).toMatchObject(expected)
  })

  test('none: nothing is planned', () => {
    expect(standing([])).toEqual({
      word: 'done',
      waitsFor: null,
      until: null,
      reason: null,
      action: null,
      isComplete: true,
      itemsPerMinute: null,
      secondsLeft: null,
      lastSyncedAt: null,
      nextRunAt: null,
    })
  })
})

describe('the bound of reads', () => {
  const bounded = (readsPerMonth: number): Facts => ({
    ...active,
    connection: { ...active.connection, settings: { ...settings, readsPerMonth } },
    readsThisMonth: 1120,
  })
  const waiting = { state: 'waiting', until: at(1000), reason: 'Your bound is reached', nextDueAt: at(1000) } as const

  test('once reached, is what it waits for, and the person may raise it', () => {
    const held = { word: 'waiting', waitsFor: null, until: at(1000), action: 'raise-bound' }
    expect(standing([waiting], bounded(1000))).toMatchObject(held)
    expect(standing([waiting], bounded(1120))).toMatchObject(held)
  })

  test('not reached, it is the network that is waited for; while something is pulled, that is told', () => {
    expect(standing([waiting], bounded(2000))).toMatchObject({ word: 'waiting', waitsFor: 'example.social', action: null })
    expect(standing([waiting, working], bounded(1000))).toMatchObject({ word: 'syncing', action: null })
  })
})

describe('the connection', () => {
  const of = (state: Facts['connection']['state']): Facts => ({
    ...active,
    connection: { state, stateReason: 'Because', settings },
  })

  test.each<[Facts['connection']['state'], Partial<Standing>]>([
    ['reconnect', { word: 'action-required', action: 'reconnect', reason: 'Because', nextRunAt: null }],
    ['full', { word: 'action-required', action: 'free-space', reason: 'Because', nextRunAt: at(5) }],
    ['paused', { word: 'paused', action: null, reason: 'Because', nextRunAt: null }],
  ])('that is %s says so, whatever its streams do', (state, expected) => {
    expect(standing([{}, { state: 'failed' }], of(state))).toMatchObject(expected)
  })
})

describe('several streams', () => {
  test.each<[Partial<StreamStatus>[], Standing['word']]>([
    [[{}, working, { state: 'failed', nextDueAt: null }], 'action-required'],
    [[{ state: 'waiting', until: at(1) }, working, { state: 'queued' }], 'syncing'],
    [[{ state: 'queued' }, { state: 'retrying', until: at(1) }, { state: 'waiting', until: at(2) }], 'waiting'],
    [[{ state: 'queued' }, { state: 'failed' }], 'retrying'],
    [[{ nextDueAt: at(-9) }, { state: 'queued' }], 'queued'],
    [[{}, { nextDueAt: at(-9) }], 'late'],
    [[{ nextDueAt: null }, {}], 'on-time'],
  ])('the most urgent is told: %j', (streams, word) => {
    expect(standing(streams).word).toBe(word)
  })

  test('all must be complete; the last time and the next are told', () => {
    const all = standing([{ lastSyncedAt: at(-3), nextDueAt: at(9) }, { lastSyncedAt: null, nextDueAt: null }, {}])
    expect(all).toMatchObject({ isComplete: false, lastSyncedAt: at(-3), nextRunAt: at(5) })
  })
})

describe('the pace', () => {
  const history = { ...working, backfilling: true, lastSyncedAt: null } as const
  const paced = (parts: Partial<StreamStatus>[], paces: Record<string, [number | null, number | null]>): Standing =>
    standingOf(
      active,
      parts.map((part) => ({ ...stream, ...part })),
      ({ stream: name }) => {
        const [itemsPerMinute = null, secondsLeft = null] = paces[name] ?? []
        return { itemsPerMinute, secondsLeft }
      },
    )

  test('is the sum of what is pulled; what takes longest counts', () => {
    const two = paced([{ ...history, stream: 'a' }, { ...history, stream: 'b' }, {}], { a: [30, 100], b: [12, 40] })
    expect(two).toMatchObject({ itemsPerMinute: 42, secondsLeft: 100 })
    expect(
      paced(
        [
          { ...history, stream: 'a' },
          { ...history, stream: 'b' },
        ],
        { a: [30, 100] },
      ),
    ).toMatchObject({ itemsPerMinute: 30, secondsLeft: null })
  })

  test('how long it takes is not known while part of it waits, nor told where only news are pulled', () => {
    expect(
      paced(
        [
          { ...history, stream: 'a' },
          { state: 'queued', lastSyncedAt: null },
        ],
        { a: [30, 100] },
      ).secondsLeft,
    ).toBeNull()
    expect(paced([{ ...working, stream: 'a' }], { a: [30, null] })).toMatchObject({ itemsPerMinute: 30, secondsLeft: null })
    expect(paced([{}], {})).toMatchObject({ itemsPerMinute: null, secondsLeft: null })
  })
})

describe('where the owner of the server has paused the network', () => {
  const paused = { ...active, isPausedHere: true }

  test.each<[string, Partial<StreamStatus>]>([
    ['had its slice', working],
    ['is about to be pulled', { state: 'queued', nextDueAt: null }],
    ['is tried again', { state: 'retrying', until: at(1), reason: 'It does not answer', nextDueAt: null }],
    ['was due long ago', { nextDueAt: at(-50) }],
    ['is up to date', {}],
  ])('what %s waits for that', (_, part) => {
    expect(standing([part], paused)).toMatchObject({
      word: 'waiting',
      waitsFor: 'example.social',
      until: null,
      reason: 'The owner of this server has paused it for now',
      itemsPerMinute: null,
      nextRunAt: null,
    })
  })

  test('what needs the person still does, and what they paused themselves stays so', () => {
    expect(standing([{ state: 'failed', reason: 'There is no such feed', nextDueAt: null }], paused).word).toBe('action-required')
    expect(standing([{ nextDueAt: null }], paused).word).toBe('done')
    expect(standing([{}], { ...paused, connection: { ...active.connection, state: 'paused' } }).word).toBe('paused')
  })
})
