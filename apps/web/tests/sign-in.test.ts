import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from '@jest/globals'
import { accountsOf, ann, type Script, statusOf } from './scripted-services.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor, tokenOf } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
const right = { email: 'ann@example.com', password: 'a good long password' }
let site: TestSite | undefined

afterEach(async () => {
  await site?.close()
  site = undefined
})

function script(): Script {
  return {
    accounts: accountsOf(ann, token, []),
    conductor: { getStatus: statusOf([]) },
    platform: { listItems: async () => ({ items: [], next: null }) },
  }
}

async function start(options: Parameters<typeof startSite>[2] = {}, given: Script = script()) {
  site = await startSite(given, sampleNetworks, options)
  return createVisitor(site.url)
}

/** The sign-in page for a browser that came by this name. */
function pageAs(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`${site?.url}/sign-in`, { headers: { host } }, (response) => text(response).then(resolve, reject)).on('error', reject)
  })
}

const setCookies = (response: Response) => response.headers.getSetCookie().filter((line) => /asheville=./.test(line))

describe('signing in', () => {
  test('gives a __Host- cookie that scripts cannot read, and opens the status page', async () => {
    const visitor = await start()
    const answer = await visitor.submit('/sign-in', '/sign-in', right)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/status'])
    const [cookie = '', ...others] = setCookies(answer)
    expect(others).toEqual([])
    expect(cookie).toMatch(/^__Host-asheville=a-session-token/)
    for (const flag of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']) expect(cookie).toContain(flag)
    expect(cookie).not.toContain('Domain')
    expect((await visitor.get('/status')).status).toBe(200)
  })

  test('on plain http in a home network the cookie has neither, and pages say so', async () => {
    const visitor = await start({ webUrl: 'http://192.168.1.5:3000' })
    expect(await pageAs('192.168.1.5:3000')).toContain('not encrypted')
    expect(await pageAs('localhost:3000')).not.toContain('not encrypted')
    // A browser that does not take Secure cookies over http sends the plain one alone.
    visitor.cookies.clear()
    const page = await visitor.get('/sign-in')
    visitor.cookies.delete('__Host-asheville-visitor')
    const answer = await visitor.post('/sign-in', { _csrf: tokenOf(await page.text()), ...right })
    expect(setCookies(answer)[0]).toMatch(/^asheville=a-session-token/)
    expect(setCookies(answer)[0]).not.toContain('Secure')
  })

  test('over https only the secure cookie counts', async () => {
    const visitor = await start({ webUrl: 'https://asheville.example' })
    visitor.cookies.set('asheville', token)
    expect((await visitor.get('/status')).headers.get('location')).toBe('/sign-in?returnTo=%2Fstatus')
    visitor.cookies.set('__Host-asheville', token)
    expect((await visitor.get('/status')).status).toBe(200)
  })

  test('a wrong password is told beside what was typed, never the password', async () => {
    const visitor = await start()
    const answer = await visitor.submit('/sign-in', '/sign-in', { email: 'ann@example.com', password: 'wrong-secret-here' })
    const page = await answer.text()
    expect(answer.status).toBe(401)
    expect(page).toContain('do not belong together')
    expect(page).toContain('value="ann@example.com"')
    expect(page).not.toContain('wrong-secret-here')
    expect(setCookies(answer)).toEqual([])
  })

  test('signing out ends the session at accounts and forgets the cookie', async () => {
    const visitor = await start()
    await visitor.submit('/sign-in', '/sign-in', right)
    const old = visitor.cookies.get('__Host-asheville') ?? ''
    const answer = await visitor.submit('/settings', '/sign-out').catch((error: unknown) => error as Response)
    expect([answer.status, visitor.cookies.has('__Host-asheville')]).toEqual([303, false])
    visitor.cookies.set('__Host-asheville', old)
    expect((await visitor.get('/status')).headers.get('location')).toContain('/sign-in')
  })

  test('leads back to the page that was asked for, and nowhere else', async () => {
    const visitor = await start()
    expect((await visitor.get('/browse?type=posts')).headers.get('location')).toBe('/sign-in?returnTo=%2Fbrowse%3Ftype%3Dposts')
    const back = await visitor.submit('/sign-in?returnTo=%2Fbrowse', '/sign-in', { ...right, returnTo: '/browse' })
    expect(back.headers.get('location')).toBe('/browse')
    for (const returnTo of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/status/../\t/evil',
      '/sign-out',
      'javascript:alert(1)',
    ]) {
      visitor.cookies.delete('__Host-asheville')
      const answer = await visitor.submit('/sign-in', '/sign-in', { ...right, returnTo })
      expect([returnTo, answer.headers.get('location')]).toEqual([returnTo, '/status'])
    }
  })
})

