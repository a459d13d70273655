import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { BlueskySimulator, MastodonSimulator, TwitterSimulator } from '@asheville/simulators'
import { syncNow, type Instance } from '../instance.ts'
import type { Canaries } from './canaries.ts'
import { createRecordingBrowser, type Page, type RecordingBrowser } from './recording-browser.ts'
import type { Place } from './scan.ts'
import { addStoredSecrets } from './secrets-of.ts'

export interface EventfulRun {
  instance: Instance
  mastodon: MastodonSimulator
  bluesky: BlueskySimulator
  twitter: TwitterSimulator
  canaries: Canaries
  /** Every answer that the browser got. */
  answers: Place[]
}

const email = 'ann@example.org'

/**
 * A person's life with it: signs up and in, connects three networks, mistypes passwords, is forged and replayed, syncs while
 * everything fails that can, disconnects. Every secret on the way becomes a canary. Answers how the syncs ended.
 */
export async function runEventfully({ instance, mastodon, bluesky, twitter, canaries, answers }: EventfulRun): Promise<string[]> {
  const browser = createRecordingBrowser(instance.constellation.url, answers)
  const typed = (name: string): string => {
    const secret = `calm-${randomBytes(9).toString('hex')} &"<é>`
    canaries.add(name, secret)
    return secret
  }
  const harvest = () => addStoredSecrets(canaries, instance.constellation)
  const noteSession = (name: string) => canaries.add(name, browser.cookie('asheville')!)

  const password = typed('password')
  await expectPage(
    browser.submit('/welcome', '/welcome', { name: '', email: 'no address', password: typed('password of a refused form') }),
    422,
  )
  await expectPage(browser.submit('/welcome', '/welcome', { name: 'Ann', email, password }), 303)
  noteSession('session token')
  await expectPage(browser.submit('/settings', '/sign-out'), 303)
  await expectPage(browser.submit('/sign-in', '/sign-in', { email, password: typed('wrong password') }), 401, 422)
  await expectPage(browser.submit('/sign-in', '/sign-in', { email: typed('password in the place of the address'), password }), 401, 422)
  await expectPage(browser.submit('/sign-in', '/sign-in', { email, password }), 303)
  noteSession('second session token')

  await connectMastodon(browser, mastodon, canaries, harvest)
  await connectBluesky(browser, bluesky, canaries, typed)
  await connectTwitter(browser, twitter, canaries, harvest)
  const secretAddress = `http://me:${encodeURIComponent(typed('password in an address'))}@${new URL(mastodon.url).host}/feed`
  await expectPage(browser.submit('/connect/feeds', '/connect/feeds', { 'field-url': secretAddress }), 422)
  await harvest()

  const userId = await ownerId(instance, password)
  const states = await syncAmongFaults({ instance, mastodon, bluesky, twitter, userId, harvest })
  await lookAround(browser)
  await disconnect(browser, harvest)
  await lookAround(browser)
  await untilReady(instance)
  await tryServices(instance, answers, canaries)
  return states
}

async function connectMastodon(
  browser: RecordingBrowser,
  mastodon: MastodonSimulator,
  canaries: Canaries,
  harvest: () => Promise<void>,
): Promise<void> {
  const begin = async (): Promise<string> => {
    const { location } = await expectPage(browser.submit('/connect/mastodon', '/connect/mastodon', { 'field-server': mastodon.url }), 303)
    await expectPage(browser.get(location!), 200)
    const authorize = new URL(location!, mastodon.url).searchParams.get('to')!
    return mastodon.authorize(authorize)
  }
  await expectPage(browser.submit('/connect/mastodon', '/connect/mastodon', { 'field-server': 'http://127.0.0.1:1' }), 422, 503)

  const code = (address: string): string => new URL(address).searchParams.get('code')!
  // The token endpoint fails in the middle of the exchange.
  for (const [name, fault] of [
    ['code that met a server error', { kind: 'server-error', status: 500 }],
    ['code that met a page', { kind: 'html' }],
    ['code whose answer was lost', { kind: 'reply-lost' }],
  ] as const) {
    const back = await begin()
    canaries.add(name, code(back))
    await harvest()
    mastodon.faults.add({ ...fault, route: 'POST /oauth/token', next: 1 })
    await expectPage(browser.get(pathOf(back)), 422, 503)
  }
  const back = await begin()
  canaries.add('authorization code', code(back))
  await harvest()
  const forged = new URL(back)
  forged.searchParams.set('state', randomBytes(32).toString('base64url'))
  await expectPage(browser.get(pathOf(forged.href)), 422, 403)
  await expectPage(browser.get(pathOf(back)), 303)
  await expectPage(browser.get(pathOf(back)), 422, 403)
}

