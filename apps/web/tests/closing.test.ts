import { Readable } from 'node:stream'
import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Closing } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { openBrowser } from '@asheville/testkit/browser'
import type { Browser, Page } from 'playwright-core'
import { sampleNetworks } from './sample-networks.ts'
import { accountsOf, ann, connectionOf, type Script } from './scripted-services.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
const person = { ...ann, role: 'member' as const }
const connections = [
  connectionOf({ provider: 'mastodon', handle: '@ann@example.social' }),
  connectionOf({ provider: 'local', kind: 'storage', title: 'This server’s disk', server: null }),
]
const profile = { name: ann.name, locale: 'en', email: ann.email, isEmailVerified: true, hasPassword: true, sendsMail: true }

const going: Closing = {
  step: 'stop',
  startedAt: '2026-03-01T10:00:00.000Z',
  finishedAt: null,
  jobs: 3,
  sessions: 2,
  grants: [{ provider: 'mastodon', server: 'https://example.social', outcome: 'pending', reason: null, tries: 0 }],
  revokesUntil: '2026-03-02T10:00:00.000Z',
  storages: [{ provider: 'local', server: null, files: 'kept' }],
  forgotten: null,
  rows: null,
}
const waiting: Closing = {
  ...going,
  step: 'revoke',
  forgotten: { items: 1204, pages: 60, media: 300, others: 9, jobs: 3 },
  grants: [{ ...going.grants[0]!, tries: 4, reason: 'example.social does not answer in time' }],
}
const done: Closing = {
  ...waiting,
  step: 'done',
  finishedAt: '2026-03-01T10:00:09.000Z',
  rows: { users: 1 },
  grants: [
    { ...going.grants[0]!, outcome: 'revoked', tries: 1 },
    { provider: 'mastodon', server: 'https://gone.example', outcome: 'failed', reason: 'gone.example does not answer in time', tries: 40 },
  ],
}

let calls: { current: string | null; linkToken: string; removesFiles: boolean }[]
let report: Closing
let people: number
let failures: number

const script: Script = { accounts: {}, conductor: {}, platform: {} }
const scripted = accountsOf(person, token, connections)

let site: TestSite
let browser: Browser
beforeAll(async () => {
  site = await startSite(script, sampleNetworks)
  site.url = site.url.replace('127.0.0.1', 'localhost')
  browser = await openBrowser()
}, 240_000)
afterAll(async () => {
  await browser?.close()
  await site?.close()
})

beforeEach(() => {
  calls = []
  report = going
  people = 2
  failures = 0
  Object.assign(script.accounts, scripted, {
    getProfile: async () => profile,
    getTotals: async () => ({ people, connections: { mastodon: 1 }, storages: { local: 1 }, votes: {} }),
    closeAccount: async ({ body }) => {
      calls.push(body)
      if (failures-- > 0) throw new AshevilleError('unavailable', 'Not now')
      if (body.current !== 'a good long password')
        throw new AshevilleError('invalid', 'No', { faults: [{ pointer: '/current', message: 'This is not your password' }] })
    },
    findClosing: async ({ body }) => {
      if (body.linkToken !== calls.at(-1)?.linkToken) throw new AshevilleError('not-found', 'There is no such report')
      return report
    },
    exportPerson: async () => ({ headers: { 'content-type': 'application/json' }, body: Readable.from(['{"person":', '{}}']) }),
  } satisfies Script['accounts'])
})

async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled: false, ...options })
  await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  return page
}

