import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openBrowser } from '@asheville/testkit/browser'
import { startMailServer, type MailServer } from '@asheville/testkit/mail-server'
import type { Browser, Page } from 'playwright-core'
import { startInstance, type Instance } from './instance.ts'

const email = 'ann@example.org'
const password = 'a calm blue ridge'
const second = 'another quiet valley'
const third = 'a third steep path'

let server: MailServer
let instance: Instance
let browser: Browser
let url: string

beforeAll(async () => {
  server = await startMailServer({ login: { user: 'post', pass: 'smtp-canary' } })
  instance = await startInstance([], { SMTP_URL: server.url, MAIL_FROM: 'Asheville <post@asheville.example>', SIGN_UP_OPEN: 'true' })
  url = instance.constellation.url
  browser = await openBrowser()
}, 240_000)

afterAll(async () => {
  await browser?.close()
  await instance?.close()
  await server?.close()
}, 60_000)

const visit = async (): Promise<Page> => {
  const page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage()
  page.setDefaultTimeout(60_000)
  return page
}

/** No fault that a machine can find; and a picture for whoever wants one (`TEST_SHOTS`, a folder). */
async function look(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect([name, violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])]).toEqual([name, []])
  const shots = process.env['TEST_SHOTS']
  if (shots === undefined) return
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [390, 1280]) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 844 })
      await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true })
    }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize({ width: 390, height: 844 })
}

async function signIn(page: Page, secret: string, address = email): Promise<void> {
  await page.goto(`${url}/sign-in`)
  await page.getByLabel('E-mail').fill(address)
  await page.getByLabel('Password', { exact: true }).fill(secret)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

let ann: Page

test('an address is verified by a button behind the link, not by the link', async () => {
  ann = await visit()
  await ann.goto(`${url}/welcome`)
  await ann.getByLabel('Name').fill('Ann')
  await ann.getByLabel('E-mail').fill(email)
  await ann.getByLabel('Password').fill(password)
  await ann.getByRole('button', { name: 'Create the owner account' }).click()
  await ann.waitForURL(/\/connect/)

  await ann.goto(`${url}/settings`)
  await look(ann, 'settings')
  await ann.getByRole('link', { name: 'Name and e-mail' }).click()
  await ann.getByText('Not confirmed yet').waitFor()
  await look(ann, 'profile')
  const [link = ''] = (await server.mailTo(email, /Is this your/)).links
  expect(new URL(link).origin).toBe(url)

  // A program that looks at links changes nothing.
  await fetch(link)
  await ann.goto(link)
  expect(ann.url()).toBe(`${url}/verify-email`)
  await look(ann, 'verify')
  await ann.goto(`${url}/settings/profile`)
  await ann.getByText('Not confirmed yet').waitFor()
  await ann.goto(link)
  await ann.getByRole('button', { name: 'Confirm this address' }).click()
  await ann.getByText('This address is yours').waitFor()
  await look(ann, 'verified')

  await ann.goto(link)
  await ann.getByRole('button', { name: 'Confirm this address' }).click()
  await ann.getByText('does not work any more').waitFor()
  await ann.goto(`${url}/settings/profile`)
  await ann.getByText('Confirmed').waitFor()
}, 240_000)

test('a forgotten password: the link leaves the address bar, works once, and signs everybody out', async () => {
  const page = await visit()
  await page.goto(`${url}/sign-in`)
  await look(page, 'sign-in')
  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await look(page, 'forgot')
  await page.getByLabel('E-mail').fill(email)
  await page.getByRole('button', { name: 'Send me the link' }).click()
  await page.getByText('a mail is on its way').waitFor()
  await look(page, 'forgot-sent')
  const [link = ''] = (await server.mailTo(email, /new password/)).links
  const token = new URL(link).searchParams.get('token')!

  const response = await page.goto(link)
  expect(page.url()).toBe(`${url}/reset-password`)
  expect(response!.headers()['referrer-policy']).toBe('no-referrer')
  expect(await page.content()).not.toContain(token)
  expect(await page.evaluate(() => document.cookie)).not.toContain(token)
  await look(page, 'reset')
  await page.getByLabel('New password').fill(second)
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByText('Your new password is set').waitFor()
  await look(page, 'sign-in-after-reset')
  expect((await page.context().cookies()).map(({ name }) => name).filter((name) => name.includes('reset'))).toEqual([])

  await ann.waitForTimeout(1000)
  await ann.goto(`${url}/settings`)
  expect(ann.url()).toContain('/sign-in')
  await signIn(ann, password)
  await ann.getByText('do not belong together').waitFor()
  await signIn(ann, second)
  await ann.waitForURL(/\/status/)

  await page.goto(link)
  await page.getByLabel('New password').fill(third)
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByText('does not work any more').waitFor()
  await look(page, 'reset-dead')
  await server.mailTo(email, /password was changed/)
}, 240_000)

test('asking for a link tells nobody who has an account: the same page for both', async () => {
  const pages: string[] = []
  for (const asked of [email, 'nobody@example.org']) {
    const page = await visit()
    await page.goto(`${url}/forgot-password`)
    await page.getByLabel('E-mail').fill(asked)
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST'),
      page.getByRole('button', { name: 'Send me the link' }).click(),
    ])
    await page.getByText('a mail is on its way').waitFor()
    const same = (text: string) => text.replace(/nonce="[^"]*"|name="_csrf" value="[^"]*"/g, '')
    pages.push(JSON.stringify([answer.status(), answer.headers()['location'], page.url(), same(await page.content())]))
    await page.context().close()
  }
  expect(pages[0]).toBe(pages[1])
  expect(server.mails.filter(({ to }) => to === 'nobody@example.org')).toEqual([])
}, 120_000)

