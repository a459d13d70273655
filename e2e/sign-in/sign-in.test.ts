import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHttp } from '@asheville/http-client'
import { createLogger } from '@asheville/service'
import { startOAuthProvider, type OAuthProviderSimulator } from '@asheville/simulators'
import { startMailServer } from '@asheville/testkit/mail-server'
import { giveBackParked } from '../../apps/accounts/src/connect/give-back.ts'
import { createSealing } from '../../apps/accounts/src/sealing.ts'
import { ownWays } from '../../apps/accounts/tests/scripted-networks.ts'
import { tokenOf, type Visitor } from '../../apps/web/tests/visitor.ts'
import { placeOf, scriptedNetwork, scriptedStorage, variablesOf } from './scripted-adapters.ts'
import { startSite, webUrl, type SignInSite } from './start-site.ts'
import { begin, isSignedIn, pathOf, send, walk } from './walk.ts'

const names = ['anna', 'bert', 'cleo', 'dora', 'emil', 'fritz', 'gerda', 'hanna', 'ines', 'jan']
let cedar: OAuthProviderSimulator
let maple: OAuthProviderSimulator
let brook: OAuthProviderSimulator
let site: SignInSite

const clientOf = (path: string) => ({ clientId: 'asheville', clientSecret: 'secret', redirectUris: [`${webUrl}${path}`] })
const clientVariables = (id: string) => ({ [variablesOf(id).id]: 'asheville', [variablesOf(id).secret]: 'secret' })

beforeAll(async () => {
  ;[cedar, maple, brook] = await Promise.all([
    startOAuthProvider({ accounts: names, clients: [clientOf('/sign-in/cedar/callback')] }),
    startOAuthProvider({ accounts: names, clients: [clientOf('/sign-in/maple/callback')] }),
    startOAuthProvider({ accounts: names, clients: [clientOf('/connect/brook/callback')] }),
  ])
  site = await start()
}, 60_000)
afterAll(async () => {
  await site?.close()
  await Promise.all([cedar, maple, brook].map((each) => each?.close()))
})

const start = (options: Partial<Pick<Parameters<typeof startSite>[0], 'isSignUpOpen' | 'variables' | 'smtpUrl'>> = {}) =>
  startSite({
    storages: [
      scriptedStorage('cedar', 'Cedar', placeOf(cedar.url)),
      scriptedStorage('maple', 'Maple', placeOf(maple.url)),
      scriptedStorage('pine', 'Pine', placeOf(maple.url)),
    ],
    networks: [scriptedNetwork('brook', 'Brook', placeOf(brook.url))],
    variables: { ...clientVariables('cedar'), ...clientVariables('maple'), ...clientVariables('brook') },
    ...options,
  })

/** What accounts does every minute. */
async function tidyParked(): Promise<void> {
  const http = createHttp({ allow: ['127.0.0.0/8'] })
  const { db, credentialKeys } = site.accounts
  const networks = [scriptedNetwork('brook', 'Brook', placeOf(brook.url))]
  const context = { db, http, networks, storages: [], variables: clientVariables('brook'), sealing: createSealing(credentialKeys) }
  await giveBackParked(context as unknown as Parameters<typeof giveBackParked>[0], createLogger('accounts', 'silent'))
  await http.close()
}

/** The session of that browser. */
function personOf(visitor: Visitor, at: SignInSite = site) {
  return at.accounts.web.checkSession({ body: { token: visitor.cookies.get('__Host-asheville') ?? '' } })
}
const connectionsOf = async (userId: string, kind: 'network' | 'storage', at: SignInSite = site) =>
  (await at.accounts.web.listConnections({ userId, query: { kind } })).connections

