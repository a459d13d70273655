import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Connection, Standing } from '@asheville/clients'
import { AshevilleError, type ContentType, type Stream } from '@asheville/core'
import { openBrowser } from '@asheville/testkit/browser'
import type { Browser } from 'playwright-core'
import { accountsOf, ann, connectionOf, networkStatusOf, type Script, statusOf } from './scripted-services.ts'
import { networkOf, startSite, type TestSite } from './start-site.ts'
import { createVisitor, type Visitor } from './visitor.ts'

/* A network that charges for what is read, and one that does not. */

const token = 'a-session-token-of-forty-characters-here'

const stream = (name: string, contentTypes: ContentType[], isPaid: boolean): Stream => ({
  name,
  version: 1,
  contentTypes,
  plan: () => Promise.resolve([]),
  pages: () => (async function* () {})(),
  ...(isPaid && { estimate: () => Promise.resolve(null) }),
})

const network = (id: string, title: string, isPaid: boolean) =>
  networkOf({
    id,
    title,
    description: 'Posts and likes.',
    streams: [stream('posts', ['posts', 'photos'], isPaid), stream('likes', ['likes'], isPaid)],
    logins: [{ kind: 'fields', fields: [{ name: 'key', label: 'Key', kind: 'text' }], signIn: () => Promise.reject(new Error('no')) }],
  })

const x = connectionOf({ provider: 'twitter', handle: '@ann' })
const free = connectionOf({ provider: 'feeds', handle: 'ann.example' })
const figures = [
  { stream: 'posts', contentTypes: ['posts' as const, 'photos' as const], reads: 3200 },
  { stream: 'likes', contentTypes: ['likes' as const], reads: null },
]

let site: TestSite
let visitor: Visitor
let browser: Browser
let script: Script
let current: Connection
const seen: { updates: unknown[]; syncs: unknown[] } = { updates: [], syncs: [] }

beforeAll(async () => {
  script = { accounts: {}, conductor: {}, platform: {} }
  site = await startSite(script, [network('twitter', 'X', true), network('feeds', 'Feeds', false)])
  site.url = site.url.replace('127.0.0.1', 'localhost')
  browser = await openBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await site?.close()
})
beforeEach(() => {
  current = { ...x, state: 'paused', stateReason: 'X charges for what is read. See what a copy takes, then start it' }
  seen.updates = []
  seen.syncs = []
  Object.assign(script.accounts, accountsOf(ann, token, [x, free]), {
    getConnection: async ({ params }) => {
      if (params.connectionId === x.id) return current
      if (params.connectionId === free.id) return free
      throw new AshevilleError('not-found', 'There is no such connection')
    },
    beginConnect: async ({ body }) => ({ next: 'connected', connection: body.provider === 'twitter' ? current : free }),
    getEstimate: async () => ({ streams: figures }),
    listReads: async () => ({ reads: [{ connectionId: x.id, thisMonth: 1120 }] }),
    updateConnection: async ({ body }) => {
      seen.updates.push(body)
      return current
    },
  } satisfies Script['accounts'])
  Object.assign(script.conductor, {
    createSync: async ({ body }) => {
      seen.syncs.push(body)
      throw new AshevilleError('unavailable', 'It is begun with later')
    },
  } satisfies Script['conductor'])
  script.platform.listItems = async () => ({ items: [], next: null })
  visitor = createVisitor(site.url, { asheville: token })
})

const address = `/connections/${x.id}/start`
const pageAt = async (path: string) => (await visitor.get(path)).text()

function showStatus(connection: Partial<Connection>, part: Partial<Standing>, readsThisMonth: number): void {
  const one = { ...current, ...connection }
  const standing = { word: one.state === 'paused' ? ('paused' as const) : ('on-time' as const), reason: one.stateReason, ...part }
  script.conductor.getStatus = statusOf([networkStatusOf(one, { ...standing, readsThisMonth }), networkStatusOf(free)])
}
const bounded = (readsPerMonth: number | null) => ({ ...x.settings, readsPerMonth })

describe('connecting', () => {
  test('what costs leads to what it takes, and begins nothing; the rest begins at once', async () => {
    const paid = await visitor.submit('/connect/twitter', '/connect/twitter', { 'field-key': 'k' })
    expect([paid.status, paid.headers.get('location')]).toEqual([303, address])
    expect(seen.syncs).toEqual([])
    const other = await visitor.submit('/connect/feeds', '/connect/feeds', { 'field-key': 'k' })
    expect(other.headers.get('location')).toBe('/status')
    expect(seen.syncs).toEqual([{ trigger: 'connect', connectionIds: [free.id], from: 'checkpoint' }])
  })
})

describe('what it takes', () => {
  test('is told for each kind of content, as far as the network tells, with what was read this month', async () => {
    const page = await pageAt(address)
    for (const words of ['Posts, Photos', 'about 3,200 reads', 'X does not tell', 'At least 3,200 reads', '1,120 records were read'])
      expect(page).toContain(words)
    expect(page).toContain('Start copying')
    expect(page).toMatch(/one page of each/)
    script.accounts.getEstimate = async () => ({ streams: figures.slice(0, 1) })
    expect(await pageAt(address)).toContain('About 3,200 reads in all')
  })

  test('is not known while the network is silent, and one can start all the same', async () => {
    script.accounts.getEstimate = () => Promise.reject(new AshevilleError('unavailable', 'X does not answer in time'))
    const answer = await visitor.get(address)
    const page = await answer.text()
    expect(answer.status).toBe(200)
    expect(page).toContain('not known just now: X does not answer in time')
    expect(page).toContain('name="readsPerMonth"')
  })

  test('is no question where nothing costs, and nobody else’s', async () => {
    const answer = await visitor.get(`/connections/${free.id}/start`)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
    expect((await visitor.get('/connections/5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1aff/start')).status).toBe(404)
    expect((await visitor.get('/connections/nothing/start')).status).toBe(404)
  })
})