test('a person closes their account, without scripts: told what ends and what stays, and brought to the report', async () => {
  const page = await open()
  await page.goto(`${site.url}/settings`)
  await page.getByRole('link', { name: 'Close your account' }).click()
  expect(await page.getByText('@ann@example.social').isVisible()).toBe(true)
  expect(await page.getByText(`${ann.id}/Asheville`).isVisible()).toBe(true)
  await page.getByLabel('Password').fill('a wrong password')
  await page.getByLabel('The files on this server').selectOption('remove')
  await page.getByRole('button', { name: 'Close my account' }).click()
  expect(await page.getByText('This is not your password').isVisible()).toBe(true)
  expect(await page.getByLabel('The files on this server').inputValue()).toBe('remove')

  failures = 1
  await page.getByLabel('Password').fill('a good long password')
  await page.getByLabel('The files on this server').selectOption('keep')
  await page.getByRole('button', { name: 'Close my account' }).click()
  await page.waitForURL('**/closed/*')
  // Asked again after a lost answer, with the same link.
  expect(calls.map(({ removesFiles }) => removesFiles)).toEqual([true, false, false])
  expect(calls[2]!.linkToken).toBe(calls[1]!.linkToken)
  expect(page.url()).toBe(`${site.url}/closed/${calls[2]!.linkToken}`)
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Your account is being closed')
  expect((await page.context().cookies()).filter(({ name }) => name.includes('asheville'))).toEqual([])

  report = done
  await page.waitForFunction(() => document.title.includes('is closed')).catch(() => undefined)
  await page.reload()
  expect(await page.getByText('1,204 items').isVisible()).toBe(true)
  expect(await page.getByText('gone.example does not answer in time').isVisible()).toBe(true)
  expect(await page.getByText('remove Asheville from the list of apps').isVisible()).toBe(true)
  await page.context().close()
})

test('a report is nobody’s who has not the link, and is kept nowhere', async () => {
  const visitor = createVisitor(site.url)
  for (const other of ['x', 'y'.repeat(43), encodeURIComponent('../settings'), 'z'.repeat(300)])
    expect([other, (await visitor.get(`/closed/${other}`)).status]).toEqual([other, 404])
  calls.push({ current: null, linkToken: 't'.repeat(43), removesFiles: false })
  const response = await visitor.get(`/closed/${'t'.repeat(43)}`)
  expect(response.status).toBe(200)
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.text()).toMatch(/http-equiv="refresh"/)
})

test('the owner is told that they cannot go while others are here; a person without a password, what they need', async () => {
  const { getTotals } = script.accounts
  Object.assign(script.accounts, accountsOf(ann, token, connections), {
    getTotals,
    getProfile: async () => ({ ...profile, hasPassword: false }),
  })
  const visitor = createVisitor(site.url, { asheville: token })
  const held = await (await visitor.get('/settings/close')).text()
  expect(held).toContain('when you are the last')
  expect(held).not.toContain('Close my account')
  people = 1
  const free = await (await visitor.get('/settings/close')).text()
  expect(free).toContain('Whoever signs up next becomes its owner')
  expect(free).toContain('within the last quarter of an hour')
  expect(free).not.toContain('name="current"')
})

test('what is known can be taken along as a file that no cache keeps', async () => {
  const visitor = createVisitor(site.url, { asheville: token })
  const response = await visitor.get('/settings/data/export')
  expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="asheville-\d{4}-\d\d-\d\d\.json"$/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.json()).toEqual({ person: {} })
  expect((await createVisitor(site.url).get('/settings/data/export', { accept: 'application/json' })).status).toBe(401)
})

test('no fault that a machine can find, on phones and desktops, light and dark; and pictures for whoever wants some', async () => {
  const shots = process.env['TEST_SHOTS']
  calls.push({ current: null, linkToken: 't'.repeat(43), removesFiles: false })
  const pages = [
    ['data', '/settings/data', going],
    ['close', '/settings/close', going],
    ['closed-going', `/closed/${'t'.repeat(43)}`, going],
    ['closed-waiting', `/closed/${'t'.repeat(43)}`, waiting],
    ['closed-done', `/closed/${'t'.repeat(43)}`, done],
  ] as const
  for (const width of [390, 1280]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled: true, reducedMotion: 'reduce' })
      for (const [name, path, shown] of pages) {
        report = shown
        await page.goto(site.url + path)
        if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true })
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect([name, width, colorScheme, violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])]).toEqual([
          name,
          width,
          colorScheme,
          [],
        ])
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
      }
      await page.context().close()
    }
  }
}, 240_000)