describe('signing in with a storage', () => {
  test('offers those that are set up; a new account becomes a person with that storage; the same account is the same person', async () => {
    const visitor = site.open()
    // The owner first: their own e-mail and password.
    await site.accounts.signUp('owner@example.org')
    const page = await (await visitor.get('/sign-in')).text()
    expect(page).toContain('Sign in with Cedar')
    expect(page).toContain('Sign in with Maple')
    expect(page).not.toContain('Pine')
    expect((await visitor.get('/sign-in/pine')).status).toBeLessThan(500)

    const done = await walk(visitor, 'sign-in', 'cedar', cedar, { account: 'anna' })
    expect([done.status, done.headers.get('location')]).toEqual([303, '/connect'])
    const { user } = await personOf(visitor)
    expect(user).toMatchObject({ name: 'anna', email: null, role: 'member' })
    const storages = await connectionsOf(user.id, 'storage')
    expect(storages.map(({ provider, accountId, state }) => [provider, accountId, state])).toEqual([['cedar', 'anna-1', 'active']])

    const other = site.open()
    const again = await walk(other, 'sign-in', 'cedar', cedar, { account: 'anna', fields: { returnTo: '/browse?type=posts' } })
    expect([again.status, again.headers.get('location')]).toEqual([303, '/browse?type=posts'])
    expect((await personOf(other)).user.id).toBe(user.id)
    expect(await connectionsOf(user.id, 'storage')).toHaveLength(1)
  })

  test('found by id, by the account, by e-mail; never by the e-mail address of the account', async () => {
    const visitor = site.open()
    await walk(visitor, 'sign-in', 'cedar', cedar, { account: 'bert' })
    const { user } = await personOf(visitor)
    const owner = await site.accounts.signUp('bert@example.org')
    const find = (by: Parameters<typeof site.accounts.web.findUser>[0]['body']['by']) => site.accounts.conductor.findUser({ body: { by } })
    expect((await find({ kind: 'id', userId: user.id })).id).toBe(user.id)
    expect((await find({ kind: 'identity', provider: 'cedar', server: null, providerUserId: 'bert-1' })).id).toBe(user.id)
    expect((await find({ kind: 'email', email: ' BERT@example.org' })).id).toBe(owner.user.id)
    await expect(find({ kind: 'identity', provider: 'maple', server: null, providerUserId: 'bert-1' })).rejects.toThrow('no such person')
    await expect(find({ kind: 'email', email: 'nobody@example.org' })).rejects.toThrow('no such person')
    // The same name at another provider, with the same e-mail address there, is somebody else.
    const stranger = site.open()
    await walk(stranger, 'sign-in', 'maple', maple, { account: 'bert' })
    expect((await personOf(stranger)).user.id).not.toBe(user.id)
  })

  test('two tabs with two storages both get in; each time it is a new session, and the one before has ended', async () => {
    const visitor = site.open()
    const [one, two] = [await begin(visitor, 'sign-in', 'cedar'), await begin(visitor, 'sign-in', 'maple')]
    await visitor.get(pathOf(await maple.authorize(two, { account: 'cleo' })))
    const before = await personOf(visitor)
    const token = visitor.cookies.get('__Host-asheville')!
    await visitor.get(pathOf(await cedar.authorize(one, { account: 'cleo' })))
    const after = await personOf(visitor)
    expect([after.id === before.id, after.user.id === before.user.id]).toEqual([false, false])
    await expect(site.accounts.web.checkSession({ body: { token } })).rejects.toMatchObject({ kind: 'unauthenticated' })
  })

  test('a dead storage connection works again with the fresh tokens', async () => {
    const visitor = site.open()
    await walk(visitor, 'sign-in', 'cedar', cedar, { account: 'dora' })
    const { user } = await personOf(visitor)
    const [storage] = await connectionsOf(user.id, 'storage')
    cedar.revokeGrants('dora')
    const access = (rejected: string | null) =>
      site.accounts.platform.getAccess({ userId: user.id, params: { connectionId: storage!.id }, body: { rejected } })
    const old = (await access(null)).accessToken
    await expect(access(old)).rejects.toMatchObject({ kind: 'reconnect-required' })
    expect((await connectionsOf(user.id, 'storage'))[0]?.state).toBe('reconnect')
    await walk(site.open(), 'sign-in', 'cedar', cedar, { account: 'dora' })
    expect((await connectionsOf(user.id, 'storage'))[0]?.state).toBe('active')
    expect(cedar.isAccepted((await access(null)).accessToken!)).toBe(true)
  })

  test('tokens lie sealed, and are in no page, address or log', async () => {
    const grants = cedar.grants()
    expect(grants.length).toBeGreaterThan(0)
    const rows = await site.accounts.db.query<{ all: string }>(
      'SELECT credentials::text AS all FROM credentials UNION ALL SELECT oauth_transactions::text FROM oauth_transactions',
    )
    const text = rows.map(({ all }) => all).join('\n') + site.accounts.lines.join('\n')
    for (const { accessToken, refreshToken } of grants)
      for (const token of [accessToken, refreshToken]) {
        expect(text).not.toContain(token)
        expect(text).not.toContain(Buffer.from(token).toString('hex'))
      }
  })

  test('who does not allow it there is told so, and may try again', async () => {
    const visitor = site.open()
    const address = await begin(visitor, 'sign-in', 'cedar')
    const answer = await visitor.get(pathOf(await cedar.authorize(address, { deny: true })))
    expect(await answer.text()).toContain('You did not allow it there')
    expect(isSignedIn(visitor)).toBe(false)
  })

  test('with sign-up closed only who is known gets in; what a stranger allowed is given back', async () => {
    const closed = await start({ isSignUpOpen: false })
    try {
      const owner = closed.open()
      const first = await walk(owner, 'sign-in', 'cedar', cedar, { account: 'emil' })
      expect(first.headers.get('location')).toBe('/connect')
      expect((await personOf(owner, closed)).user.role).toBe('owner')
      const revocations = cedar.counts().revocations
      const stranger = closed.open()
      const refused = await walk(stranger, 'sign-in', 'cedar', cedar, { account: 'fritz' })
      expect(refused.status).toBe(403)
      expect(await refused.text()).toContain('Nobody else can sign up here')
      expect(isSignedIn(stranger)).toBe(false)
      expect(cedar.counts().revocations).toBe(revocations + 1)
      expect((await walk(closed.open(), 'sign-in', 'cedar', cedar, { account: 'emil' })).status).toBe(303)
    } finally {
      await closed.close()
    }
  })
})