test('the password is changed in the settings; the address too, once the new one is verified', async () => {
  await ann.goto(`${url}/settings/password`)
  await look(ann, 'password')
  await ann.getByLabel('Your current password').fill('not this one at all')
  await ann.getByLabel('New password').fill(third)
  await ann.getByRole('button', { name: 'Set the password' }).click()
  await ann.getByText('This is not your password').waitFor()
  await look(ann, 'password-wrong')
  await ann.getByLabel('Your current password').fill(second)
  await ann.getByLabel('New password').fill(third)
  await ann.getByRole('button', { name: 'Set the password' }).click()
  await ann.getByText('All other browsers are signed out.').first().waitFor()

  await ann.goto(`${url}/settings/profile`)
  await ann.getByLabel('New e-mail address').fill('anna@example.org')
  await ann.getByLabel('Your current password').fill(third)
  await ann.getByRole('button', { name: 'Change the address' }).click()
  await ann.getByText('We sent a mail').waitFor()
  const [link = ''] = (await server.mailTo('anna@example.org')).links
  await ann.goto(link)
  await ann.getByRole('button', { name: 'Confirm this address' }).click()
  await ann.getByText('This address is yours').waitFor()
  await server.mailTo(email, /address was changed/)
  await ann.goto(`${url}/settings/profile`)
  await ann.getByLabel('Name').fill('Anna')
  await ann.getByRole('button', { name: 'Save' }).click()
  await ann.getByText('Saved.').waitFor()
  await look(ann, 'profile-saved')
  const page = await visit()
  await signIn(page, third, 'anna@example.org')
  await page.waitForURL(/\/status/)
}, 240_000)

test('whoever runs the server makes a link on the command line', async () => {
  const script = join(import.meta.dirname, '..', 'scripts', 'asheville.ts')
  const env = { PATH: process.env['PATH'], DATA_DIR: dirname(instance.files), PORT: String(instance.constellation.port) }
  const run = (args: string[], changed = {}) => promisify(execFile)(process.execPath, [script, ...args], { env: { ...env, ...changed } })
  const { stdout } = await run(['reset-password', 'anna@example.org'])
  const page = await visit()
  await page.goto(stdout.trim())
  await page.getByLabel('New password').fill(second)
  await page.getByRole('button', { name: 'Set the password' }).click()
  await page.getByText('Your new password is set').waitFor()
  await signIn(page, second, 'anna@example.org')
  await page.waitForURL(/\/status/)

  expect((await run(['--help'])).stdout).toContain('reset-password <email>')
  await expect(run(['reset-password', 'nobody@example.org'])).rejects.toMatchObject({
    stderr: expect.stringContaining('Nobody has this e-mail address'),
  })
  await expect(run(['reset-password', email], { DATA_DIR: '/nowhere' })).rejects.toMatchObject({
    stderr: expect.stringContaining('There is no Asheville in /nowhere'),
  })
  await expect(run(['reset-password', email], { PORT: '1' })).rejects.toMatchObject({
    stderr: expect.stringContaining('Is Asheville running'),
  })
}, 240_000)
