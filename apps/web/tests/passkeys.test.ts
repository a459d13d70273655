import { afterEach, describe, expect, test } from '@jest/globals'
import { AshevilleError } from '@asheville/core'
import type { Passkey } from '@asheville/clients'
import { accountsOf, ann, type Script, sessionFor } from './scripted-services.ts'
import { sampleNetworks } from './sample-networks.ts'
import { startSite, type TestSite } from './start-site.ts'
import { createVisitor, tokenOf } from './visitor.ts'

const token = 'a-session-token-of-forty-characters-here'
const laptop: Passkey = {
  id: '6d6f1a01-3c8e-4a63-9b0a-0f3d6f6a1a01',
  name: 'Blue <b>laptop</b>',
  isShared: true,
  createdAt: '2025-03-01T10:00:00.000Z',
  lastUsedAt: null,
}
const answer = { credentialId: 'AAAA', clientDataJSON: 'AAAA', authenticatorData: 'AAAA', signature: 'AAAA', userHandle: 'AAAA' }
let site: TestSite | undefined

afterEach(async () => {
  await site?.close()
  site = undefined
})

async function start(accounts: Script['accounts'] = {}, webUrl = 'http://localhost:3000') {
  const profile = { name: 'Ann', locale: 'en', email: ann.email, isEmailVerified: true, hasPassword: true, sendsMail: true }
  const given: Script['accounts'] = {
    ...accountsOf(ann, token, []),
    listProviders: async () => ({ providers: [] }),
    getProfile: async () => profile,
    listPasskeys: async () => ({ passkeys: [laptop] }),
    ...accounts,
  }
  site = await startSite({ accounts: given, conductor: {}, platform: {} }, sampleNetworks, { webUrl })
  return { site, visitor: createVisitor(site.url), person: createVisitor(site.url, { asheville: token }) }
}

describe('where passkeys are kept', () => {
  test('the pages have what they need from this site alone, and say what happens without JavaScript', async () => {
    const { site: running, visitor, person } = await start()
    const pages = [await (await visitor.get('/sign-in')).text(), await (await person.get('/settings/passkeys')).text()]
    for (const page of pages) {
      expect(page).toContain('data-origin="http://localhost:3000"')
      expect(page).toMatch(/<noscript><p[^>]*>Passkeys need JavaScript/)
      const scripts = [...page.matchAll(/<script src="([^"]+)" nonce="[^"]+" defer>/g)].map(([, path]) => path!)
      expect(scripts.map((path) => path.replace(/\.[0-9a-f]{12}\./, '.'))).toEqual(
        expect.arrayContaining(['/assets/webauthn.js', '/assets/passkeys.js']),
      )
      for (const path of scripts) {
        const response = await fetch(running.url + path)
        expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8'])
      }
    }
    expect(pages[0]).toContain('autocomplete="username webauthn"')
    expect(pages[1]).toContain('Blue &lt;b&gt;laptop&lt;/b&gt;')
  })

  test.each(['http://192.168.1.5:3000', 'http://home.lan:3000', 'https://192.168.1.5'])(
    'at %s there are none: it is said, and nothing is run',
    async (webUrl) => {
      const { visitor, person } = await start({}, webUrl)
      person.cookies.set('__Host-asheville', token)
      for (const page of [await (await visitor.get('/sign-in')).text(), await (await person.get('/settings/passkeys')).text()]) {
        expect(page).toContain('Passkeys need an address that begins with https')
        expect(page).not.toContain('data-passkey=')
        expect(page).not.toContain('webauthn.')
      }
    },
  )
})