test('a provider with ways of its own: its long-lived access is kept; what nothing was made of is given back as it wants', async () => {
  const elm = await startOAuthProvider({
    accounts: ['anna', 'bert'],
    clients: [clientOf('/sign-in/elm/callback')],
    secretIn: 'header',
    refreshTokens: false,
    exchangedSeconds: 60 * 86_400,
    disconnect: true,
  })
  const { issuer, authorization, token, ...place } = placeOf(elm.url)
  const endpoints = { issuer, authorization, token, revocation: null, pkce: true, secretIn: 'header' } as const
  const own = { ...ownWays(elm.url), endpoints: () => endpoints }
  const there = await startSite({
    storages: [scriptedStorage('elm', 'Elm', { ...place, issuer, authorization, token, own })],
    variables: clientVariables('elm'),
    isSignUpOpen: false,
  })
  try {
    const visitor = there.open()
    await walk(visitor, 'sign-in', 'elm', elm, { account: 'anna' })
    const { user } = await personOf(visitor, there)
    const [storage] = await connectionsOf(user.id, 'storage', there)
    const access = { userId: user.id, params: { connectionId: storage!.id }, body: { rejected: null } }
    const { accessToken, expiresAt } = await there.accounts.platform.getAccess(access)
    expect(elm.isAccepted(accessToken!)).toBe(true)
    expect(Date.parse(expiresAt!)).toBeGreaterThan(Date.now() + 59 * 86_400_000)
    expect(elm.counts()).toMatchObject({ exchanges: 1, trades: 1, disconnects: 0 })

    expect((await walk(there.open(), 'sign-in', 'elm', elm, { account: 'bert' })).status).toBe(403)
    expect(elm.counts()).toMatchObject({ trades: 2, disconnects: 1, revocations: 0 })
    expect(elm.grants().map(({ account, isRevoked }) => [account, isRevoked])).toEqual([
      ['anna', false],
      ['bert', true],
    ])
  } finally {
    await there.close()
    await elm.close()
  }
})

