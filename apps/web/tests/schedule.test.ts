import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Connection, Coverage, StoredVerification } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { openBrowser } from '@asheville/testkit/browser'
import type { Browser } from 'playwright-core'
import { accountsOf, ann, connectionOf, networkStatusOf, type Script, statusOf } from './scripted-services.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor, type Visitor } from './visitor.ts'

/* What a person sets of a network beside its dates, a network that was paused as nothing of it came through, and what is known of the copies. */

const token = 'a-session-token-of-forty-characters-here'
const mastodon = connectionOf({ provider: 'mastodon', handle: '@ann@example.social' })
const disk = connectionOf({ kind: 'storage', provider: 'local' })
const address = `/connections/${mastodon.id}/schedule`

let site: TestSite
let visitor: Visitor
let browser: Browser
let script: Script
let current: Connection
let updates: unknown[] = []

beforeAll(async () => {
  script = { accounts: {}, conductor: {}, platform: {} }
  site = await startSite(script, sampleNetworks)
  site.url = site.url.replace('127.0.0.1', 'localhost')
  browser = await openBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await site?.close()
})
beforeEach(() => {
  current = mastodon
  updates = []
  Object.assign(script.accounts, accountsOf(ann, token, [mastodon]), {
    getConnection: async ({ params }) => {
      if (params.connectionId === mastodon.id) return current
      if (params.connectionId === disk.id) return disk
      throw new AshevilleError('not-found', 'There is no such connection')
    },
    updateConnection: async ({ body }) => {
      updates.push(body)
      const every = body.settings?.syncEveryMinutes
      if (every === 5) {
        const message = 'This server syncs every 10 minutes at most'
        throw new AshevilleError('invalid', message, { faults: [{ pointer: '/settings/syncEveryMinutes', message }] })
      }
      return current
    },
  } satisfies Script['accounts'])
  script.platform.listItems = async () => ({ items: [], next: null })
  visitor = createVisitor(site.url, { asheville: token })
})

const every = (syncEveryMinutes: number | null): Connection => ({ ...mastodon, settings: { ...mastodon.settings, syncEveryMinutes } })
const pageAt = async (path: string) => (await visitor.get(path)).text()
const chosen = (page: string) => /value="(\w+)" checked/.exec(page)?.[1]

function showStatus(connection: Connection): void {
  const word = connection.state === 'paused' ? 'paused' : 'on-time'
  const nextRunAt = new Date(Date.now() + 7_260_000).toISOString()
  script.conductor.getStatus = statusOf([networkStatusOf(connection, { word, reason: connection.stateReason, nextRunAt })])
}

describe('how often', () => {
  test('is by what is new until the person says otherwise', async () => {
    expect(chosen(await pageAt(address))).toBe('own')
    current = every(360)
    expect(chosen(await pageAt(address))).toBe('360')
    current = every(45)
    const page = await pageAt(address)
    expect([chosen(page), page.includes('Every 45 minutes')]).toEqual(['45', true])
  })

  test('is saved as it was chosen', async () => {
    for (const [written, saved] of [
      ['own', null],
      ['60', 60],
      ['1440', 1440],
    ] as const) {
      const answer = await visitor.submit(address, address, { every: written })
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
      expect(updates.at(-1)).toEqual({ settings: { syncEveryMinutes: saved } })
    }
  })

  test('what this server does not allow is said where it was chosen, and what is no choice is none', async () => {
    const refused = await visitor.submit(address, address, { every: '5' })
    const page = await refused.text()
    expect([refused.status, chosen(page), page.includes('every 10 minutes at most')]).toEqual([422, '5', true])
    for (const wrong of ['', 'often', '-5', '99999']) {
      const answer = await visitor.submit(address, address, { every: wrong })
      expect([answer.status, (await answer.text()).includes('Choose how often')]).toEqual([422, true])
    }
    expect(updates).toHaveLength(1)
  })

  test('is no question of a storage, and nobody else’s', async () => {
    const answer = await visitor.get(`/connections/${disk.id}/schedule`)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
    expect((await visitor.get('/connections/5f0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1aff/schedule')).status).toBe(404)
  })

  test('is said with when it is looked at next', async () => {
    showStatus(mastodon)
    const page = await pageAt('/status')
    for (const words of ['in 2 hours', 'As often as there is something new', `href="${address}"`]) expect(page).toContain(words)
    showStatus(every(60))
    expect(await pageAt('/status')).toContain('Every hour')
  })
})

