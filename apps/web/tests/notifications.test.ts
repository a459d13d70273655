import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Notification, NotificationPreferences } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { openBrowser } from '@asheville/testkit/browser'
import type { Browser } from 'playwright-core'
import { accountsOf, ann, connectionOf, type Script, statusOf } from './scripted-services.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
const mastodon = connectionOf({ provider: 'mastodon' })
const at = '2026-01-05T10:00:00.000Z'
const about = { connectionId: mastodon.id, provider: 'mastodon', handle: '@ann@example.social' }
const told = (part: Pick<Notification, 'kind' | 'data'> & Partial<Notification>): Notification =>
  ({ id: randomUUID(), createdAt: at, readAt: null, settledAt: null, ...part }) as Notification
const syncs = { syncId: randomUUID(), trigger: 'schedule', state: 'done', syncs: 3, new: 1204, changed: 2 } as const

const reconnect = told({ kind: 'reconnect-needed', data: about })
const notifications: Notification[] = [
  reconnect,
  told({ kind: 'sync-finished', data: syncs }),
  told({ kind: 'sync-problem', data: { ...about, reason: 'It sent <b>what</b> we cannot read' }, readAt: at }),
  told({ kind: 'sync-pausing', data: { ...about, reason: 'Mastodon does not answer', days: 14 }, readAt: at }),
  told({ kind: 'sync-paused', data: { ...about, reason: 'Mastodon does not answer', days: 28 }, readAt: at }),
  told({ kind: 'storage-full', data: { connectionId: randomUUID(), provider: 'local', title: 'disk' }, readAt: at, settledAt: at }),
  told({ kind: 'network-available', data: { provider: 'bluesky', title: 'Bluesky' }, readAt: at, settledAt: at }),
  told({ kind: 'sync-unchanged', data: { ...syncs, new: 0 }, readAt: at, settledAt: at }),
]

const allOn: NotificationPreferences = {
  'reconnect-needed': { inbox: true, mail: true },
  'storage-full': { inbox: true, mail: true },
  'sync-pausing': { inbox: true, mail: true },
  'sync-paused': { inbox: true, mail: true },
  'sync-problem': { inbox: true, mail: false },
  'sync-finished': { inbox: true, mail: false },
  'sync-unchanged': { inbox: false, mail: false },
  'network-available': { inbox: true, mail: true },
}

let site: TestSite
let calls: { name: string; given: unknown }[] = []
let unread: () => Promise<{ unread: number }>
let role: 'owner' | 'member' = 'owner'
let preferences = structuredClone(allOn)
let votes: string[] = []

const note = (name: string, given: unknown) => void calls.push({ name, given })
const script: Script = {
  accounts: {
    ...accountsOf(ann, token, [mastodon]),
    checkSession: async ({ body }) => {
      if (body.token !== token) throw new AshevilleError('unauthenticated', 'This session has ended')
      return { id: randomUUID(), user: { ...ann, role }, expiresAt: '2099-01-01T00:00:00.000Z' }
    },
    countUnread: () => unread(),
    listNotifications: async ({ query }) => ({ notifications, unread: 2, next: query.cursor ? null : 'b3A' }),
    markRead: async ({ params }) => note('markRead', params.notificationId),
    markAllRead: async ({ body }) => note('markAllRead', body.upTo),
    getNotificationPreferences: async () => ({ preferences, mail: 'unverified' }),
    updateNotificationPreferences: async ({ body, checkMatch }) => {
      checkMatch({ preferences, mail: 'unverified' })
      preferences = body.preferences as NotificationPreferences
      return { preferences, mail: 'unverified' }
    },
    getTotals: async () => ({ people: 7, connections: { mastodon: 5 }, storages: { local: 7 }, votes: { instagram: 3, flickr: 1 } }),
    listVotes: async () => ({ providers: votes }),
    putVote: async ({ params }) => void votes.push(params.provider),
    withdrawVote: async ({ params }) => void (votes = votes.filter((each) => each !== params.provider)),
    listUsers: async ({ query }) => {
      note('listUsers', query)
      const person = { ...ann, connections: 3, syncs: 12_400, lastSyncedAt: at, lastSeenAt: null }
      const users =
        query.search === 'nobody' ? [] : [person, { ...person, id: randomUUID(), role: 'member' as const, name: '<b>Bo</b>', email: null }]
      return { users, next: query.cursor ? null : 'bmV4dA' }
    },
  },
  conductor: { getStatus: statusOf([]) },
  platform: {
    listItems: async () => ({ items: [], next: null }),
    getCounts: async () => ({ counts: [], media: [] }),
    getCalendar: async () => ({ dates: [] }),
  },
}

