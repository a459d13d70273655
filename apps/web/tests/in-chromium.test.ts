import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AshevilleError } from '@asheville/core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { openBrowser } from '@asheville/testkit/browser'
import { accountsOf, ann, connectionOf, itemOf, networkStatusOf, type Script, streamOf, syncOf, typeStatusOf } from './scripted-services.ts'
import { placeholder } from '../src/placeholder.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'

const token = 'a-session-token-of-forty-characters-here'
const mastodon = connectionOf({ provider: 'mastodon' })
const harbours = [
  connectionOf({ provider: 'harbour', declined: ['likes', 'events'] }),
  connectionOf({ provider: 'harbour', handle: '@bob' }),
]

const boom = 'window.__hacked=1'
const payloads = [
  `<script>${boom}</script>`,
  `<img src=x onerror="${boom}">`,
  `<svg onload="${boom}"><a xlink:href="javascript:${boom}"><text>x</text></a></svg>`,
  `"><script>${boom}</script>`,
  `' autofocus onfocus='${boom}' x='`,
  `<a href="javascript:${boom}" id=click>click</a>`,
  `<iframe srcdoc="<script>parent.${boom}</script>"></iframe>`,
  `<p hx-on:load="${boom}" hx-get="/sign-out" hx-trigger="load">x</p>`,
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${boom}&gt;">`,
  `<%= ${boom} %><%- process.exit() %>`,
  `</title></textarea></style></script><script>${boom}</script>`,
  `<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=javascript:${boom}">`,
]

let browser: Browser
let site: TestSite
let items = 0
let events: ((text: string) => void)[] = []
const lastEventIds: (string | undefined)[] = []

const hostile = payloads.map((payload, index) =>
  itemOf(
    `h${index}`,
    {
      content: payload,
      name: payload,
      summary: index % 2 ? payload : undefined,
      url: `javascript:${boom}`,
      attributedTo: payload,
      tag: [{ type: 'Hashtag', name: payload }],
      attachment: [
        { type: 'Image', url: payload, name: payload, 'asheville:path': `media/${payload}` },
        { type: 'Page', url: 'https://example.com/', name: payload, summary: payload },
        { type: 'Image', url: 'x', 'asheville:state': payload, 'asheville:reason': payload },
      ],
    },
    { account: payload, path: payload, network: 'mastodon' },
  ),
)

const chosen: unknown[] = []
const bytes = Buffer.from(placeholder('3OcRJYB4d3h/iIeHeEh3eIhw+j2w')!.split(',')[1]!, 'base64')
/** Of a PNG, https://www.w3.org/TR/png-3/ §11.2.1. */
const shape = { width: bytes.readUInt32BE(16) * 100, height: bytes.readUInt32BE(20) * 100 }

/** Posts with one picture and with three. */
const pictured = [1, 3].map((many, index) => {
  const paths = Array.from({ length: many }, (_, number) => `media/2024/03/${index}${number}.jpg`)
  const picture = {
    ...shape,
    thumbhash: '3OcRJYB4d3h/iIeHeEh3eIhw+j2w',
    focus: { x: 0.75, y: 0.5 },
    isFocusChosen: index === 0,
  }
  const attachment = paths.map((path) => ({ type: 'Image', name: 'A lake', mediaType: 'image/jpeg', 'asheville:path': path }))
  const item = itemOf(`p${index}`, { content: '<p>At the lake</p>', attachment }, { network: 'mastodon' })
  return { ...item, pictures: Object.fromEntries(paths.map((path) => [path, picture])) }
})
const script: Script = {
  accounts: {
    ...accountsOf({ ...ann, name: payloads[0] ?? '' }, token, [mastodon, ...harbours]),
    beginConnect: async () => ({ next: 'authorize', url: `${other.url}/authorize?state=1` }),
  },
  conductor: {
    getStatus: async () => ({
      networks: [
        networkStatusOf(
          { ...mastodon, handle: payloads[1] ?? '', url: `javascript:${boom}` },
          {
            word: 'retrying',
            reason: payloads[3] ?? '',
            streams: [
              streamOf(mastodon.id, 'statuses', {
                skipped: [{ id: null, reason: payloads[0] ?? '' }],
                tally: { new: items, changed: 0, unchanged: 0, gone: 0, skipped: 1 },
              }),
            ],
            types: [typeStatusOf('posts', { word: 'waiting', waitsFor: payloads[2] ?? '', stored: items })],
          },
        ),
        // Two accounts of one network, one of which was allowed in part.
        ...harbours.map((connection) =>
          networkStatusOf(connection, {
            types: (['posts', 'likes', 'events'] as const).map((type) =>
              typeStatusOf(type, connection.declined.includes(type) ? { word: 'action-required', action: 'allow' } : {}),
            ),
          }),
        ),
      ],
      syncs: [syncOf()],
      media: [],
    }),
    planSync: async () => ({
      connections: [
        {
          connectionId: mastodon.id,
          provider: 'mastodon',
          handle: '',
          streams: (['posts', 'likes'] as const).map((type) => ({
            stream: type,
            contentTypes: [type],
            walks: ['backfill' as const],
            isUnderWay: false,
            available: {},
            cost: { reads: 1200 },
          })),
        },
      ],
    }),
    events: async (call) => {
      lastEventIds.push(call.request.headers['last-event-id'] as string | undefined)
      call.response.writeHead(200, { 'content-type': 'text/event-stream' })
      call.response.write('retry: 100\n\n')
      await new Promise<void>((resolve) => {
        events.push((text) => (text === 'end' ? resolve() : call.response.write(text)))
        call.signal.addEventListener('abort', () => resolve())
      })
      call.response.end()
    },
  },
  platform: {
    listItems: async () => ({ items: [...pictured, ...hostile], next: null }),
    getFile: async () => {
      await delay(300)
      return { headers: { 'content-type': 'image/png' }, body: Readable.from([bytes], { objectMode: false }) }
    },
    setFocus: async ({ body }) => void chosen.push(body),
    getItem: async ({ params }) => [...pictured, ...hostile].find(({ key }) => key === params.key) ?? hostile[0]!,
    getCalendar: async ({ query: { by } }) => ({
      dates: (by === 'month' ? ['2022-11', '2024-03', '2024-04', '2024-12'] : ['2024-03-01', '2024-03-17', '2024-03-31']).map(
        (date, index) => ({
          date,
          items: 1 + index ** 4,
        }),
      ),
    }),
    getCounts: async () => ({
      counts: [
        {
          connectionId: mastodon.id,
          network: 'mastodon',
          contentType: 'posts',
          items: 3,
          gone: 0,
          oldest: null,
          newest: null,
          oldestThere: null,
          newestThere: null,
        },
      ],
      media: [],
    }),
  },
}

