import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startDropbox, startTwitter, type DropboxSimulator, type TwitterSimulator } from '@asheville/simulators'
import { onwardAddress, openBrowser } from '@asheville/testkit/browser'
import type { Browser, Page } from 'playwright-core'
import { privatePort } from '../scripts/embedded/ports.ts'
import { untilAtRest } from './harness/index.ts'
import { startInstance, type Instance } from './instance.ts'

const dropboxApp = { key: 'asheville-app', secret: 'asheville-secret' }
const twitterApp = { clientId: 'asheville-at-x', clientSecret: 'a secret of X’s app' }

let dropbox: DropboxSimulator
let twitter: TwitterSimulator
let instance: Instance
let browser: Browser

beforeAll(async () => {
  // Each has to know the others' addresses before it starts.
  const [atDropbox, atTwitter] = await Promise.all(['dropbox', 'twitter'].map((name) => privatePort(`${name} ${process.pid}`)))
  const [dropboxUrl, twitterUrl] = [`http://127.0.0.1:${atDropbox}`, `http://127.0.0.1:${atTwitter}`]
  ;[instance, browser] = await Promise.all([
    startInstance([dropboxUrl, twitterUrl], {
      DROPBOX_CLIENT_ID: dropboxApp.key,
      DROPBOX_CLIENT_SECRET: dropboxApp.secret,
      DROPBOX_API_URL: dropboxUrl,
      DROPBOX_CONTENT_URL: dropboxUrl,
      DROPBOX_NOTIFY_URL: dropboxUrl,
      DROPBOX_WEB_URL: dropboxUrl,
      TWITTER_CLIENT_ID: twitterApp.clientId,
      TWITTER_CLIENT_SECRET: twitterApp.clientSecret,
      TWITTER_API_URL: twitterUrl,
      TWITTER_WEB_URL: twitterUrl,
    }),
    openBrowser(),
  ])
  const { url } = instance.constellation
  dropbox = await startDropbox({ port: atDropbox, app: { ...dropboxApp, redirectUris: [`${url}/sign-in/dropbox/callback`] } })
  twitter = await startTwitter({
    port: atTwitter,
    accounts: ['alice'],
    app: { ...twitterApp, redirectUris: [`${url}/connect/twitter/callback`] },
    pictureSize: { width: 16, height: 16 },
  })
  const span = { from: '2023-01-01T00:00:00Z', to: '2024-06-01T00:00:00Z' }
  twitter.generate({ seed: 'to-dropbox', tweets: 200, pictures: 12, likes: 20, bookmarks: 5, following: 8, ...span })
}, 300_000)

afterAll(async () => {
  await browser?.close()
  await instance?.close()
  await Promise.all([dropbox?.close(), twitter?.close()])
}, 60_000)