beforeAll(async () => {
  site = await startSite(script, sampleNetworks)
}, 60_000)
afterAll(() => site?.close())
beforeEach(() => {
  calls = []
  unread = async () => ({ unread: 2 })
  role = 'owner'
  preferences = structuredClone(allOn)
  votes = ['instagram']
})

const html = { accept: 'text/html' }
const signedIn = () => createVisitor(site.url, { asheville: token })
const read = async (path: string, visitor = signedIn()) => (await visitor.get(path, html)).text()
const csrfOf = (page: string) => /name="_csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''

describe('the bell', () => {
  test('shows how much is unread on every page, and nothing where that is not known soon', async () => {
    const bell = /<a class="bell"[^]*?<\/a>/
    // On a busy machine it may be late, and is left out.
    const shows = async (path: string, words: string) => {
      for (let visit = 1; ; visit += 1) {
        const [shown = ''] = bell.exec(await read(path)) ?? []
        if (shown.includes(words) || visit === 50) return shown
      }
    }
    expect(await shows('/status', 'class="count">2<')).toContain('class="count">2<')
    unread = async () => ({ unread: 240 })
    expect(await shows('/settings', '99+')).toContain('99+')
    unread = async () => ({ unread: 0 })
    expect(bell.exec(await read('/connect'))?.[0]).not.toContain('count')
    unread = () => delay(5000, { unread: 5 })
    expect(bell.exec(await read('/status'))?.[0]).not.toContain('count')
    unread = () => Promise.reject(new AshevilleError('unavailable', 'Away'))
    expect(bell.exec(await read('/status'))?.[0]).not.toContain('count')
    expect(await read('/', createVisitor(site.url, {}))).not.toContain('class="bell"')
  })
})

describe('/notifications', () => {
  test('says in words what was told, and leads to where one acts', async () => {
    const page = await read('/notifications')
    for (const words of [
      'Reconnect Mastodon',
      '1,204 new items in your archive',
      'From 3 syncs.',
      'It sent &lt;b&gt;what&lt;/b&gt; we cannot read',
      'is full',
      'Mastodon will be paused',
      'It is paused in 14 days unless something does. Mastodon does not answer',
      'nothing came through for 28 days. You can try it again.',
      'Bluesky can be connected now',
      '3 syncs by the clock found nothing new.',
    ])
      expect(page).toContain(words)
    expect(page).toContain(`value="/connect/mastodon?reconnects=${mastodon.id}"`)
    expect(page.match(/No longer the case/g)).toHaveLength(1)
    expect(page).toContain('href="/notifications?cursor=b3A"')
    expect(await read('/notifications?cursor=b3A')).not.toContain('Mark all as read')
  })

  test('acting on one marks it read and goes there, and nowhere else', async () => {
    const visitor = signedIn()
    const _csrf = csrfOf(await read('/notifications', visitor))
    const follow = async (goTo: string) =>
      (await visitor.post(`/notifications/${reconnect.id}/read`, { _csrf, goTo })).headers.get('location')
    expect(await follow(`/connect/mastodon?reconnects=${mastodon.id}`)).toBe(`/connect/mastodon?reconnects=${mastodon.id}`)
    for (const elsewhere of ['https://evil.example', '//evil.example', '/sign-out', ''])
      expect(await follow(elsewhere)).toBe('/notifications')
    await visitor.post('/notifications/read', { _csrf, upTo: reconnect.id })
    expect(calls).toEqual([
      ...Array.from({ length: 5 }, () => ({ name: 'markRead', given: reconnect.id })),
      { name: 'markAllRead', given: reconnect.id },
    ])
  })
})