describe('the first account', () => {
  test('is made once; fields that are wrong say so, and keep what was typed', async () => {
    const made: string[] = []
    const given = script()
    given.accounts.getSetup = async () => ({ hasOwner: made.length > 0, signUpOpen: false, sendsMail: false })
    given.accounts.createUser = async ({ body }) => {
      made.push(body.email)
      return ann
    }
    const visitor = await start({}, given)
    expect(await (await visitor.get('/')).text()).toContain('href="/welcome"')
    const wrong = await visitor.submit('/welcome', '/welcome', { name: 'Ann <b>', email: 'no address', password: 'short' })
    const page = await wrong.text()
    expect([wrong.status, made]).toEqual([422, []])
    expect(page).toContain('value="Ann &lt;b&gt;"')
    expect(page).toContain('aria-invalid="true"')
    expect(page).not.toContain('value="short"')
    const answer = await visitor.submit('/welcome', '/welcome', { name: 'Ann', ...right })
    expect([answer.status, answer.headers.get('location'), made]).toEqual([303, '/connect', ['ann@example.com']])
    const again = createVisitor(site?.url ?? '')
    expect((await again.get('/welcome')).headers.get('location')).toBe('/sign-in')
    expect((await again.get('/sign-up')).headers.get('location')).toBe('/sign-in')
  })
})

describe('forgery', () => {
  test('every change needs a token of this session, from our own pages', async () => {
    const visitor = await start()
    await visitor.submit('/sign-in', '/sign-in', right)
    const good = tokenOf(await (await visitor.get('/settings')).text())
    const id = '6d6f1a01-3c8e-4a63-9b0a-0f3d6f6a1a01'
    const changes = [
      '/sign-out',
      '/status/sync',
      `/syncs/${id}/cancel`,
      `/connections/${id}/disconnect`,
      `/connections/${id}/pause`,
      `/connections/${id}/resume`,
      `/connections/${id}/sync`,
      '/connect/bluesky',
    ]
    for (const path of changes) {
      const answers = await Promise.all([
        visitor.post(path, {}),
        visitor.post(path, { _csrf: 'x' }),
        visitor.post(path, { _csrf: good }, { 'sec-fetch-site': 'cross-site' }),
        visitor.post(path, { _csrf: good }, { 'sec-fetch-site': 'same-site' }),
        visitor.post(path, { _csrf: good }, { origin: 'https://evil.example' }),
        visitor.post(path, { _csrf: good }, { origin: 'null' }),
        createVisitor(site?.url ?? '', { asheville: token, 'asheville-visitor': 'mine' }).post(path, { _csrf: tokenOf('') }),
      ])
      expect([path, ...answers.map(({ status }) => status)]).toEqual([path, 403, 403, 403, 403, 403, 403, 403])
      expect([path, (await visitor.get(path)).status === 404 || path.startsWith('/connect')]).toEqual([path, true])
    }
    const ours = await visitor.post('/status/sync', { _csrf: good }, { 'sec-fetch-site': 'same-origin' })
    expect(ours.status).not.toBe(403)
  })

  test('also before signing in: the token is of this visitor', async () => {
    const visitor = await start()
    const other = createVisitor(site?.url ?? '')
    const foreign = tokenOf(await (await other.get('/sign-in')).text())
    await visitor.get('/sign-in')
    expect((await visitor.post('/sign-in', { ...right, _csrf: foreign })).status).toBe(403)
    expect((await createVisitor(site?.url ?? '').post('/sign-in', { ...right, _csrf: foreign })).status).toBe(403)
    const asText = await fetch(`${site?.url}/sign-in`, { method: 'POST', body: '_csrf=x', headers: { 'content-type': 'text/plain' } })
    expect(asText.status).toBe(415)
  })
})