describe('the bound', () => {
  const send = (readsPerMonth: string) => visitor.submit(address, address, { readsPerMonth })

  test('is saved with the start, as a number or as none', async () => {
    for (const [written, saved] of [
      ['1,000', 1000],
      [' 25 ', 25],
      ['', null],
    ] as const) {
      const answer = await send(written)
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
      expect(seen.updates.at(-1)).toEqual({ settings: { readsPerMonth: saved }, paused: false })
    }
    expect(seen.syncs).toHaveLength(3)
  })

  test('that is no number is told at its field, and nothing is started', async () => {
    for (const written of ['0', '-5', '1.5', '1,5', 'lots', '99999999999', '1e3']) {
      const answer = await send(written)
      const page = await answer.text()
      expect([written, answer.status]).toEqual([written, 422])
      expect(page).toContain(`value="${written}"`)
      expect(page).toMatch(/id="field-readsPerMonth"[^>]*aria-invalid="true"/s)
    }
    expect([seen.updates, seen.syncs]).toEqual([[], []])
  })

  test('can be changed later, which begins no sync', async () => {
    current = { ...x, settings: bounded(1000) }
    const page = await pageAt(address)
    expect(page).toContain('value="1000"')
    expect(page).not.toContain('Start copying')
    await send('2000')
    expect(seen.updates).toEqual([{ settings: { readsPerMonth: 2000 }, paused: false }])
    expect(seen.syncs).toEqual([])
  })
})

describe('the status', () => {
  test('of one that was not started leads to what it takes', async () => {
    showStatus({}, { lastSyncedAt: null }, 0)
    const page = await pageAt('/status')
    expect(page).toContain('X charges for what is read')
    expect(page).toContain(`href="${address}"`)
    expect(page).not.toContain(`/connections/${x.id}/resume`)
  })

  test('tells what was read, of how much', async () => {
    showStatus({ state: 'active', stateReason: null, settings: bounded(5000) }, {}, 1120)
    expect(await pageAt('/status')).toContain('1,120 of 5,000 reads this month')
    showStatus({ state: 'active', stateReason: null }, {}, 1120)
    const page = await pageAt('/status')
    expect(page).toContain('1,120 reads this month')
    expect(page.match(/reads this month/g)).toHaveLength(1)
    expect(page).toContain(`/connections/${x.id}/sync`)
  })

  test('says until when the bound holds it, and how to change that; while something still runs, it does not', async () => {
    const until = '2031-02-01T00:00:00.000Z'
    const active = { state: 'active' as const, stateReason: null, settings: bounded(1000) }
    showStatus(active, { word: 'waiting', action: 'raise-bound', until, reason: 'Your bound of 1,000 reads a month is reached' }, 1120)
    const page = await pageAt('/status')
    expect(page).toContain('Your bound of 1,000 reads a month is reached.')
    expect(page).toMatch(/goes on by itself: <time datetime="2031-02-01T00:00:00.000Z"/)
    expect(page).toContain('Bound reached')
    expect(page).toContain(`href="${address}"`)
    expect(page).not.toContain(`/connections/${x.id}/sync`)
    showStatus(active, { word: 'syncing' }, 1120)
    expect(await pageAt('/status')).not.toContain('Bound reached')
    showStatus(active, { word: 'waiting', waitsFor: 'X', until, reason: 'X’s own month is used up' }, 1120)
    const held = await pageAt('/status')
    expect(held).not.toContain('Bound reached')
    expect(held).toMatch(/until <time datetime="2031-02-01T00:00:00.000Z" data-style="moment"/)
  })
})

describe('in Chromium', () => {
  test('one starts without a script', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
    const page = await context.newPage()
    showStatus({}, {}, 0)
    await page.goto(site.url + address)
    await page.getByLabel('Reads a month at most').fill('lots')
    await page.getByRole('button', { name: 'Start copying' }).click()
    await page.getByText('Write a whole number').waitFor()
    await page.getByLabel('Reads a month at most').fill('1,000')
    await page.getByRole('button', { name: 'Start copying' }).click()
    await page.waitForURL('**/status')
    expect(seen.updates).toEqual([{ settings: { readsPerMonth: 1000 }, paused: false }])
    await context.close()
  })

  test.each([
    ['light', 1440],
    ['dark', 390],
  ] as const)(
    'accessible in %s at %i',
    async (colorScheme, width) => {
      const options = { colorScheme, viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' as const }
      const context = await browser.newContext(options)
      await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
      const page = await context.newPage()
      const look = async (name: string, path: string) => {
        await page.goto(site.url + path)
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect([name, violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)]).toEqual([name, []])
        const fits = await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)
        expect([name, fits]).toEqual([name, true])
      }
      await look('start', address)
      script.accounts.getEstimate = () => Promise.reject(new AshevilleError('unavailable', 'X does not answer in time'))
      await look('untold', address)
      showStatus({}, { lastSyncedAt: null }, 0)
      await look('not-started', '/status')
      const until = '2031-02-01T00:00:00.000Z'
      showStatus({ state: 'active', stateReason: null, settings: bounded(1000) }, { word: 'waiting', action: 'raise-bound', until }, 1120)
      await look('reached', '/status')
      await context.close()
    },
    60_000,
  )
})
