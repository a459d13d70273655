import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { QueueStatus, WorkerStatus } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { webTable } from '../src/routes.ts'
import { unlockFor } from '../src/unlocking.ts'
import { accountsOf, ann, type Script, sessionFor } from './scripted-services.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor, tokenOf, type Visitor } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
const secret = 'a secret of at least thirty-two characters'
let site: TestSite
let visitor: Visitor
let controls: object[]
let drained: object[]
let asked: { method: string; path: string; isUnlocked: boolean }[]
let queues: QueueStatus[]
let workers: WorkerStatus[]

const queueOf = (network: string, part: Partial<QueueStatus> = {}): QueueStatus => ({
  network,
  isPaused: false,
  jobsPerMinute: null,
  waiting: 0,
  active: 0,
  delayed: 0,
  failed: 0,
  oldestWaitingAt: null,
  inPostgres: { due: 0, late: 0, oldestDueAt: null, parked: 0, leased: 0 },
  held: null,
  ...part,
})
const workerOf = (holder: string, part: Partial<WorkerStatus> = {}): WorkerStatus => ({
  holder,
  startedAt: new Date(Date.now() - 3_600_000).toISOString(),
  running: {},
  isDraining: false,
  isAsked: false,
  ...part,
})

async function start(role: 'owner' | 'member'): Promise<void> {
  ;[controls, drained, asked] = [[], [], []]
  const script: Script = {
    accounts: {
      ...accountsOf({ ...ann, role }, token, []),
      putControl: async ({ params: { network }, body }) => {
        if (network === 'nowhere') throw new AshevilleError('not-found', 'There is no such network')
        const control = { network, ...body }
        controls.push(control)
        return control
      },
    },
    conductor: {
      getQueues: async () => ({ networks: queues, workers }),
      drainWorker: async ({ params, body }) => void drained.push({ ...params, ...body }),
      askBoard: async ({ body }) => {
        asked.push(body)
        if (body.method !== 'GET' && !body.isUnlocked) throw new AshevilleError('forbidden', 'This is read-only')
        return { status: 200, body: { queues: [] } }
      },
    },
    platform: {},
  }
  site = await startSite(script, sampleNetworks, { deadlineMs: 15_000 })
  visitor = createVisitor(site.url, { asheville: token })
}

beforeEach(() => {
  queues = [
    queueOf('mastodon', { waiting: 1200, active: 5, failed: 1, oldestWaitingAt: new Date(Date.now() - 300_000).toISOString() }),
    queueOf('bluesky', {
      isPaused: true,
      jobsPerMinute: 30,
      inPostgres: { due: 4321, late: 1234, oldestDueAt: new Date(Date.now() - 7_200_000).toISOString(), parked: 17, leased: 3 },
    }),
    queueOf('feeds', { held: { until: '2026-12-01T14:32:00.000Z', reason: 'The app has <used> its day up' } }),
  ]
  workers = [
    workerOf('host:3004', { running: { mastodon: 4, bluesky: 1 } }),
    workerOf('host:3005', { isDraining: true, isAsked: true }),
    workerOf('host:3006', { isAsked: true, running: { mastodon: 1 } }),
  ]
})
afterEach(() => site.close())

/** As bull-board's own scripts ask. */
const script = (method: string, path: string, csrf = '') => {
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { cookie, accept: 'application/json', 'sec-fetch-site': 'same-origin', ...(csrf && { 'x-xsrf-token': csrf }) }
  return fetch(`${site.url}/admin/queues/board/api${path}`, { method, headers, redirect: 'manual' })
}
const xsrf = async () => {
  await visitor.get('/admin/queues/board')
  return visitor.cookies.get('XSRF-TOKEN') ?? ''
}

test('the page tells how much waits where and for how long, and what each worker does', async () => {
  await start('owner')
  const page = await (await visitor.get('/admin/queues')).text()
  for (const text of [
    '1,200',
    ' minutes ago',
    '4,321',
    '1,234',
    '2 hours ago',
    'Paused, 3 are giving back what they have',
    'Mastodon: 4 jobs · Bluesky: one job',
    'host:3005',
    'Takes no jobs',
    'Ends what it has',
  ])
    expect(page).toContain(text)
  expect(page).toContain('The app has &lt;used&gt; its day up')
  expect(page).toContain('The board is read-only')
  expect(await (await visitor.get('/settings')).text()).toContain('href="/admin/queues"')
  workers = []
  expect(await (await visitor.get('/admin/queues')).text()).toContain('No worker has been heard of')
})

test('a network is paused, resumed, and bounded; what is no number is said where it was typed', async () => {
  await start('owner')
  const send = (network: string, fields: Record<string, string>) =>
    visitor.submit('/admin/queues', `/admin/queues/networks/${network}`, { isPaused: 'no', jobsPerMinute: '', ...fields })
  expect((await send('mastodon', { to: 'pause' })).headers.get('location')).toBe('/admin/queues#mastodon')
  await send('bluesky', { to: 'resume', isPaused: 'yes', jobsPerMinute: '30' })
  await send('bluesky', { to: 'limit', isPaused: 'yes', jobsPerMinute: ' 60 ' })
  await send('mastodon', { to: 'limit' })
  expect(controls).toEqual([
    { network: 'mastodon', isPaused: true, jobsPerMinute: null },
    { network: 'bluesky', isPaused: false, jobsPerMinute: 30 },
    { network: 'bluesky', isPaused: true, jobsPerMinute: 60 },
    { network: 'mastodon', isPaused: false, jobsPerMinute: null },
  ])
  for (const typed of ['0', '-1', '1.5', 'many', '1e3']) {
    const answer = await send('mastodon', { to: 'limit', jobsPerMinute: typed })
    expect(answer.status).toBe(422)
    expect(await answer.text()).toContain('Write a whole number from 1 to 999999')
  }
  expect((await send('nowhere', { to: 'pause' })).status).toBe(422)
  expect(controls).toHaveLength(4)
})