describe('ways to sign in', () => {
  test('one more is added by the person, and lets them in; somebody else’s is refused with a plain sentence', async () => {
    const visitor = site.open()
    await walk(visitor, 'sign-in', 'cedar', cedar, { account: 'gerda' })
    const { user } = await personOf(visitor)
    const added = await walk(visitor, 'identity', 'maple', maple, { account: 'gerda' })
    expect(added.headers.get('location')).toBe('/settings/identities?done=added')
    expect(await (await visitor.get('/settings/identities?done=added')).text()).toContain('From now on you can sign in with it')
    // A way to sign in is no storage yet: what came with it is not kept.
    expect((await connectionsOf(user.id, 'storage')).map(({ provider }) => provider)).toEqual(['cedar'])
    const elsewhere = site.open()
    await walk(elsewhere, 'sign-in', 'maple', maple, { account: 'gerda' })
    expect((await personOf(elsewhere)).user.id).toBe(user.id)

    const thief = site.open()
    await walk(thief, 'sign-in', 'cedar', cedar, { account: 'hanna' })
    const refused = await walk(thief, 'identity', 'maple', maple, { account: 'gerda' })
    expect(refused.status).toBe(409)
    expect(await refused.text()).toContain('Somebody else signs in with this account')
    const storage = await walk(thief, 'connect', 'cedar', cedar, { account: 'gerda' })
    expect(storage.status).toBe(409)
    expect(await storage.text()).toContain('belongs to somebody else')
    const { user: other } = await personOf(thief)
    expect((await site.accounts.web.listIdentities({ userId: other.id })).identities).toHaveLength(1)
    expect(await connectionsOf(other.id, 'storage')).toHaveLength(1)
  })

  test('of one more its person is told by mail, once', async () => {
    const post = await startMailServer()
    const other = await start({ smtpUrl: post.url })
    try {
      const visitor = other.open()
      await walk(visitor, 'sign-in', 'cedar', cedar, { account: 'gerda' })
      const { user } = await personOf(visitor, other)
      await other.accounts.db.query("UPDATE users SET email = 'gerda@example.org', email_verified_at = now() WHERE id = $1", [user.id])
      await walk(visitor, 'identity', 'maple', maple, { account: 'gerda' })
      const mail = await post.mailTo('gerda@example.org', /one more way/)
      expect(mail.text).toMatch(/Maple \(\S+\) opens your account too/)
      expect(mail.links[0]).toBe(`${webUrl}/settings/identities`)
      await walk(visitor, 'identity', 'maple', maple, { account: 'gerda' })
      expect(await other.accounts.db.query("SELECT FROM mails WHERE kind = 'identity-added'")).toEqual([])
      expect(post.mails.filter(({ subject }) => /one more way/.test(subject))).toHaveLength(1)
    } finally {
      await other.close()
      await post.close()
    }
  })

  test('the last way in stays, also when two are removed at once', async () => {
    const visitor = site.open()
    await walk(visitor, 'sign-in', 'cedar', cedar, { account: 'ines' })
    await walk(visitor, 'identity', 'maple', maple, { account: 'ines' })
    const { user } = await personOf(visitor)
    const { identities } = await site.accounts.web.listIdentities({ userId: user.id })
    expect(identities.map(({ isRemovable }) => isRemovable)).toEqual([true, true])
    const token = tokenOf(await (await visitor.get('/settings/identities')).text())
    const answers = await Promise.all(identities.map(({ id }) => visitor.post(`/settings/identities/${id}/remove`, { _csrf: token })))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409])
    const left = (await site.accounts.web.listIdentities({ userId: user.id })).identities
    expect(left.map(({ isRemovable }) => isRemovable)).toEqual([false])
  })

  test('a storage that was only connected does not let in until its person adds it', async () => {
    const owner = await site.accounts.signUp('jan@example.org')
    const visitor = site.open()
    visitor.cookies.set('__Host-asheville', owner.token)
    const connected = await walk(visitor, 'connect', 'cedar', cedar, { account: 'jan' })
    expect(connected.headers.get('location')).toBe('/settings')
    const stranger = site.open()
    const refused = await walk(stranger, 'sign-in', 'cedar', cedar, { account: 'jan' })
    expect(refused.status).toBe(409)
    expect(await refused.text()).toContain('add it to your ways to sign in')
    const [, storage] = await connectionsOf(owner.user.id, 'storage')
    const { accessToken } = await site.accounts.platform.getAccess({
      userId: owner.user.id,
      params: { connectionId: storage!.id },
      body: { rejected: null },
    })
    expect(cedar.isAccepted(accessToken!)).toBe(true)
    await walk(visitor, 'identity', 'cedar', cedar, { account: 'jan' })
    await walk(stranger, 'sign-in', 'cedar', cedar, { account: 'jan' })
    expect((await personOf(stranger)).user.id).toBe(owner.user.id)
  })
})