describe('/settings/notifications', () => {
  test('takes what is ticked, and does not overwrite what was changed elsewhere', async () => {
    const visitor = signedIn()
    const page = await read('/settings/notifications', visitor)
    expect(page.match(/ checked/g)).toHaveLength(12)
    expect(page).toContain('Mail comes once you have confirmed your e-mail address.')
    const version = (/name="version" value="([^"]+)"/.exec(page)?.[1] ?? '').replaceAll('&#34;', '"')
    const form = { _csrf: csrfOf(page), version, 'sync-unchanged.inbox': 'on', 'reconnect-needed.mail': 'on' }
    const saved = await visitor.post('/settings/notifications', form)
    expect(saved.headers.get('location')).toBe('/settings/notifications?done=saved')
    expect(preferences).toMatchObject({ 'sync-unchanged': { inbox: true, mail: false }, 'reconnect-needed': { inbox: false, mail: true } })
    const late = await visitor.post('/settings/notifications', form)
    expect([late.status, (await late.text()).includes('changed elsewhere meanwhile')]).toEqual([409, true])
  })
})

describe('votes', () => {
  test('visitors see them, signed-in people give and take theirs', async () => {
    const stranger = await read('/', createVisitor(site.url, {}))
    expect(stranger).toContain('3 votes')
    expect(stranger).not.toContain('action="/votes/')
    const visitor = signedIn()
    const page = await read('/', visitor)
    expect(page).toContain('action="/votes/instagram/withdraw"')
    expect(page.indexOf('Instagram')).toBeLessThan(page.indexOf('Flickr'))
    const _csrf = csrfOf(page)
    expect((await visitor.post('/votes/flickr', { _csrf })).headers.get('location')).toBe('/#next')
    await visitor.post('/votes/instagram/withdraw', { _csrf })
    expect(votes).toEqual(['flickr'])
  })
})

describe('/admin/people', () => {
  test('is the owner’s', async () => {
    const page = await read('/admin/people?search=Ann%20%26')
    expect(page).toContain('12,400')
    expect(page).toContain('&lt;b&gt;Bo&lt;/b&gt;')
    expect(page).toContain('href="/admin/people?search=Ann+%26&amp;cursor=bmV4dA"')
    expect(calls).toEqual([{ name: 'listUsers', given: { limit: 50, search: 'Ann &' } }])
    expect(await read('/admin/people?search=nobody')).toContain('begins like this')
    expect(await read('/settings')).toContain('href="/admin/people"')
  })

  test('and nobody else’s', async () => {
    role = 'member'
    await delay(900)
    const visitor = signedIn()
    expect((await visitor.get('/admin/people', html)).status).toBe(404)
    expect(await read('/settings', visitor)).not.toContain('/admin/people')
    await delay(900)
  })
})

describe('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  }, 60_000)
  afterAll(() => browser?.close())

  test.each(
    ['/notifications', '/settings/notifications', '/admin/people', '/'].flatMap((path) =>
      (['light', 'dark'] as const).flatMap((colorScheme) => [390, 1280].map((width) => ({ path, colorScheme, width }))),
    ),
  )(
    '$path, $colorScheme, $width px wide: fits, and axe finds nothing',
    async ({ path, colorScheme, width }) => {
      const url = site.url.replace('127.0.0.1', 'localhost')
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } })
      try {
        await context.addCookies([{ name: 'asheville', value: token, url }])
        const page = await context.newPage()
        await page.goto(url + path)
        expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html: node }) => node).slice(0, 3)])).toEqual([])
        if (process.env['SHOTS'])
          await page.screenshot({
            path: `${process.env['SHOTS']}/${path.replaceAll('/', '_')}-${colorScheme}-${width}.png`,
            fullPage: true,
          })
      } finally {
        await context.close()
      }
    },
    60_000,
  )
})
