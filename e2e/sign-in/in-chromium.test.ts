import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startOAuthProvider, type OAuthProviderSimulator } from '@asheville/simulators'
import { openBrowser } from '@asheville/testkit/browser'
import type { Browser, Page } from 'playwright-core'
import { privatePort } from '../../scripts/embedded/ports.ts'
import { placeOf, scriptedNetwork, scriptedStorage, variablesOf } from './scripted-adapters.ts'
import { startSite, type SignInSite } from './start-site.ts'

let provider: OAuthProviderSimulator
let site: SignInSite
let browser: Browser
let origin: string

beforeAll(async () => {
  // It has to be known before the site starts.
  const port = await privatePort(`sign-in ${process.pid}`)
  origin = `http://localhost:${port}`
  const redirectUris = [`${origin}/sign-in/cedar/callback`, `${origin}/sign-in/maple/callback`, `${origin}/connect/brook/callback`]
  provider = await startOAuthProvider({
    accounts: ['alice', 'bob'],
    clients: [{ clientId: 'asheville', clientSecret: 'secret', redirectUris }],
  })
  const ids = ['cedar', 'maple', 'brook']
  const place = placeOf(provider.url)
  site = await startSite({
    storages: [scriptedStorage('cedar', 'Cedar', place), scriptedStorage('maple', 'Maple', place)],
    networks: [scriptedNetwork('brook', 'Brook', place)],
    variables: Object.fromEntries(
      ids.flatMap((id) => [
        [variablesOf(id).id, 'asheville'],
        [variablesOf(id).secret, 'secret'],
      ]),
    ),
    webUrl: origin,
    port,
  })
  await site.accounts.signUp('owner@example.org')
  browser = await openBrowser()
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await site?.close()
  await provider?.close()
})

test('a person signs in with a storage, adds another, connects, and is offered a second account, by clicking alone', async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const page = await context.newPage()
  const reports: string[] = []
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) reports.push(message.text())
  })

  await page.goto(`${origin}/sign-in`)
  await accessible(page)
  await page.getByRole('button', { name: 'Sign in with Cedar' }).click()
  await allow(page, 'alice')
  await page.waitForURL(`${origin}/connect`)
  await accessible(page)

  await page.goto(`${origin}/settings/identities`)
  await accessible(page)
  await page.getByRole('button', { name: 'Sign in with Maple' }).click()
  await allow(page, 'alice')
  await page.waitForURL(/settings\/identities\?done=added/)
  await accessible(page)

  await page.goto(`${origin}/connect/maple`)
  await page.getByRole('button', { name: 'Continue' }).click()
  await allow(page, 'alice')
  await page.waitForURL(`${origin}/settings`)
  await accessible(page)

  await page.goto(`${origin}/connect/brook`)
  await accessible(page)
  await page.getByLabel('Keep the copies in').selectOption({ label: 'Maple (alice)' })
  await page.getByRole('button', { name: 'Continue' }).click()
  await allow(page, 'alice')
  await page.waitForURL(`${origin}/status`)
  const [brook] = await site.accounts.db.query<{ userId: string; id: string }>(
    `SELECT user_id AS "userId", id FROM connections WHERE provider = 'brook'`,
  )
  const { userId, id } = brook!
  await page.goto(`${origin}/connect/brook?reconnects=${id}`)
  await page.getByRole('button', { name: 'Continue' }).click()
  await allow(page, 'bob')
  await page.getByRole('heading', { name: 'Add bob as a second account?' }).waitFor()
  await accessible(page)
  await page.getByRole('button', { name: 'Add it as a second one' }).click()
  await page.waitForURL(`${origin}/status`)
  const { connections } = await site.accounts.web.listConnections({ userId, query: { kind: 'network' } })
  expect(connections.map(({ handle }) => handle)).toEqual(['alice', 'bob'])
  expect(reports).toEqual([])
  await context.close()
}, 120_000)

/** What a person does at the provider. */
async function allow(page: Page, name: string): Promise<void> {
  await page.waitForURL(`${provider.url}/authorize**`)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(`password of ${name}`)
  await page.getByRole('button', { name: 'Allow' }).click()
}

async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
}