async function connectBluesky(
  browser: RecordingBrowser,
  bluesky: BlueskySimulator,
  canaries: Canaries,
  typed: (name: string) => string,
): Promise<void> {
  const { handle, appPassword } = bluesky.account()
  canaries.add('app password', appPassword)
  const fields = (password: string) => ({ 'field-handle': handle, 'field-password': password, 'field-server': bluesky.url })
  const submit = (password: string) => browser.submit('/connect/bluesky', '/connect/bluesky', fields(password))
  await expectPage(submit(typed('wrong app password')), 422)
  await expectPage(
    browser.submit('/connect/bluesky', '/connect/bluesky', {
      ...fields(''),
      'field-handle': typed('app password in the place of the handle'),
    }),
    422,
  )
  for (const fault of [
    { kind: 'server-error' },
    { kind: 'html' },
    { kind: 'reply-lost' },
    { kind: 'rate-limited', retryAfterSeconds: 1 },
  ] as const) {
    bluesky.faults.add({ ...fault, route: /createSession/, next: 1 })
    await expectPage(submit(appPassword), 422, 429, 503)
  }
  await expectPage(submit(appPassword), 303)
}

async function connectTwitter(
  browser: RecordingBrowser,
  twitter: TwitterSimulator,
  canaries: Canaries,
  harvest: () => Promise<void>,
): Promise<void> {
  for (const fault of [{ kind: 'server-error', status: 500 }, { kind: 'unauthorized' }, { kind: 'reply-lost' }, null] as const) {
    const { location } = await expectPage(browser.submit('/connect/twitter', '/connect/twitter', {}), 303)
    await expectPage(browser.get(location!), 200)
    const back = await twitter.authorize(new URL(location!, twitter.url).searchParams.get('to')!)
    canaries.add(`code of twitter (${fault?.kind ?? 'all is well'})`, new URL(back).searchParams.get('code')!)
    await harvest()
    if (fault) twitter.faults.add({ ...fault, route: 'POST /2/oauth2/token', next: 1 })
    const { location: start } = await expectPage(browser.get(pathOf(back)), ...(fault ? [422, 503] : [303]))
    // What costs is begun with a word of its own.
    if (!fault) await expectPage(browser.submit(start!, start!, { readsPerMonth: '5000' }), 303)
  }
}

interface Syncing {
  instance: Instance
  mastodon: MastodonSimulator
  bluesky: BlueskySimulator
  twitter: TwitterSimulator
  userId: string
  harvest(): Promise<void>
}

/** How each of the syncs ended. */
async function syncAmongFaults({ instance, mastodon, bluesky, twitter, userId, harvest }: Syncing): Promise<string[]> {
  mastodon.faults.add({ kind: 'server-error', status: 502, route: '/api/v1/accounts/:id/statuses', at: 2 })
  mastodon.faults.add({ kind: 'reset', afterBytes: 300, route: '/api/v1/accounts/:id/statuses', at: 3 })
  mastodon.faults.add({ kind: 'html', route: '/api/v1/favourites', at: 1 })
  mastodon.faults.add({ kind: 'short-body', route: '/media/*', at: 1 })
  bluesky.faults.add({ kind: 'unauthorized', route: /getRepo|listRecords/, at: 1 })
  bluesky.faults.add({ kind: 'short-body', route: /getBlob/, at: 1 })
  twitter.faults.add({ kind: 'unauthorized', route: '/2/users/:id/tweets', at: 1 })
  twitter.faults.add({ kind: 'reset', afterBytes: 300, route: '/2/users/:id/liked_tweets', at: 1 })
  twitter.faults.add({ kind: 'html', route: '/2/users/:id/bookmarks', at: 1 })
  const states: string[] = []
  const sync = async (whileRunning?: () => Promise<void>): Promise<void> => {
    const { state } = await syncNow(instance, userId, { timeoutMs: 90_000, ...(whileRunning && { whileRunning }) })
    states.push(state)
    await harvest()
  }
  let kills = 0
  await sync(async () => {
    if (kills === 0 && mastodon.counters.of('/statuses') > 1) {
      kills += 1
      instance.constellation.kill('workers')
    }
    return Promise.resolve()
  })
  // Access tokens of the simulated Bluesky and X live for two seconds: each sync refreshes.
  await wait(2_100)
  bluesky.faults.add({ kind: 'server-error', route: /refreshSession/, next: 1 })
  await sync()
  instance.constellation.kill('accounts')
  await wait(2_100)
  await untilReady(instance)
  await sync()
  // From here on all grants are dead: two are refused, of the other a renewal was lost on the way.
  await wait(2_100)
  mastodon.revokeTokens()
  twitter.revokeTokens()
  bluesky.faults.add({ kind: 'reply-lost', route: /refreshSession/, next: 1 })
  await sync()
  return states
}

