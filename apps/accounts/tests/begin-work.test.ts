import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Connection, SyncJob } from '@asheville/clients'
import type { ContentType, Stream } from '@asheville/core'
import { returnLease, takeLease } from './lease-calls.ts'
import { diary } from './scripted-networks.ts'
import { errorOf, kindThrown, startAccounts, type RunningAccounts } from './start-accounts.ts'

/** A network like the diary, of several streams. */
const library = {
  ...diary,
  id: 'library',
  title: 'Library',
  streams: [
    ['entries', ['posts', 'photos']],
    ['marks', ['likes']],
    ['people', ['follows']],
  ].map(([name, contentTypes]): Stream => ({ ...diary.streams[0]!, name: name as string, contentTypes: contentTypes as ContentType[] })),
}

let accounts: RunningAccounts
beforeAll(async () => {
  accounts = await startAccounts({ networks: [diary, library] })
})
afterAll(() => accounts.close())

const streamsOf = (jobs: readonly SyncJob[]): string[] => jobs.map(({ stream }) => stream).sort()

async function setUp() {
  const person = await accounts.signUp()
  const userId = person.user.id
  const connect = async (provider: string): Promise<Connection> => {
    const body = { provider, fields: { name: randomUUID() }, sessionId: person.session.id, reconnects: null }
    const reply = await accounts.web.beginConnect({ userId, body })
    if (reply.next !== 'connected') throw new Error('not connected')
    return reply.connection
  }
  const first = await connect('library')
  const { conductor, workers } = accounts
  const sync = (wish: Partial<Parameters<typeof conductor.createSync>[0]['body']> = {}) =>
    conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null, ...wish } })
  const restart = (from: 'checkpoint' | 'scratch', stream: string | null = null, connectionId = first.id) =>
    conductor.restartStreams({ userId, params: { connectionId }, body: { stream, from } })
  const cancel = (connectionId: string | null = null) => conductor.cancelWork({ userId, body: { connectionId } })
  const lease = async (syncId: string, stream: string) => {
    const wanted = { userId, connectionId: first.id, stream, syncId, streamVersion: 1 }
    const { lease } = await takeLease(workers, randomUUID(), wanted)
    if (!lease) throw new Error('no lease')
    return lease
  }
  /** Pulls one page of a stream's history, and its head. */
  const pull = async (syncId: string, stream: string) => {
    const { fence } = await lease(syncId, stream)
    const at = { userId, params: { connectionId: first.id, stream } }
    const walk = { id: 'all', kind: 'backfill' as const, range: { from: null, to: null }, cursor: null }
    await workers.savePlan({ ...at, body: { fence, walks: [walk], replaces: [] } })
    const tally = { new: 1, changed: 0, unchanged: 0, gone: 0, skipped: 0 }
    const page = {
      fence,
      walkId: 'all',
      cursor: '1',
      head: '9',
      pages: 1,
      tally,
      skipped: [],
      available: { likes: 40 },
      hasPendingMedia: false,
    }
    await workers.saveCheckpoint({ ...at, body: page })
    return fence
  }
  const giveBack = (stream: string, fence: number) =>
    returnLease(workers, { userId, connectionId: first.id, stream, fence, outcome: { kind: 'done' } })
  const status = async (stream: string) => (await conductor.listStreams({ userId })).streams.find((one) => one.stream === stream)!
  return { userId, connect, first, sync, restart, cancel, lease, pull, giveBack, status }
}