describe('signing in', () => {
  test('what is asked of one browser is its own; the session comes in a cookie, and leads where one wanted to go', async () => {
    const asked: string[] = []
    const { site: running, visitor } = await start({
      beginPasskeySignIn: async ({ body }) => {
        asked.push(body.visitor)
        return { challenge: 'AAAA', rpId: 'localhost', timeout: 300_000, userVerification: 'required' }
      },
      finishPasskeySignIn: async ({ body }) => {
        asked.push(body.visitor)
        expect(body).toMatchObject(answer)
        return { token, session: sessionFor(ann) }
      },
    })
    const other = createVisitor(running.url)
    const options = await visitor.submit('/sign-in', '/passkeys/sign-in/options')
    expect([options.status, options.headers.get('cache-control'), await options.json()]).toMatchObject([
      200,
      'no-store',
      { rpId: 'localhost' },
    ])
    await other.submit('/sign-in', '/passkeys/sign-in/options')
    const cookies = [...visitor.cookies.values()]
    const done = await visitor.submit('/sign-in', '/passkeys/sign-in', { ...answer, returnTo: '/browse' })
    expect([done.status, done.headers.get('location'), visitor.cookies.get('__Host-asheville')]).toEqual([303, '/browse', token])
    expect([asked[0] === asked[2], asked[0] === asked[1]]).toEqual([true, false])
    for (const cookie of cookies) expect(asked).not.toContain(cookie)
    const away = await other.submit('/sign-in', '/passkeys/sign-in', { ...answer, returnTo: '//evil.example' })
    expect(away.headers.get('location')).toBe('/status')
  })

  test.each([
    ['unauthenticated', 401, 'does not open an account here'],
    ['invalid', 422, 'does not open an account here'],
    ['rate-limited', 429, 'minute'],
    ['unavailable', 503, ''],
  ] as const)('refused as %s it is told, with the other ways in', async (kind, status, text) => {
    const { visitor } = await start({
      finishPasskeySignIn: () => Promise.reject(new AshevilleError(kind, 'No', { retryAfterMs: 60_000 })),
    })
    const refused = await visitor.submit('/sign-in', '/passkeys/sign-in', { ...answer, returnTo: '/browse' })
    const page = await refused.text()
    expect([refused.status, visitor.cookies.has('__Host-asheville')]).toEqual([status, false])
    expect(page).toContain(text)
    expect(page).toContain('role="alert"')
    expect(page).toContain('href="/sign-in?returnTo=%2Fbrowse"')
  })
})

describe('one’s own', () => {
  test('a wrong password is told to the script that asked', async () => {
    const message = 'This is not your password'
    const { person } = await start({
      beginPasskey: ({ body }) =>
        Promise.reject(
          new AshevilleError('invalid', message, { faults: [{ pointer: '/current', message: `${message}: ${body.current}` }] }),
        ),
    })
    const refused = await person.submit('/settings/passkeys', '/settings/passkeys/options', { current: 'guess' })
    expect([refused.status, refused.headers.get('content-type')]).toEqual([422, 'application/problem+json; charset=utf-8'])
    expect(await refused.json()).toMatchObject({ status: 422, detail: 'This is not your password: guess' })
  })

  test('without a name it gets one; a refused one is told beside what was typed', async () => {
    const names: string[] = []
    const { person } = await start({
      addPasskey: async ({ body }) => {
        names.push(body.name)
        if (body.name !== 'Passkey') throw new AshevilleError('forbidden', 'Add it again')
        return laptop
      },
    })
    const made = { credentialId: 'AAAA', clientDataJSON: 'AAAA', attestationObject: 'AAAA', transports: 'internal,hybrid' }
    const added = await person.submit('/settings/passkeys', '/settings/passkeys', { ...made, name: ' ' })
    expect([added.status, added.headers.get('location'), names]).toEqual([303, '/settings/passkeys?done=added', ['Passkey']])
    const refused = await (await person.submit('/settings/passkeys', '/settings/passkeys', { ...made, name: 'Red key' })).text()
    expect(refused).toContain('Add it again')
    expect(refused).toContain('value="Red key"')
  })

  test('the last way in stays, and it is said why; what is another’s is not there', async () => {
    const { person } = await start({
      removePasskey: () => Promise.reject(new AshevilleError('conflict', 'You could not sign in any more')),
    })
    const path = `/settings/passkeys/${laptop.id}/remove`
    const asked = await (await person.get(path)).text()
    expect(asked).toContain('Remove this passkey?')
    const kept = await person.post(path, { _csrf: tokenOf(asked) })
    expect([kept.status, (await kept.text()).includes('You could not sign in any more')]).toEqual([409, true])
    for (const id of ['00000000-0000-4000-8000-000000000000', '1', '%00']) {
      const other = await person.get(`/settings/passkeys/${id}/remove`)
      expect([id, other.status === 404 || other.status === 400]).toEqual([id, true])
    }
  })
})