/** Who was killed is started again. */
async function untilReady({ constellation }: Instance): Promise<void> {
  for (const { PORT } of Object.values(constellation.env))
    for (let attempt = 0; ; attempt += 1) {
      const isReady = await fetch(`http://127.0.0.1:${PORT}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isReady) break
      if (attempt === 200) throw new Error(`Nothing is ready at port ${PORT}`)
      await wait(100)
    }
}

const paths = [
  '/',
  '/status',
  '/status/live',
  '/browse',
  '/settings',
  '/connect',
  '/connect/mastodon',
  '/connect/bluesky',
  '/connect/twitter',
  '/sign-in',
  '/nothing',
]

async function lookAround(browser: RecordingBrowser): Promise<void> {
  for (const path of paths) await browser.get(path)
  const { text } = await browser.get('/browse')
  for (const [, path = ''] of [...text.matchAll(/(?:href|src)="(\/(?:items|files)\/[^"]+)"/g)].slice(0, 6)) await browser.get(path)
  await browser.get('/status', { accept: 'application/json' })
}

async function disconnect(browser: RecordingBrowser, harvest: () => Promise<void>): Promise<void> {
  const { text } = await browser.get('/status')
  const [, id] = /\/connections\/([0-9a-f-]{36})\/disconnect/.exec(text) ?? []
  if (id === undefined) throw new Error('The status page offers nothing to disconnect')
  await harvest()
  await expectPage(browser.submit(`/connections/${id}/disconnect`, `/connections/${id}/disconnect`), 303)
}

/** What services answer to whoever has no right to ask, with a secret in the question. */
async function tryServices({ constellation }: Instance, answers: Place[], canaries: Canaries): Promise<void> {
  const secret = randomBytes(24).toString('hex')
  canaries.add('password in a question to a service', secret)
  for (const [service, { PORT }] of Object.entries(constellation.env))
    for (const path of ['/metrics', '/readyz', '/version', '/openapi.json', `/v1/sessions?password=${secret}`, '/v1/sessions']) {
      const body = JSON.stringify({ email, password: secret, token: secret })
      const init = path.startsWith('/v1')
        ? { method: 'POST', body, headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` } }
        : {}
      const response = await fetch(`http://127.0.0.1:${PORT}${path}`, init)
      answers.push({
        name: `answer ${response.status} of ${service} to ${path.split('?')[0]!}`,
        bytes: Buffer.from(await response.arrayBuffer()),
      })
    }
}

async function ownerId(instance: Instance, password: string): Promise<string> {
  const body = { email, password, device: { userAgent: 'canaries', address: '127.0.0.1' } }
  return (await instance.accounts('web').createSession({ body })).session.user.id
}

const pathOf = (address: string): string => address.slice(new URL(address).origin.length)

async function expectPage(asked: Promise<Page>, ...statuses: number[]): Promise<Page> {
  const page = await asked
  if (!statuses.includes(page.status)) {
    const words = page.text.replace(/<(style|script)[^>]*>.*?<\/\1>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ')
    throw new Error(`Answered ${page.status} where ${statuses.join(' or ')} was to be expected: ${words.slice(0, 300)}`)
  }
  return page
}
