import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startFeeds, startMastodon } from '@asheville/simulators'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from '@asheville/testkit/browser'
import { startInstance, finishedFiles, storedFiles, storedItems, syncNow, type Instance } from './instance.ts'

let mastodon: Awaited<ReturnType<typeof startMastodon>>
let feeds: Awaited<ReturnType<typeof startFeeds>>
let instance: Instance
let browser: Browser
let page: Page

beforeAll(async () => {
  mastodon = await startMastodon({ accounts: ['alice'] })
  feeds = await startFeeds()
  instance = await startInstance([mastodon.url, feeds.url])
  browser = await openBrowser()
}, 120_000)

afterAll(async () => {
  await browser?.close()
  await instance?.close()
  await mastodon?.close()
  await feeds?.close()
}, 60_000)

test('a person signs up, connects, watches posts arrive, and finds the files', async () => {
  mastodon.generate({ seed: 'e2e', statuses: 60, pictures: 5, boosts: false })
  mastodon.addStatus({ text: 'The very first light over the ridge' })
  page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } })).newPage()
  const { url } = instance.constellation

  await page.goto(url)
  await page.getByRole('link', { name: 'Set up this server' }).first().click()
  await page.getByLabel('Name').fill('Ann')
  await page.getByLabel('E-mail').fill('ann@example.org')
  await page.getByLabel('Password').fill('a calm blue ridge')
  await page.getByRole('button', { name: 'Create the owner account' }).click()

  await page.waitForURL(/\/(connect|status)/)
  await page.goto(`${url}/connect/mastodon`)
  await page.locator('main input[type=text], main input[type=url]').first().fill(mastodon.url)
  await page
    .locator('main')
    .getByRole('button', { name: 'Connect' })
    .or(page.locator('main').getByRole('button', { name: 'Continue' }))
    .click()
  await allowAt(page)

  await page.waitForURL(`${url}/status**`)
  await page.getByText('Everything is up to date').waitFor({ timeout: 60_000 })
  await page.goto(`${url}/browse`)
  await page.getByText('The very first light over the ridge').waitFor()

  const userId = await ownerId()
  const files = await finishedFiles(instance, userId)
  const ids = storedItems(files).map(({ object }) => object.id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toHaveLength(mastodon.truth()['alice']!.statuses.length)
  expect([...files.keys()].filter((path) => path.startsWith('media/'))).toHaveLength(5)
  expect([...files.keys()]).toEqual(expect.arrayContaining(['README.txt', 'asheville.json']))
}, 120_000)

test('what was deleted and what was damaged in the storage is found by reading it back, and comes again', async () => {
  const userId = await ownerId()
  const folder = join(instance.files, userId, 'Asheville')
  const before = await finishedFiles(instance, userId)
  const [listed] = [...before.keys()].filter((path) => /\/posts\/.*\d{4}-\d{2}\.json$/.test(path))
  const [picture, other] = [...before.keys()].filter((path) => path.startsWith('media/'))
  await Promise.all([rm(join(folder, listed!)), rm(join(folder, picture!)), writeFile(join(folder, other!), 'another’s bytes')])

  await page.goto(`${instance.constellation.url}/coverage`)
  await page.getByRole('button', { name: /Verify now/ }).click()
  await page.getByText(/missing or damaged/).waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: /Bring back what is missing/ }).click()
  await page.getByText('What is missing is being copied again').waitFor()
  for (let isBack = false; !isBack; await wait(100)) {
    const after = await storedFiles(instance, userId)
    isBack = [picture!, other!].every((path) => after.get(path)?.equals(before.get(path)!)) && idsOf(after).join() === idsOf(before).join()
  }
  await page.getByRole('button', { name: /Verify now/ }).click()
  await page.getByText(/Read back/).waitFor({ timeout: 60_000 })
  expect(await page.getByText(/missing/).count()).toBe(0)
}, 120_000)

test('the owner sees on the board what was done, by ids; it changes nothing until it is unlocked', async () => {
  const { url } = instance.constellation
  const faults: string[] = []
  page.on('pageerror', (error) => void faults.push(error.message))
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('request', (request) => void (new URL(request.url()).origin !== url && faults.push(request.url())))
  const cleaning = page.getByRole('button', { name: 'Clean all' })
  const look = async () => {
    await page.goto(`${url}/admin/queues/board/queue/sync-mastodon?status=completed`)
    await page.getByText('connectionId').first().waitFor()
  }
  await look()
  expect(await cleaning.count()).toBe(0)
  expect(await page.content()).not.toContain('first light')
  await page.goto(`${url}/admin/queues`)
  await page.getByRole('button', { name: 'Unlock for 15 minutes' }).click()
  await page.waitForURL('**/admin/queues/board')
  await look()
  await cleaning.first().click()
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'PUT'),
    page.getByRole('button', { name: 'Confirm' }).click(),
  ])
  expect([answer.status(), answer.request().headers()['x-xsrf-token']]).toEqual([200, expect.stringMatching(/^[\w-]{43}$/)])
  expect(faults).toEqual([])
}, 60_000)

test('stopped and started again, nothing is pulled twice, and what was posted in between arrives', async () => {
  const userId = await ownerId()
  const before = await storedFiles(instance, userId)
  mastodon.addStatus({ text: 'Written while Asheville slept' })
  await instance.restart()
  mastodon.counters.reset()
  const { state, tally } = await syncNow(instance, userId)

  expect({ state, new: tally['new'] }).toEqual({ state: 'done', new: 1 })
  expect(mastodon.counters.snapshot().total).toBe(4)
  const after = await storedFiles(instance, userId)
  expect(storedItems(after)).toHaveLength(storedItems(before).length + 1)
  const changed = [...after].filter(([path, bytes]) => !before.get(path)?.equals(bytes)).map(([path]) => path)
  expect(changed.filter((path) => !/^(asheville\.json|README\.txt)$/.test(path))).toHaveLength(1)
}, 120_000)

const idsOf = (files: ReadonlyMap<string, Buffer>): unknown[] =>
  storedItems(files)
    .map(({ object }) => object.id)
    .sort()

async function ownerId(): Promise<string> {
  const login = { email: 'ann@example.org', password: 'a calm blue ridge', device: { userAgent: 'e2e', address: '127.0.0.1' } }
  return (await instance.accounts('web').createSession({ body: login })).session.user.id
}

/** Follows our page that tells where one goes, and allows at the network's own page. */
async function allowAt(page: Page): Promise<void> {
  const onward = page.getByRole('link', { name: /Continue to/ })
  await onward
    .or(page.getByRole('button', { name: /authorize|sign in|log in/i }))
    .first()
    .waitFor()
  if (await onward.isVisible()) await onward.click()
  while (page.url().startsWith(mastodon.url)) {
    await page
      .getByRole('button', { name: /authorize|sign in|log in/i })
      .first()
      .click()
    await page.waitForLoadState()
  }
}