test('sign in with Dropbox, connect X, see what it takes, watch it arrive: the files are in Dropbox', async () => {
  const page = await (await browser.newContext()).newPage()
  const { url } = instance.constellation
  await page.goto(`${url}/welcome`)
  await page.getByRole('button', { name: /Dropbox/ }).click()
  await page.waitForURL(`${dropbox.url}/oauth2/authorize**`)
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(`${url}/connect`)

  await connectTwitter(page)
  expect(await page.locator('main').innerText()).toMatch(/about 200 reads[\s\S]*X \(Twitter\) does not tell/)
  expect(twitter.postsRead()).toBe(0)
  await page.getByLabel(/Reads a month at most/).fill('5,000')
  await page.getByRole('button', { name: 'Start copying' }).click()
  await upToDate(page)

  const truth = twitter.truth('alice')
  expect(storedIds('posts')).toEqual(truth.posts.map(({ id }) => id).sort())
  expect(storedIds('likes')).toEqual(truth.likes.map(({ id }) => id).sort())
  const pictures = truth.posts.flatMap(({ media }) => media.map(({ sha256 }) => sha256))
  expect(pictures.length).toBeGreaterThanOrEqual(12)
  const media = new Set(files(/\/media\//).map(({ sha256 }) => sha256))
  expect(pictures.filter((sha256) => !media.has(sha256))).toEqual([])
  expect(files(/\/README\.txt$/i)).toHaveLength(1)
  expect(dropbox.lockRefusals()).toBe(0)

  // Each record of each list was counted once; X charges but once for a post in two of them.
  const listed = truth.posts.length + truth.likes.length + truth.bookmarks.length + truth.following.length
  const counted = (reads: number) => page.getByText(`${reads.toLocaleString('en')} of 5,000 reads this month`).waitFor()
  await counted(listed)
  expect(twitter.postsRead()).toBeLessThanOrEqual(listed)

  await page.goto(`${url}/settings`)
  await page.getByText('of 2.1 GB are used, by everything there').waitFor()

  // Nothing new: one call for each stream, and Dropbox is not asked at all.
  const [atDropbox, atTwitter] = [askedOfDropbox(), twitter.counters.snapshot().total]
  await syncNow(page)
  expect(askedOfDropbox()).toBe(atDropbox)
  expect(twitter.counters.snapshot().total).toBe(atTwitter + 4)
  await counted(listed)
  // Both accesses are over and renewed on the way; one post: its month's file.
  dropbox.expireTokens()
  twitter.expireTokens()
  // The person is called something else there now, and so here; where their copies are stays.
  twitter.rename('alice', 'alice_now')
  const added = twitter.post({ text: 'One more', createdAt: '2024-06-02T00:00:00Z' })
  await syncNow(page)
  await page.getByText('@alice_now').first().waitFor()
  expect(storedIds('posts')).toContain(added)
  await counted(listed + 1)
  expect(dropbox.read(files(/posts\/2024-06\.json$/)[0]!.path).toString()).toContain('One more')
}, 300_000)

test('without scripts: likes that are not allowed any more are not copied; allowed again, they arrive', async () => {
  const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage()
  const { url } = instance.constellation
  await page.goto(`${url}/sign-in/dropbox`)
  await page.locator('main form button').click()
  await page.getByRole('link', { name: /Continue to/ }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(`${url}/status`)
  const allowAgain = async (decline: string[]) => {
    await page.locator('main form button').click()
    const address = await onwardAddress(page)
    await page.goto(await twitter.authorize(address, { decline }))
    await upToDate(page)
  }

  await page.goto(`${url}/connect/twitter`)
  await allowAgain(['like.read'])
  const likes = page.locator('.types > li', { hasText: 'Likes' })
  expect(await likes.innerText()).toContain('Not allowed')
  const liked = twitter.post({ text: 'Worth a like', createdAt: '2024-06-03T00:00:00Z' })
  twitter.like(liked)
  const asked = twitter.counters.snapshot().routes['GET /2/users/:id/liked_tweets']
  await syncNow(page)
  expect(twitter.counters.snapshot().routes['GET /2/users/:id/liked_tweets']).toBe(asked)
  expect(storedIds('likes')).not.toContain(liked)

  await page.getByRole('link', { name: /Allow it/ }).click()
  await page.getByRole('heading', { name: 'Allow more at X (Twitter)' }).waitFor()
  await allowAgain([])
  expect(await likes.innerText()).not.toContain('Not allowed')
  expect(storedIds('likes')).toContain(liked)

  // X suspends the account: the person reads so, and what was copied stays; restored, it is connected again and goes on.
  const had = [storedIds('posts'), storedIds('likes')]
  twitter.suspend('alice')
  await page.goto(`${url}/status`)
  await page.getByRole('button', { name: 'Sync now' }).first().click()
  await page.getByText('X has suspended this account. What was copied stays as it is.').waitFor({ timeout: 60_000 })
  await untilAtRest(instance.constellation)
  expect([storedIds('posts'), storedIds('likes')]).toEqual(had)
  twitter.suspend('alice', false)
  await page.getByRole('link', { name: /^Reconnect/ }).click()
  await allowAgain([])
  expect([storedIds('posts'), storedIds('likes')]).toEqual(had)
}, 300_000)

/** Without what the status page shows: pictures are read from there when they are looked at. */
function askedOfDropbox(): number {
  const { total, routes } = dropbox.counters.snapshot()
  return total - (routes['POST /2/files/download'] ?? 0)
}

function files(pattern: RegExp) {
  return dropbox.truth()['alice']!.files.filter(({ path }) => pattern.test(path))
}

/** X's ids of what the page files hold of a content type, in their order as texts; each as often as it is there. */
function storedIds(contentType: string): string[] {
  return files(new RegExp(`/${contentType}/(\\d{4}-\\d{2}|undated)(\\.\\d+)?\\.json$`))
    .flatMap(({ path }) => {
      const { orderedItems } = JSON.parse(dropbox.read(path).toString()) as { orderedItems: { id: string }[] }
      return orderedItems.map(({ id }) => id.slice(id.lastIndexOf('/') + 1))
    })
    .sort()
}

async function connectTwitter(page: Page): Promise<void> {
  await page.goto(`${instance.constellation.url}/connect/twitter`)
  await page.locator('main form button').click()
  const onward = page.getByRole('link', { name: /Continue to/ })
  await onward.click()
  await page.waitForURL(`${twitter.url}/**`)
  await page.getByRole('button', { name: /authorize|allow/i }).click()
  await page.waitForURL('**/connections/*/start')
}

async function syncNow(page: Page): Promise<void> {
  await page.goto(`${instance.constellation.url}/status`)
  await page.getByRole('button', { name: 'Sync now' }).first().click()
  await upToDate(page)
}

async function upToDate(page: Page): Promise<void> {
  await page.waitForURL('**/status')
  await page.getByText('Everything is up to date').waitFor({ timeout: 120_000 })
  await untilAtRest(instance.constellation)
}
