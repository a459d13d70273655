import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startBluesky, startFeeds, startMastodon, type MastodonSimulator } from '@asheville/simulators'
import type { Browser, Page } from 'playwright-core'
import { onwardAddress, openBrowser } from '@asheville/testkit/browser'
import { check, expectMastodon } from './harness/index.ts'
import { connectOAuth, signUp, startInstance, type Instance } from './instance.ts'

/*
 * What goes wrong at the networks, at the disk and in what people write: told in words where they act, while the rest goes on,
 * nothing is lost, and what can recover recovers by itself. All in a browser without JavaScript, on one constellation.
 */

const statuses = 'GET /api/v1/accounts/:id/statuses'

let mastodon: MastodonSimulator
let bluesky: Awaited<ReturnType<typeof startBluesky>>
let feeds: Awaited<ReturnType<typeof startFeeds>>
let website: Server
let silent: Server
let instance: Instance
let browser: Browser
let page: Page
let person: Awaited<ReturnType<typeof signUp>>

beforeAll(async () => {
  const options = { accounts: ['alice'], rateLimit: null, pictureSize: { width: 16, height: 16 } }
  ;[mastodon, bluesky, feeds] = await Promise.all([startMastodon(options), startBluesky(), startFeeds()])
  website = createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hello</h1>'))
  silent = createServer(() => undefined)
  await Promise.all([website, silent].map((server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  const reach = [mastodon.url, bluesky.url, feeds.url, originOf(website), originOf(silent)]
  ;[instance, browser] = await Promise.all([startInstance(reach), openBrowser()])
  person = await signUp(instance)
  page = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await instance?.close()
  for (const server of [website, silent]) {
    server?.closeAllConnections()
    server?.close()
  }
  await Promise.all([mastodon?.close(), bluesky?.close(), feeds?.close()])
}, 60_000)

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

describe('what a person writes', () => {
  test('a wrong password', async () => {
    await signIn('a wrong password')
    await says('This e-mail and password do not belong together.')
    await signIn('a calm blue ridge')
    await page.waitForURL(/\/(connect|status)/)
  }, 20_000)

  test.each([
    ['mastodon', 'server', () => 'no-such-server.invalid', 'There is no server called no-such-server.invalid'],
    ['mastodon', 'server', () => originOf(website), / does not look like a Mastodon server/],
    ['mastodon', 'server', () => 'http://10.0.0.1', /OUTBOUND_ALLOW/],
    [
      'mastodon',
      'server',
      () => originOf(silent),
      'This server does not answer in time. Check how it is written, or try again in a moment.',
    ],
    ['feeds', 'url', () => 'hello there', 'Write the address of a site or of its feed, such as https://example.org'],
    ['feeds', 'url', () => `${feeds.url}/plain`, /There is no feed at this address, and the page names none/],
    ['feeds', 'url', () => `${feeds.url}/broken.xml`, /is broken: a program that reads feeds cannot make sense of it/],
    ['feeds', 'url', () => `${feeds.url}/gone.xml`, /There is nothing at this address/],
  ])(
    '%s, case %#: told at the field, and what was written is kept',
    async (provider, field, written, words) => {
      await submitConnect(provider, { [field]: written() })
      const fault = await page.locator(`#field-${field}-fault`).innerText()
      expect(fault).toEqual(words instanceof RegExp ? expect.stringMatching(words) : words)
      expect(await page.locator(`[name="field-${field}"]`).inputValue()).toBe(written())
    },
    20_000,
  )

  test('a wrong app password, and a good one afterwards', async () => {
    const { handle, appPassword } = bluesky.account()
    await submitConnect('bluesky', { handle, password: 'aaaa-bbbb-cccc-dddd', server: bluesky.url })
    expect(await page.locator('#field-password-fault').innerText()).toBe('Bluesky does not know this handle with this app password')
    await submitConnect('bluesky', { handle, password: appPassword, server: bluesky.url })
    await page.waitForURL('**/status')
  }, 20_000)
})

describe('what happens in a sync', () => {
  test('files that come cut off are fetched again; one that never comes whole is named, and comes when its post does again', async () => {
    mastodon.generate({ seed: 'first', statuses: 100, from: '2022-01-01T00:00:00Z', to: '2023-01-01T00:00:00Z' })
    mastodon.generate({ seed: 'newest', statuses: 1, pictures: 1, from: '2023-02-01T00:00:00Z', to: '2023-03-01T00:00:00Z' })
    const [newest] = mastodon.truth()['alice']!.statuses
    mastodon.faults.add({ kind: 'truncated', route: `GET ${new URL(newest!.media[0]!.url).pathname}` })
    mastodon.faults.add({ kind: 'truncated', route: 'GET /media/*', at: [1, 2, 3] })
    mastodon.faults.add({ kind: 'short-body', route: 'GET /media/*', at: [5, 6] })
    await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))
    await syncAndWait()
    const found = await faults()
    expect(new Set(found.map(({ kind, id }) => `${kind} ${id}`))).toEqual(new Set([`lost ${newest!.uri}`]))
    expect(mastodon.counters.snapshot().faults).toMatchObject({ 'short-body': 2 })
    await page.goto(`${instance.constellation.url}/browse?network=mastodon`)
    await says('Not copied: The file is cut off before its end')
    mastodon.faults.clear()
    mastodon.editStatus(newest!.id, { text: 'Put more clearly' })
    await syncAndWait()
    expect(await faults()).toEqual([])
  }, 30_000)

  test('a limit: until when is told, and it goes on by itself', async () => {
    news('limit', 120, '2023-04-01')
    mastodon.faults.add({ kind: 'rate-limited', retryAfterSeconds: 4, route: statuses, at: 2 })
    await startSync()
    await says(/Waiting for 127\.0\.0\.1:\d+ until /)
    await says('Waiting for one network')
    await upToDate()
    expect(await faults()).toEqual([])
  }, 30_000)

  test('a network that is away for a while: told, and it goes on by itself', async () => {
    news('away', 120, '2023-06-01')
    const away = mastodon.faults.add({ kind: 'reset', route: '/api/*' })
    await startSync()
    await says('Mastodon cannot be reached')
    away.remove()
    await upToDate()
    expect(await faults()).toEqual([])
  }, 30_000)

  test('paused in the middle: nothing more is asked, and resuming goes on', async () => {
    news('paused', 600, '2023-08-01')
    mastodon.latencyMs = 300
    await startSync()
    await requested(2)
    await board().getByRole('button', { name: 'Pause' }).click()
    await says('Up to date, but for what is paused')
    await quiet()
    expect(await lost()).toBeGreaterThan(0)
    mastodon.latencyMs = 0
    await board().getByRole('button', { name: 'Resume' }).click()
    await upToDate()
    expect(await faults()).toEqual([])
  }, 30_000)

  test('access that is withdrawn in the middle: reconnecting goes on where it stopped', async () => {
    news('revoked', 300, '2023-10-01')
    mastodon.faults.add({ kind: 'token-revoked', route: statuses, at: 4 })
    await startSync()
    await says('Mastodon needs you')
    const had = await lost()
    await page.getByRole('link', { name: 'Reconnect Mastodon' }).click()
    await says('Everything goes on where it stopped.')
    await page.locator('[name="field-server"]').fill(mastodon.url)
    await page.getByRole('button', { name: 'Continue' }).click()
    const address = await onwardAddress(page)
    mastodon.counters.reset()
    await page.goto(await mastodon.authorize(address))
    await upToDate()
    expect(had).toBeGreaterThan(0)
    expect(await faults()).toEqual([])
    // 300 posts are eight pages of 40, of which three were stored.
    expect(mastodon.counters.of(statuses)).toBeLessThan(8)
  }, 30_000)

  test('disconnected in the middle: it ends at once, what was copied stays, and connecting again brings the rest', async () => {
    news('removed', 600, '2023-12-01')
    mastodon.latencyMs = 300
    await startSync()
    await requested(2)
    await board().getByRole('link', { name: 'Disconnect' }).click()
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await says('Disconnected. What was copied is still yours.')
    await quiet()
    mastodon.latencyMs = 0
    expect(await lost()).toBeGreaterThan(0)
    await upToDate()
    // Its job comes back once, two seconds after it lost its lease, and ends.
    await page.waitForTimeout(3000)
    await connectOAuth(instance, person, 'mastodon', { server: mastodon.url }, (address) => mastodon.authorize(address))
    await syncAndWait()
    expect(await faults()).toEqual([])
  }, 30_000)
})

async function signIn(password: string): Promise<void> {
  await page.goto(`${instance.constellation.url}/sign-in`)
  await page.getByLabel('E-mail').fill('ann@example.org')
  await page.getByLabel('Password').fill(password)
  await page.locator('main').getByRole('button', { name: 'Sign in' }).click()
}

async function submitConnect(provider: string, fields: Record<string, string>): Promise<void> {
  await page.goto(`${instance.constellation.url}/connect/${provider}`)
  for (const [name, value] of Object.entries(fields)) await page.locator(`[name="field-${name}"]`).fill(value)
  await page.locator('main form button').click()
  await page.waitForLoadState()
}

/** New posts, after all that there are. */
function news(seed: string, count: number, day: string): void {
  const from = new Date(`${day}T00:00:00Z`)
  mastodon.counters.reset()
  mastodon.generate({ seed, statuses: count, from: from.toISOString(), to: new Date(from.getTime() + 30 * 86_400_000).toISOString() })
}

const board = () => page.locator('section.board', { hasText: 'Mastodon' })

async function startSync(): Promise<void> {
  await page.goto(`${instance.constellation.url}/status`)
  await page.getByRole('button', { name: 'Sync now' }).first().click()
}

async function syncAndWait(): Promise<void> {
  await instance.conductor('web').createSync({ userId: person.userId, body: { trigger: 'person', connectionIds: null } })
  await upToDate()
}

/** Reloads the page, as it does by itself, until it says so. */
async function says(words: string | RegExp): Promise<void> {
  const deadline = Date.now() + 15_000
  while ((await page.getByText(words).count()) === 0) {
    if (Date.now() > deadline) throw new Error(`${String(words)} is not said, but: ${await page.locator('main').innerText()}`)
    await page.waitForTimeout(150)
    if (page.url().endsWith('/status')) await page.goto(page.url())
  }
}

async function upToDate(): Promise<void> {
  await page.goto(`${instance.constellation.url}/status`)
  await says('Everything is up to date')
}

/** Waits until so many pages of posts were asked for. */
async function requested(pages: number): Promise<void> {
  while (mastodon.counters.of(statuses) < pages) await page.waitForTimeout(50)
  await page.goto(`${instance.constellation.url}/status`)
}

/** Waits until no more is asked of the network: what is paused or removed stops with its next checkpoint. */
async function quiet(): Promise<void> {
  for (let before = -1; before !== mastodon.counters.snapshot().total; await page.waitForTimeout(3 * mastodon.latencyMs))
    before = mastodon.counters.snapshot().total
}

/** What is wrong with what lies in the storage of what alice published. */
async function faults() {
  const folder = join(instance.files, person.userId, 'Asheville')
  const expected = [expectMastodon(mastodon.truth()['alice']!, mastodon.url)]
  return (await check({ folder, expected, isFinished: false })).findings
}

/** How much is not there yet, while all that is there is right. */
async function lost(): Promise<number> {
  const found = await faults()
  expect(found.filter(({ kind }) => kind !== 'lost')).toEqual([])
  return found.length
}