describe('what is asked for', () => {
  test('of named networks, and of content types, only what fits', async () => {
    const { sync, cancel, connect } = await setUp()
    const other = await connect('diary')
    const jobsOf = async (wish: Parameters<typeof sync>[0]) => {
      const { jobs } = await sync(wish)
      await cancel()
      return jobs
    }
    expect(streamsOf(await jobsOf({}))).toEqual(['entries', 'entries', 'marks', 'people'])
    expect((await jobsOf({ networks: ['diary'] })).map(({ connectionId }) => connectionId)).toEqual([other.id])
    expect(streamsOf(await jobsOf({ contentTypes: ['photos', 'follows'] }))).toEqual(['entries', 'people'])
    expect(streamsOf(await jobsOf({ networks: ['library'], contentTypes: ['likes'] }))).toEqual(['marks'])
    expect(await kindThrown(sync({ networks: ['diary'], contentTypes: ['likes'] }))).toBe('conflict')
    expect(await kindThrown(sync({ networks: ['nothing'] }))).toBe('conflict')
  })

  test('a plan starts nothing, and tells what would be walked', async () => {
    const { sync, pull, cancel, userId, first } = await setUp()
    const plan = async (from?: 'scratch') => {
      const { connections } = await accounts.conductor.planSync({ userId, body: { connectionIds: null, ...(from && { from }) } })
      return connections
    }
    expect(await plan()).toMatchObject([
      {
        connectionId: first.id,
        provider: 'library',
        streams: [
          { stream: 'entries', contentTypes: ['posts', 'photos'], walks: ['backfill'], isUnderWay: false },
          { stream: 'marks' },
          { stream: 'people' },
        ],
      },
    ])
    expect((await accounts.conductor.listSyncs({ userId, query: {} })).syncs).toEqual([])
    const { id } = (await sync({ contentTypes: ['likes'] })).sync
    await pull(id, 'marks')
    const marks = async (from?: 'scratch') => (await plan(from))[0]!.streams[1]
    expect(await marks()).toMatchObject({
      walks: ['incremental', 'backfill'],
      isUnderWay: true,
      available: { likes: 40 },
    })
    await cancel()
    expect(await marks()).toMatchObject({ walks: ['incremental', 'backfill'], isUnderWay: false })
    expect(await marks('scratch')).toMatchObject({ walks: ['backfill'] })
    await accounts.web.updateConnection({ userId, params: { connectionId: first.id }, body: { paused: true } })
    expect((await errorOf(plan())).message).toContain('nothing to sync')
  })
})

describe('from scratch', () => {
  test('what was pulled is forgotten, once: asked again, it is the same sync, and goes on', async () => {
    const { sync, pull, lease, giveBack } = await setUp()
    const first = await sync({ contentTypes: ['likes'] })
    await giveBack('marks', await pull(first.sync.id, 'marks'))
    const anew = await sync({ contentTypes: ['likes'], from: 'scratch' })
    expect(anew).toMatchObject({ created: true, jobs: [{ stream: 'marks' }] })
    const fence = await pull(anew.sync.id, 'marks')
    const again = await sync({ contentTypes: ['likes'], from: 'scratch' })
    expect(again).toMatchObject({ created: false, sync: { id: anew.sync.id } })
    await giveBack('marks', fence)
    const later = await sync({ contentTypes: ['likes'] })
    expect(await lease(later.sync.id, 'marks')).toMatchObject({ head: '9', walks: [{ id: 'all', cursor: '1' }] })
  })

  test('what is under way from the checkpoint is broken off; its worker is refused', async () => {
    const { sync, pull, lease, giveBack, status } = await setUp()
    const { id } = (await sync()).sync
    const fence = await pull(id, 'marks')
    expect(await sync({ contentTypes: ['likes'], from: 'scratch' })).toMatchObject({ created: false, sync: { id } })
    expect(await kindThrown(giveBack('marks', fence))).toBe('conflict')
    expect(await status('marks')).toMatchObject({ state: 'queued', backfilling: false })
    expect(await lease(id, 'marks')).toMatchObject({ needsPlan: true, head: null, walks: [] })
    expect(await status('entries')).toMatchObject({ state: 'queued' })
  })

  test('a stream that the running sync has just done is done once more', async () => {
    const { sync, lease, giveBack } = await setUp()
    const { id } = (await sync()).sync
    await giveBack('marks', (await lease(id, 'marks')).fence)
    expect(streamsOf((await sync()).jobs)).toEqual(['entries', 'people'])
    expect(streamsOf((await sync({ from: 'scratch' })).jobs)).toEqual(['entries', 'marks', 'people'])
  })
})

