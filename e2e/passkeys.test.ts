import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { openBrowser } from '@asheville/testkit/browser'
import { startInstance, type Instance } from './instance.ts'

let instance: Instance
let browser: Browser
let context: BrowserContext
let page: Page
let devices: Authenticators
const faults: string[] = []

beforeAll(async () => {
  ;[instance, browser] = await Promise.all([startInstance([]), openBrowser()])
  // Axe adds a script of its own.
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, bypassCSP: true })
  page = await context.newPage()
  page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())))
  page.on('pageerror', (error) => void faults.push(error.message))
  devices = await createAuthenticators(page)
}, 180_000)

afterAll(async () => {
  await browser?.close()
  await instance?.close()
}, 60_000)

const at = (path: string): string => instance.constellation.url + path
const notes = () => page.locator('[data-passkey-say]:visible')

test('a passkey is added by its page, and the same device is not asked twice', async () => {
  await page.goto(at('/welcome'))
  await page.getByLabel('Name').fill('Ann')
  await page.getByLabel('E-mail').fill('ann@example.org')
  await page.getByLabel('Password').fill('a calm blue ridge')
  await page.getByRole('button', { name: 'Create the owner account' }).click()
  await page.waitForURL('**/connect')

  await page.goto(at('/settings'))
  await page.getByRole('link', { name: 'Passkeys' }).click()
  await look('empty')
  await devices.add()
  await page.getByLabel('Name').fill('Blue laptop')
  await page.getByLabel('Your password').fill('not this one')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await notes().waitFor()
  expect(await notes().textContent()).toContain('This is not your password')
  await page.getByLabel('Your password').fill('a calm blue ridge')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.waitForURL('**/settings/passkeys?done=added')
  await page.getByRole('heading', { name: 'Blue laptop' }).waitFor()
  await page.getByText('not used yet').waitFor()
  expect(await devices.credentials()).toMatchObject([{ isResidentCredential: true, rpId: 'localhost' }])

  await page.getByLabel('Your password').fill('a calm blue ridge')
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await notes().waitFor()
  expect(await notes().textContent()).toContain('has a passkey for your account already')
  await look('known')
  await page.getByText('Rename: Blue laptop').click()
  await page.locator('details[open]').getByLabel('Name').fill('')
  await page.locator('details[open] form').evaluate((form: HTMLFormElement) => (form.noValidate = true))
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Give it a name').waitFor()
  await look('unnamed')
  await page.locator('details[open]').getByLabel('Name').fill('Green laptop')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('heading', { name: 'Green laptop' }).waitFor()
  await look('listed')
}, 120_000)

test('it signs in by the button, to where one wanted to go', async () => {
  await signOut()
  await devices.answer(false)
  await page.goto(at('/sign-in?returnTo=%2Fbrowse'))
  await look('sign-in')
  expect(page.url()).toContain('/sign-in')
  await devices.answer(true)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.waitForURL('**/browse')
  await page.goto(at('/settings/passkeys'))
  await page.getByText(/last used/).waitFor()
}, 120_000)

test('a browser that offers it where the address is written signs in without a button', async () => {
  await signOut()
  await page.goto(at('/sign-in'))
  await page.waitForURL('**/status')
}, 120_000)

test('removed, it opens nothing, and the password does', async () => {
  await page.goto(at('/settings/passkeys'))
  await page.getByRole('link', { name: /^Remove.*Green laptop$/ }).click()
  await page.waitForURL('**/remove')
  await look('remove')
  await page.getByRole('button', { name: 'Remove' }).click()
  await page.waitForURL('**/settings/passkeys?done=removed')
  await page.getByText('Your first passkey').waitFor()
  await signOut()
  await devices.answer(false)
  await page.goto(at('/sign-in'))
  await devices.answer(true)
  const refused = page.getByText('does not open an account here')
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await refused.waitFor()
  // Who is there always takes what is offered, and the device still has its half: it would be offered, and refused, again and again.
  await devices.answer(false)
  await page.waitForLoadState('networkidle')
  await refused.waitFor()
  await look('refused')
  await page.getByRole('link', { name: 'Sign in another way' }).click()
  await page.getByLabel('E-mail').fill('ann@example.org')
  await page.getByLabel('Password').fill('a calm blue ridge')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL('**/status')
}, 120_000)

test('no page of it had a fault to report', () => {
  expect(faults.filter((text) => !/status of 4\d\d/.test(text))).toEqual([])
})

async function signOut() {
  await page.goto(at('/settings'))
  await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
  await page.waitForURL(at('/'))
}

/** Axe finds nothing, and nothing is cut off, in light and dark, on a desk and in a hand. */
async function look(name: string) {
  await page.waitForLoadState()
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [390, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 900 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const { violations } = await new AxeBuilder({ page }).analyze()
    expect([name, width, violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)]).toEqual([name, width, []])
    expect([name, width, await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)]).toEqual([
      name,
      width,
      true,
    ])
    const shots = process.env['SCREENSHOTS']
    if (shots) await page.screenshot({ path: `${shots}/passkeys-${name}-${width}.png`, fullPage: true })
  }
}

interface Authenticators {
  add(): Promise<void>
  /** Whether the person is there: touches it, and proves who they are. */
  answer(isThere: boolean): Promise<void>
  credentials(): Promise<unknown[]>
}

/** Chromium's virtual authenticator (DevTools protocol, WebAuthn). */
async function createAuthenticators(of: Page): Promise<Authenticators> {
  const cdp: CDPSession = await of.context().newCDPSession(of)
  await cdp.send('WebAuthn.enable')
  let authenticatorId = ''
  return {
    async add() {
      const options = {
        protocol: 'ctap2' as const,
        transport: 'internal' as const,
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      }
      ;({ authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options }))
    },
    answer: async (enabled) => void (await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })),
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
  }
}
