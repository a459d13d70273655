import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startDropbox, startMastodon, type DropboxSimulator, type MastodonSimulator } from '@asheville/simulators'
import { openBrowser } from '@asheville/testkit/browser'
import type { Browser, Page } from 'playwright-core'
import { untilAtRest } from './harness/index.ts'
import { startInstance, type Instance } from './instance.ts'

const app = { key: 'asheville-app', secret: 'asheville-secret' }

let dropbox: DropboxSimulator
let mastodon: MastodonSimulator
let instance: Instance
let browser: Browser

beforeAll(async () => {
  // Each has to know the other's address before it starts.
  const port = await freePort()
  const address = `http://127.0.0.1:${port}`
  mastodon = await startMastodon({ accounts: ['alice'], rateLimit: null, pictureSize: { width: 16, height: 16 } })
  mastodon.generate({
    seed: 'to-dropbox',
    statuses: 200,
    pictures: 12,
    boosts: false,
    from: '2023-01-01T00:00:00Z',
    to: '2024-06-01T00:00:00Z',
  })
  ;[instance, browser] = await Promise.all([
    startInstance([mastodon.url, address], {
      DROPBOX_CLIENT_ID: app.key,
      DROPBOX_CLIENT_SECRET: app.secret,
      DROPBOX_API_URL: address,
      DROPBOX_CONTENT_URL: address,
      DROPBOX_WEB_URL: address,
    }),
    openBrowser(),
  ])
  dropbox = await startDropbox({ port, app: { ...app, redirectUris: [`${instance.constellation.url}/sign-in/dropbox/callback`] } })
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await instance?.close()
  await Promise.all([dropbox?.close(), mastodon?.close()])
}, 60_000)

test('sign in with Dropbox, connect Mastodon, watch it arrive: the files are in Dropbox', async () => {
  const page = await (await browser.newContext()).newPage()
  const { url } = instance.constellation
  await page.goto(`${url}/welcome`)
  await page.getByRole('button', { name: /Dropbox/ }).click()
  await page.waitForURL(`${dropbox.url}/oauth2/authorize**`)
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(`${url}/connect`)

  await connectMastodon(page)
  await upToDate(page)

  const { files } = dropbox.truth()['alice']!
  const of = (pattern: RegExp) => files.filter(({ path }) => pattern.test(path))
  expect(of(/\/README\.txt$/i)).toHaveLength(1)
  expect(of(/\/posts\/\d{4}-\d{2}\.json$/).length).toBeGreaterThan(12)
  const pictures = new Set(mastodon.truth()['alice']!.statuses.flatMap(({ media }) => media.map(({ sha256 }) => sha256)))
  expect(new Set(of(/\/media\//).map(({ sha256 }) => sha256))).toEqual(pictures)
  const posts = of(/\/posts\/\d{4}-\d{2}(\.\d+)?\.json$/).flatMap(({ path }) => {
    const { orderedItems } = JSON.parse(dropbox.read(path).toString()) as { orderedItems: { id: string }[] }
    return orderedItems.map(({ id }) => id)
  })
  expect(new Set(posts)).toEqual(new Set(mastodon.truth()['alice']!.statuses.map(({ uri }) => uri)))
  expect(posts).toHaveLength(new Set(posts).size)
  expect(dropbox.lockRefusals()).toBe(0)

  // Nothing new: Dropbox is not asked at all. One post: its month's file.
  const before = dropbox.counters.snapshot().total
  await syncNow(page)
  expect(dropbox.counters.snapshot().total).toBe(before)
  dropbox.expireTokens()
  mastodon.addStatus({ text: 'One more', createdAt: '2024-06-02T00:00:00Z' })
  await syncNow(page)
  expect(dropbox.read(of(/posts\/2024-05\.json$/)[0]!.path.replace('2024-05', '2024-06')).toString()).toContain('One more')
}, 120_000)

async function connectMastodon(page: Page): Promise<void> {
  await page.goto(`${instance.constellation.url}/connect/mastodon`)
  await page.locator('[name="field-server"]').fill(mastodon.url)
  await page.locator('main form button').click()
  const address = await page.getByRole('link', { name: /Continue to/ }).getAttribute('href')
  await page.goto(await mastodon.authorize(address!))
}

async function syncNow(page: Page): Promise<void> {
  await page.goto(`${instance.constellation.url}/status`)
  await page.getByRole('button', { name: 'Sync now' }).first().click()
  await upToDate(page)
}

async function upToDate(page: Page): Promise<void> {
  await page.waitForURL('**/status')
  await page.getByText('Everything is up to date').waitFor({ timeout: 60_000 })
  await untilAtRest(instance.constellation)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