/** Stands for an authorisation server of another origin. */
let other: { url: string; visits: string[]; close(): Promise<void> }

beforeAll(async () => {
  const { createServer } = await import('node:http')
  const visits: string[] = []
  const server = createServer((request, response) => {
    visits.push(request.url ?? '')
    response.setHeader('content-type', 'text/html').end('<h1>Allow?</h1>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  other = { url: `http://127.0.0.1:${port}`, visits, close: () => new Promise((resolve) => server.close(() => resolve())) }
  site = await startSite(script, sampleNetworks, {})
  site.url = site.url.replace('127.0.0.1', 'localhost')
  browser = await openBrowser()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await site?.close()
  await other?.close()
})

async function open(
  options: Parameters<Browser['newContext']>[0] = {},
  signedIn = true,
): Promise<{ context: BrowserContext; page: Page; faults: string[] }> {
  const context = await browser.newContext(options)
  if (signedIn) await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('request', (request) => void (new URL(request.url()).origin !== site.url && faults.push(`asked ${request.url()}`)))
  return { context, page, faults }
}

describe('in Chromium', () => {
  test.each([1440, 390])(
    'nothing moves when pictures come, at %i; their squares keep what was clicked on',
    async (width) => {
      const { context, page } = await open({ viewport: { width, height: 900 }, reducedMotion: 'reduce', javaScriptEnabled: width > 400 })
      for (const path of ['/browse', '/items/p1']) {
        await page.goto(site.url + path, { waitUntil: 'commit' })
        const boxes = () =>
          page
            .locator('.media img:not(.haze)')
            .evaluateAll((all) => all.slice(0, 4).map((one) => one.getBoundingClientRect().toJSON() as object))
        await page.waitForSelector('.pager, footer', { state: 'attached' })
        const before = await boxes()
        await page.waitForLoadState('load')
        expect([path, await boxes()]).toEqual([path, before])
        expect([path, before.length]).toEqual([path, path === '/browse' ? 4 : 3])
      }
      await page.goto(`${site.url}/items/p0`)
      await page.locator('details.focus summary').click()
      await page.locator('.focus .clicked').click({ position: { x: 64, y: (128 * shape.height) / shape.width } })
      await page.waitForURL('**/items/p0?done=focus')
      await page.locator('details.focus summary').click()
      await page.getByRole('button', { name: 'Bottom left' }).click()
      await page.locator('details.focus summary').click()
      await page.getByRole('button', { name: 'Let Asheville find it' }).click()
      await page.waitForLoadState('load')
      expect(chosen.splice(0)).toEqual([
        { path: 'media/2024/03/00.jpg', focus: { x: 0.25, y: 0.5 } },
        { path: 'media/2024/03/00.jpg', focus: { x: 0, y: 1 } },
        { path: 'media/2024/03/00.jpg', focus: null },
      ])
      await context.close()
    },
    60_000,
  )

  test.each([true, false])('hostile content runs nothing (content security policy: %s)', async (withPolicy) => {
    const { context, page, faults } = await open({ bypassCSP: !withPolicy })
    for (const path of ['/status', '/browse', '/settings', '/connect', ...hostile.map(({ key }) => `/items/${key}`)]) {
      await page.goto(site.url + path)
      await page.evaluate(() => {
        for (const element of document.querySelectorAll('details')) element.open = true
        for (const element of document.querySelectorAll<HTMLElement>('#click')) element.click()
      })
      expect([path, await page.evaluate(() => '__hacked' in window)]).toEqual([path, false])
    }
    // Pictures whose hostile paths platform does not know are 404, and those that a browser left before they came 499; nothing else may be complained about.
    expect(faults.filter((fault) => !/status of (404|499)/.test(fault))).toEqual([])
    await context.close()
  })

  test('signing in on localhost keeps a __Host- cookie', async () => {
    const { context, page, faults } = await open({}, false)
    await page.goto(`${site.url}/browse`)
    await page.getByLabel('E-mail').fill('ann@example.com')
    await page.getByLabel('Password').fill('a good long password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('**/browse')
    const cookies = await context.cookies()
    expect(cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite])).toEqual([
      ['__Host-asheville', true, true, 'Lax'],
    ])
    expect(faults.filter((fault) => !/status of (404|499)/.test(fault))).toEqual([])
    await context.close()
  })

  test('the way out to an authorisation server is not held back by our own policy', async () => {
    const { context, page, faults } = await open({ javaScriptEnabled: false })
    await page.goto(`${site.url}/connect/mastodon`)
    await page.getByLabel('Your server').fill('example.social')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.waitForURL(`${other.url}/authorize?state=1`)
    expect(other.visits).toContain('/authorize?state=1')
    expect(faults.filter((fault) => !fault.startsWith('asked'))).toEqual([])
    await context.close()
  })

  test('the status page follows events without a reload, and goes on after the line was cut', async () => {
    events = []
    items = 1
    const { context, page } = await open()
    await page.goto(`${site.url}/status`)
    const count = page.locator('.types .count b').first()
    await expectSoon(() => count.textContent(), '1')
    await expectSoon(() => Promise.resolve(events.length), 1)
    await page.locator('summary').first().click()
    items = 2
    events[0]?.('id: 17-0\ndata: {"type":"progress"}\n\n')
    await expectSoon(() => count.textContent(), '2')
    expect(
      await page
        .locator('details')
        .first()
        .evaluate((element) => (element as HTMLDetailsElement).open),
    ).toBe(true)
    items = 3
    events[0]?.('end')
    await expectSoon(() => count.textContent(), '3')
    expect(lastEventIds.at(-1)).toBe('17-0')

    const { getStatus } = script.conductor
    script.conductor.getStatus = () => Promise.reject(new AshevilleError('unavailable', 'away'))
    await expectSoon(() => Promise.resolve(events.length), 2)
    events[1]?.('id: 18-0\ndata: {}\n\n')
    await page.waitForResponse((response) => response.status() === 503)
    expect(await count.textContent()).toBe('3')
    script.conductor.getStatus = getStatus
    script.accounts.checkSession = () => Promise.reject(new AshevilleError('unauthenticated', 'ended'))
    await new Promise((resolve) => setTimeout(resolve, 1000))
    events[1]?.('id: 19-0\ndata: {}\n\n')
    await page.waitForURL('**/sign-in?returnTo=%2Fstatus')
    Object.assign(script.accounts, accountsOf(ann, token, [mastodon, ...harbours]))
    await context.close()
  })

  test.each([
    ['light', 1440],
    ['dark', 390],
  ] as const)(
    'accessible in %s at %i',
    async (colorScheme, width) => {
      const { context, page } = await open({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' })
      for (const path of [
        '/',
        '/status',
        '/browse',
        '/browse?words=%D8%B3&from=2024-03-01&to=2024-03-31',
        '/items/h0',
        '/items/p1',
        '/connect',
        '/connect/mastodon',
        '/connect/bluesky',
        '/connect/harbour',
        `/connect/harbour?reconnects=${harbours[0]!.id}`,
        '/connect/dropbox',
        '/settings',
        `/connections/${mastodon.id}/disconnect`,
        `/connections/${mastodon.id}/restart`,
        `/connections/${mastodon.id}/clear`,
        '/nothing',
      ]) {
        await page.goto(site.url + path)
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect([path, violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)]).toEqual([path, []])
        expect([path, await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)]).toEqual([
          path,
          true,
        ])
      }
      await context.close()
    },
    120_000,
  )
})

/** Waits up to five seconds until it is so. */
async function expectSoon<Value>(read: () => Promise<Value>, expected: Value): Promise<void> {
  const end = Date.now() + 5000
  let value = await read()
  while (value !== expected && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    value = await read()
  }
  expect(value).toBe(expected)
}