describe('what becomes of copies', () => {
  test('is chosen, and said with the network', async () => {
    const copies = address.replace('schedule', 'copies')
    expect(chosen(await pageAt(copies))).toBe('keep')
    const answer = await visitor.submit(copies, copies, { copies: 'mirror' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
    expect(updates).toEqual([{ settings: { copies: 'mirror' } }])
    expect((await visitor.submit(copies, copies, { copies: 'burn' })).status).toBe(422)
    expect(updates).toHaveLength(1)

    current = { ...mastodon, settings: { ...mastodon.settings, copies: 'mirror' } }
    expect(chosen(await pageAt(copies))).toBe('mirror')
    showStatus(current)
    for (const words of ['Mirrors the network', `href="${copies}"`]) expect(await pageAt('/status')).toContain(words)
    expect((await visitor.get(`/connections/${disk.id}/copies`)).headers.get('location')).toBe('/status')
  })
})

const type = { storageId: disk.id, connectionId: mastodon.id, network: 'mastodon', contentType: 'posts' as const }
const running: StoredVerification = {
  storageId: disk.id,
  state: 'running',
  reason: null,
  step: 'pages',
  pages: 24,
  files: 0,
  bytes: 2_000_000,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
}
const sound: Coverage = {
  types: [
    { ...type, items: 90, gone: 0, verified: 90, bytes: 12_345, oldest: '2020-01-01T00:00:00.000Z', newest: '2024-01-01T00:00:00.000Z' },
  ],
  absent: [],
  media: [{ storageId: disk.id, files: 3, bytes: 300, verified: 3, missing: 0, damaged: 0 }],
  verifications: [{ ...running, state: 'done', finishedAt: '2026-01-01T00:01:00.000Z' }],
}
const absent = { ...type, cause: 'page-deleted' as const, wasGone: false, isWanted: false, month: '2023-05', items: 7 }
const damaged: Coverage = {
  ...sound,
  absent: [absent, { ...absent, cause: 'taken-out', month: '2023-06', items: 2 }, { ...absent, wasGone: true, month: null, items: 1 }],
  media: [{ ...sound.media[0]!, verified: 2, missing: 1 }],
}
function showCoverage(coverage: Coverage): Promise<string> {
  script.platform.getCoverage = async () => coverage
  script.accounts.listConnections = async () => ({ connections: [disk] })
  showStatus(mastodon)
  return pageAt('/coverage')
}

describe('verifying', () => {
  test('tells what is stored, sound and missing; what can be done is offered, and nothing else', async () => {
    const whole = await showCoverage(sound)
    for (const words of ['90 stored', '12.3 kB', '90 verified', 'Verify now', '24 lists']) expect(whole).toContain(words)
    for (const words of ['Bring back', 'Leave it out', 'gone for good']) expect(whole).not.toContain(words)
    const broken = await showCoverage(damaged)
    for (const words of [
      '8 are missing',
      'May 2023: 7',
      'Without a date: 1',
      '2 left out',
      '1 missing or damaged',
      'Bring back',
      'Leave it out',
    ])
      expect(broken).toContain(words)
    const failed = await showCoverage({ ...sound, verifications: [{ ...running, state: 'failed', reason: 'The folder is elsewhere' }] })
    for (const words of ['The folder is elsewhere', 'gone for good']) expect(failed).toContain(words)
    const under = await showCoverage({ ...damaged, verifications: [running] })
    expect([under.includes('2 MB so far'), under.includes('Verify now')]).toEqual([true, false])
  })

  test('each button asks for its own', async () => {
    await showCoverage(damaged)
    const asked: unknown[] = []
    script.platform.startVerification = async ({ body }) => (asked.push(body), running)
    script.platform.leaveOut = async ({ body }) => void asked.push(body)
    script.conductor.repairCopies = async ({ body }) => (asked.push(body), { sync: null })
    for (const act of ['verify', 'repair', 'leave-out']) {
      const answer = await visitor.submit('/coverage', `/coverage/${disk.id}/${act}`, {})
      expect([answer.status, answer.headers.get('location')]).toEqual([303, act === 'repair' ? '/coverage?done=repairing' : '/coverage'])
    }
    await visitor.submit('/coverage', `/coverage/${disk.id}/verify`, { gone: 'yes' })
    const body = { storageId: disk.id }
    expect(asked).toEqual([{ ...body, isFolderGone: false }, body, body, { ...body, isFolderGone: true }])
  })
})

describe('a network that was paused', () => {
  test('as nothing came through can be tried again; one that the person paused is resumed', async () => {
    showStatus({ ...mastodon, state: 'paused', stateReason: 'Nothing of Mastodon came through for 28 days. Mastodon does not answer' })
    const stopped = await pageAt('/status')
    for (const words of ['for 28 days', 'Try again', `action="/connections/${mastodon.id}/resume"`]) expect(stopped).toContain(words)
    expect(stopped).not.toContain(address)
    showStatus({ ...mastodon, state: 'paused' })
    const paused = await pageAt('/status')
    expect([paused.includes('Try again'), paused.includes('Resume')]).toEqual([false, true])
  })
})

describe('in Chromium', () => {
  const views = [address, address.replace('schedule', 'copies'), '/coverage', '/status'].flatMap((path) =>
    (['light', 'dark'] as const).flatMap((colorScheme) => [390, 1280].map((width) => ({ path, colorScheme, width }))),
  )
  test.each(views)(
    '$path, $colorScheme, $width px wide: fits, axe finds nothing, and works without scripts',
    async ({ path, colorScheme, width }) => {
      if (path === '/coverage') await showCoverage(damaged)
      showStatus(mastodon)
      const open = async (javaScriptEnabled: boolean) => {
        const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, javaScriptEnabled })
        await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
        const page = await context.newPage()
        await page.goto(site.url + path)
        return page
      }
      const page = await open(true)
      try {
        expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html).slice(0, 3)])).toEqual([])
        const name = path.slice(path.lastIndexOf('/') + 1)
        if (process.env['SHOTS'])
          await page.screenshot({ path: `${process.env['SHOTS']}/${name}-${colorScheme}-${width}.png`, fullPage: true })
      } finally {
        await page.context().close()
      }
      if (path !== address) return
      const plain = await open(false)
      try {
        await plain.getByLabel('Every 6 hours').check()
        await plain.getByRole('button', { name: 'Save' }).click()
        await plain.waitForURL('**/status')
        expect(updates).toEqual([{ settings: { syncEveryMinutes: 360 } }])
      } finally {
        await plain.context().close()
      }
    },
    60_000,
  )
})