describe('restarting', () => {
  test('goes on from the checkpoint, at once, whatever it waits for', async () => {
    const { sync, pull, lease, restart, status, userId, first } = await setUp()
    const { id } = (await sync()).sync
    const fence = await pull(id, 'marks')
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const outcome = { kind: 'retrying' as const, until, reason: 'It does not answer' }
    await returnLease(accounts.workers, { userId, connectionId: first.id, stream: 'marks', fence, outcome })
    const { sync: same, jobs } = await restart('checkpoint', 'marks')
    expect([same.id, streamsOf(jobs)]).toEqual([id, ['marks']])
    expect(await status('marks')).toMatchObject({ state: 'queued', until: null, reason: null })
    expect(await lease(id, 'marks')).toMatchObject({ attempts: 0, needsPlan: true, head: '9', walks: [{ cursor: '1' }] })
  })

  test('from scratch each time that it is asked for, and where nothing is under way', async () => {
    const { pull, lease, restart } = await setUp()
    const first = await restart('scratch')
    expect(streamsOf(first.jobs)).toEqual(['entries', 'marks', 'people'])
    const fence = await pull(first.sync.id, 'marks')
    const second = await restart('scratch', 'marks')
    expect([second.sync.id, streamsOf(second.jobs)]).toEqual([first.sync.id, ['marks']])
    const now = await lease(first.sync.id, 'marks')
    expect(now).toMatchObject({ head: null, walks: [] })
    expect(now.fence).toBeGreaterThan(fence)
  })

  test('not of what is paused, another’s, or no stream of it', async () => {
    const { restart, userId, first } = await setUp()
    const stranger = await setUp()
    expect(await kindThrown(stranger.restart('scratch', null, first.id))).toBe('not-found')
    expect(await kindThrown(restart('scratch', null, randomUUID()))).toBe('not-found')
    expect(await kindThrown(restart('checkpoint', 'nothing'))).toBe('not-found')
    await accounts.web.updateConnection({ userId, params: { connectionId: first.id }, body: { paused: true } })
    expect(await kindThrown(restart('checkpoint'))).toBe('conflict')
    expect((await accounts.conductor.listSyncs({ userId, query: {} })).syncs).toEqual([])
  })
})

describe('cancelling', () => {
  test('one connection: its work ends, the sync goes on for the others; checkpoints are kept', async () => {
    const { sync, cancel, connect, pull, lease, first } = await setUp()
    const other = await connect('diary')
    const { id } = (await sync()).sync
    await pull(id, 'marks')
    const cancelled = await cancel(first.id)
    expect(cancelled).toMatchObject({ sync: { id, state: 'running' } })
    expect(streamsOf(cancelled.jobs)).toEqual(['entries', 'marks', 'people'])
    expect(await cancel(first.id)).toEqual({ sync: null, jobs: [] })
    expect(await cancel(other.id)).toMatchObject({ sync: { id, state: 'cancelled' } })
    const next = (await sync()).sync
    expect(next.id).not.toBe(id)
    await accounts.db.query("UPDATE leases SET expires_at = now() - interval '1 second'")
    expect(await lease(next.id, 'marks')).toMatchObject({ head: '9', walks: [{ cursor: '1' }] })
  })

  test('everything of the person, and of nobody else', async () => {
    const { sync, cancel, lease, giveBack, userId } = await setUp()
    const stranger = await setUp()
    await stranger.sync()
    const { id } = (await sync()).sync
    await giveBack('marks', (await lease(id, 'marks')).fence)
    expect(await cancel()).toMatchObject({ sync: { id, state: 'cancelled' }, jobs: [{ userId }, { userId }] })
    expect(await cancel()).toEqual({ sync: null, jobs: [] })
    expect(await kindThrown(cancel(stranger.first.id))).toBe('not-found')
    expect((await stranger.sync()).created).toBe(false)
  })
})