test('a worker is drained, and takes jobs again', async () => {
  await start('owner')
  const page = await (await visitor.get('/admin/queues')).text()
  expect(page).toContain('action="/admin/queues/workers/host%3A3004"')
  for (const to of ['drain', 'work']) await visitor.submit('/admin/queues', '/admin/queues/workers/host%3A3004', { to })
  expect(drained).toEqual([
    { holder: 'host:3004', isDrained: true },
    { holder: 'host:3004', isDrained: false },
  ])
})

test('the board is read-only until it is unlocked, and again once it is locked, in another session, or after a quarter of an hour', async () => {
  await start('owner')
  const csrf = await xsrf()
  const put = async () => (await script('PUT', '/queues/sync-mastodon/clean/failed', csrf)).status
  expect((await script('GET', '/queues?activeQueue=sync-mastodon')).status).toBe(200)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    expect((await script(method, '/queues/sync-mastodon/clean/failed', csrf)).status).toBe(403)
  expect(asked.map(({ isUnlocked }) => isUnlocked)).toEqual([false, false, false, false, false])

  expect((await visitor.submit('/admin/queues', '/admin/queues/unlock')).headers.get('location')).toBe('/admin/queues/board')
  expect(await put()).toBe(200)
  expect(asked.at(-1)).toMatchObject({ method: 'PUT', path: '/queues/sync-mastodon/clean/failed', isUnlocked: true })
  expect(await (await visitor.get('/admin/queues')).text()).toContain('/admin/queues/lock')

  const unlocked = visitor.cookies.get('asheville-unlock') ?? visitor.cookies.get('__Host-asheville-unlock') ?? ''
  expect(unlocked).not.toBe('')
  await visitor.submit('/admin/queues', '/admin/queues/lock')
  expect(await put()).toBe(403)
  const { id } = sessionFor(ann)
  for (const [value, status] of [
    [unlocked, 200],
    [unlockFor(secret, id, Date.now() - 15 * 60_000).value, 403],
    [unlockFor(secret, 'another session').value, 403],
    [unlockFor('another secret', id).value, 403],
  ] as const) {
    visitor.cookies.set('asheville-unlock', value)
    expect(await put()).toBe(status)
  }
  visitor.cookies.set('asheville-unlock', unlocked)
  await visitor.submit('/settings', '/sign-out')
  expect(visitor.cookies.has('asheville-unlock')).toBe(false)
})

test('what changes something wants the token of this session in its header, from a page of ours', async () => {
  await start('owner')
  const csrf = await xsrf()
  await visitor.submit('/admin/queues', '/admin/queues/unlock')
  for (const wrong of ['', `${csrf}x`, tokenOf(`name="_csrf" value="${'a'.repeat(43)}"`)])
    expect((await script('PUT', '/queues/sync-mastodon/promote', wrong)).status).toBe(403)
  const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { cookie, 'x-xsrf-token': csrf, 'sec-fetch-site': 'cross-site' }
  expect((await fetch(`${site.url}/admin/queues/board/api/queues/sync-mastodon/promote`, { method: 'PUT', headers })).status).toBe(403)
  expect(asked).toEqual([])
})

test('the board’s own page runs its scripts by nonce, and its files are those of its package', async () => {
  await start('owner')
  const answer = await visitor.get('/admin/queues/board/queue/sync-mastodon')
  const page = await answer.text()
  const policy = answer.headers.get('content-security-policy') ?? ''
  expect(policy).toMatch(/script-src 'nonce-[^']+' 'strict-dynamic';/)
  expect(policy).not.toContain('unsafe')
  const files = [...page.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path]) => path!)
  expect(files.length).toBeGreaterThan(3)
  for (const file of files) expect((await visitor.get(`/admin/queues/board/${file}`)).status).toBe(200)
  for (const file of ['static/nothing.js', 'static/..%2findex.ejs', 'static/%2e%2e/%2e%2e/package.json', 'static/js'])
    expect((await visitor.get(`/admin/queues/board/${file}`)).status).toBe(404)
  expect(page).toContain('The board needs JavaScript')
})

test('for everybody but the owner none of it is there, on every path and by every verb', async () => {
  const paths = new Set(
    webTable()
      .map(({ path }) => path)
      .filter((path) => path.startsWith('/admin')),
  )
  expect(paths.size).toBeGreaterThan(9)
  await start('member')
  const csrf = tokenOf(await (await visitor.get('/settings')).text())
  const strange = createVisitor(site.url)
  for (const path of paths) {
    const address = path.replace(/[:*]\w+/g, 'queues')
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      for (const accept of ['text/html', 'application/json']) {
        const headers = { accept, 'x-xsrf-token': csrf, cookie: `asheville=${token}` }
        const answer = await fetch(site.url + address, { method, headers, redirect: 'manual' })
        expect([method, path, answer.status]).toEqual([method, path, 404])
      }
      const answer = await fetch(site.url + address, { method, headers: { accept: 'application/json' }, redirect: 'manual' })
      expect([401, 403, 404]).toContain(answer.status)
    }
    expect((await strange.get(address)).headers.get('location') ?? '/sign-in').toMatch(/^\/sign-in/)
  }
  expect([controls, drained, asked]).toEqual([[], [], []])
})
