import { AxeBuilder } from '@axe-core/playwright'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { AppToken } from '@asheville/clients'
import { AshevilleError, contentTypes } from '@asheville/core'
import { openBrowser } from '@asheville/testkit/browser'
import type { Browser } from 'playwright-core'
import { sampleNetworks } from './sample-networks.ts'
import { accountsOf, ann, type Script } from './scripted-services.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
const secret = 'ash_pat_0123456789abcdefghijABCDEFGHIJ012345'
const reader: AppToken = {
  id: '1d0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a09',
  name: 'Reader <b>of</b> posts',
  begins: 'ash_pat_AbCd',
  scopes: ['posts:read', 'photos:read', 'events:write'],
  createdAt: '2025-03-01T10:00:00.000Z',
  expiresAt: '2025-04-01T10:00:00.000Z',
  lastUsedAt: null,
}

let site: TestSite
let tokens: AppToken[]
let asked: object[]
let refusal: AshevilleError | null
const script: Script = {
  accounts: {
    ...accountsOf(ann, token, []),
    getProfile: async () => ({ name: 'Ann', locale: 'en', email: ann.email, isEmailVerified: true, hasPassword: true, sendsMail: true }),
    listAppTokens: async () => ({ tokens }),
    createAppToken: async ({ body }) => {
      if (refusal) throw refusal
      asked.push(body)
      const { name, scopes } = body
      tokens = [{ ...reader, id: '1d0d5b5e-3c8e-4a63-9b0a-0f3d6f6a1a10', name, scopes, expiresAt: null }, ...tokens]
      return { secret, token: tokens[0]! }
    },
    revokeAppToken: async ({ params }) => {
      tokens = tokens.filter(({ id }) => id !== params.appTokenId)
    },
  },
  conductor: {},
  platform: {},
}

beforeAll(async () => {
  site = await startSite(script, sampleNetworks)
})
afterAll(() => site.close())
beforeEach(() => {
  tokens = [reader]
  asked = []
  refusal = null
})
const person = () => createVisitor(site.url, { asheville: token })

describe('tokens', () => {
  test('say what they are for, when they were used, and that they have ended', async () => {
    const page = await (await person().get('/settings/apps')).text()
    expect(page).toContain('Reader &lt;b&gt;of&lt;/b&gt; posts')
    for (const words of ['Reads: Posts, Photos', 'Adds: Events', 'ash_pat_AbCd…', 'not used yet', 'ended']) expect(page).toContain(words)
    expect(page).not.toContain('copy.')
  })

  test('one is made for all or some, and shown this once', async () => {
    const visitor = person()
    const fields = { name: 'Backup', current: 'a good long password', days: 'null', scope: 'everything:read' }
    const made = await visitor.submit('/settings/apps', '/settings/apps', fields)
    const page = await made.text()
    expect([made.status, made.headers.get('cache-control'), page.includes(secret)]).toEqual([200, 'no-store', true])
    expect(asked).toEqual([expect.objectContaining({ name: 'Backup', days: null, scopes: contentTypes.map((type) => `${type}:read`) })])
    expect(page).toContain('Reads: everything')
    expect(await (await visitor.get('/settings/apps')).text()).not.toContain(secret)
  })

  test('what was wrong is told where it is, and what was ticked stays so', async () => {
    const message = 'This is not your password'
    refusal = new AshevilleError('invalid', message, { faults: [{ pointer: '/current', message }] })
    const answer = await person().submit('/settings/apps', '/settings/apps', { name: 'Backup', scope: 'likes:read', days: '365' })
    const page = await answer.text()
    expect(answer.status).toBe(422)
    expect(page).toContain(message)
    expect(page).toMatch(/value="likes:read" checked/)
    expect(page).toMatch(/value="365" selected/)
    const nothing = await person().submit('/settings/apps', '/settings/apps', { name: 'Backup' })
    expect([nothing.status, asked]).toEqual([422, []])
  })

  test('one is taken back, once one was asked', async () => {
    const visitor = person()
    const question = `/settings/apps/${reader.id}/revoke`
    expect(await (await visitor.get(question)).text()).toContain('Take this token back?')
    const done = await visitor.submit(question, question)
    expect([done.status, done.headers.get('location'), tokens]).toEqual([303, '/settings/apps?done=revoked', []])
    expect((await visitor.get(question)).status).toBe(404)
  })
})

test('the reference names every request of the document, and what it takes and answers', async () => {
  const page = await (await createVisitor(site.url).get('/developers')).text()
  const { paths } = (await (await fetch(`${site.url}/v1/openapi.json`)).json()) as { paths: Record<string, object> }
  for (const path of Object.keys(paths)) expect(page).toContain(path)
  for (const words of ['order', 'newest | oldest', 'Idempotency-Key', 'items[].object', 'If-None-Match', 'text/event-stream', '304'])
    expect([words, page.includes(words)]).toEqual([words, true])
})

describe('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  }, 60_000)
  afterAll(() => browser?.close())

  test('one is made and taken back without a script', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
    const page = await context.newPage()
    await page.goto(`${site.url}/settings/apps`)
    await page.getByLabel('Which program is it for?').fill('Backup')
    await page.getByLabel('Posts: Read').check()
    await page.getByLabel('Your password').fill('a good long password')
    await page.getByRole('button', { name: 'Make the token' }).click()
    expect(await page.getByLabel('Token', { exact: true }).inputValue()).toBe(secret)
    expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0)
    await page.getByRole('link', { name: /Take it back\s*: Backup/ }).click()
    await page.getByRole('button', { name: 'Take it back' }).click()
    await page.getByText('The token was taken back').waitFor()
    expect(tokens).toEqual([reader])
    await context.close()
  }, 60_000)

  test('with scripts it is copied by a click, and nothing is against the policy', async () => {
    const context = await browser.newContext()
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(`${site.url}/settings/apps`)
    await page.getByLabel('Which program is it for?').fill('Backup')
    await page.getByLabel('Posts: Read').check()
    await page.getByLabel('Your password').fill('a good long password')
    await page.getByRole('button', { name: 'Make the token' }).click()
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secret)
    await page.goto(`${site.url}/developers`)
    await page.getByText('What is in it').first().click()
    expect(complaints).toEqual([])
    await context.close()
  }, 60_000)

  test.each([
    ['light', 1440],
    ['dark', 390],
  ] as const)(
    'accessible in %s at %i',
    async (colorScheme, width) => {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: 'reduce', bypassCSP: true })
      await context.addCookies([{ name: 'asheville', value: token, url: site.url }])
      const page = await context.newPage()
      const look = async (name: string) => {
        const { violations } = await new AxeBuilder({ page }).analyze()
        expect([name, violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)]).toEqual([name, []])
        const fits = await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)
        expect([name, fits]).toEqual([name, true])
        if (process.env['LOOK'])
          await page.screenshot({ path: `${process.env['LOOK']}/${name}-${colorScheme}-${width}.png`, fullPage: true })
      }
      await page.goto(`${site.url}/settings/apps`)
      await look('apps')
      await page.getByLabel('Which program is it for?').fill('Backup')
      await page.getByLabel('everything: Read').check()
      await page.getByLabel('Your password').fill('a good long password')
      await page.getByRole('button', { name: 'Make the token' }).click()
      await page.getByText('Your new token').waitFor()
      await look('made')
      await page.goto(`${site.url}/settings/apps/${reader.id}/revoke`)
      await look('revoke')
      await page.goto(`${site.url}/developers`)
      await look('developers')
      await context.close()
    },
    60_000,
  )
})