describe('storages', () => {
  test('several; the first is where copies go unless another is chosen', async () => {
    const person = await site.accounts.signUp('several@example.org')
    const visitor = site.open()
    visitor.cookies.set('__Host-asheville', person.token)
    expect(await (await visitor.get('/connect/brook')).text()).not.toContain('name="storage"')
    await walk(visitor, 'connect', 'maple', maple, { account: 'fritz' })
    const [disk, second] = await connectionsOf(person.user.id, 'storage')
    expect([disk?.provider, second?.provider]).toEqual(['local', 'maple'])
    const form = await (await visitor.get('/connect/brook')).text()
    expect(form).toContain(`<option value="${disk!.id}" selected>`)

    await walk(visitor, 'connect', 'brook', brook, { account: 'anna' })
    await walk(visitor, 'connect', 'brook', brook, { account: 'bert', fields: { storage: second!.id } })
    const networks = await connectionsOf(person.user.id, 'network')
    expect(networks.map(({ accountId, storageId }) => [accountId, storageId])).toEqual([
      ['anna-1', disk!.id],
      ['bert-1', second!.id],
    ])
    expect(await (await visitor.get('/connect')).text()).toContain('bert → Maple (fritz)')

    const foreign = await site.accounts.signUp()
    const [theirs] = await connectionsOf(foreign.user.id, 'storage')
    expect((await send(visitor, 'connect', 'brook', { fields: { storage: theirs!.id } })).status).toBe(404)
    const refused = await visitor.submit(`/connections/${second!.id}/disconnect`, `/connections/${second!.id}/disconnect`)
    expect(refused.status).toBe(409)
  })
})

describe('another account at reconnecting', () => {
  test('is offered as a second one, added without asking again, once; otherwise its access is given back', async () => {
    const person = await site.accounts.signUp('second@example.org')
    const visitor = site.open()
    visitor.cookies.set('__Host-asheville', person.token)
    await walk(visitor, 'connect', 'brook', brook, { account: 'cleo' })
    const [first] = await connectionsOf(person.user.id, 'network')
    const offer = await walk(visitor, 'connect', 'brook', brook, { account: 'dora', fields: { reconnects: first!.id } })
    const page = await offer.text()
    expect(offer.status).toBe(409)
    expect(page).toContain('Add dora as a second account?')
    const [, parked = ''] = /name="parked" value="([^"]+)"/.exec(page) ?? []
    const sealed = await site.accounts.db.query<{ all: string }>('SELECT parked_accounts::text AS all FROM parked_accounts')
    const { accessToken } = brook.grants().at(-1)!
    expect(sealed.map(({ all }) => all).join()).not.toContain(Buffer.from(accessToken).toString('hex'))

    const { token: otherToken } = await site.accounts.web.createSession({
      body: { email: 'second@example.org', password: 'correct horse', device: { userAgent: 'Other', address: '192.0.2.9' } },
    })
    const otherBrowser = site.open()
    otherBrowser.cookies.set('__Host-asheville', otherToken)
    expect((await otherBrowser.submit('/settings', '/connect/brook/second', { parked })).status).toBe(404)

    const exchanges = brook.counts().exchanges
    const answers = await Promise.all([1, 2].map(() => visitor.submit('/settings', '/connect/brook/second', { parked })))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 404])
    expect(brook.counts().exchanges).toBe(exchanges)
    expect((await connectionsOf(person.user.id, 'network')).map(({ accountId }) => accountId)).toEqual(['cleo-1', 'dora-1'])

    await walk(visitor, 'connect', 'brook', brook, { account: 'emil', fields: { reconnects: first!.id } })
    const { accessToken: unused } = brook.grants().at(-1)!
    expect(brook.isAccepted(unused)).toBe(true)
    await site.accounts.db.query("UPDATE parked_accounts SET expires_at = now() - interval '1 second'")
    await tidyParked()
    expect(brook.isAccepted(unused)).toBe(false)
    expect(await site.accounts.db.query('SELECT FROM parked_accounts')).toEqual([])
  })
})
