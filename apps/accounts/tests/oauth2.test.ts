import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import type { Fields, Network } from '@asheville/core'
import { createHttp } from '@asheville/http-client'
import { networks } from '@asheville/networks'
import { createLogger } from '@asheville/service'
import {
  startFacebook,
  startOAuthProvider,
  startTwitter,
  type OAuthProviderOptions,
  type OAuthProviderSimulator,
} from '@asheville/simulators'
import { createAccess } from '../src/access.ts'
import { renewAhead } from '../src/connect/renew-ahead.ts'
import type { Context } from '../src/context.ts'
import { createSealing } from '../src/sealing.ts'
import { addNewStreams } from '../src/tidy.ts'
import { appLogin, appNetwork, ownWays } from './scripted-networks.ts'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

/*
 * Networks for which the operator registered one app, as providers differ: where the secret goes, and ways of their own to renew access
 * and to give it back.
 */
const redirectUri = 'http://localhost:3000/connect/harbour/callback'
/** Each sign of it means something in a header, a form or an address. */
const app = { clientId: 'our app', clientSecret: 'a%20 +:/?&=ü_-.~*', redirectUris: [redirectUri] }

let closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.reverse()) await close()
  closers = []
})

interface Scene {
  network: Network
  variables: Record<string, string>
  accounts: RunningAccounts
  alice: Person
}

async function start(
  network: Network,
  { clientId, clientSecret }: { clientId: string; clientSecret: string } = app,
  more: Record<string, string> = {},
): Promise<Scene> {
  const id = network.id.toUpperCase()
  const variables = { [`${id}_CLIENT_ID`]: clientId, [`${id}_CLIENT_SECRET`]: clientSecret, ...more }
  const accounts = await startAccounts({ networks: [network], variables })
  closers.push(() => accounts.close())
  return { network, variables, accounts, alice: await accounts.signUp() }
}

async function startProvider(options: OAuthProviderOptions = {}): Promise<OAuthProviderSimulator> {
  const provider = await startOAuthProvider({ clients: [app], ...options })
  closers.push(() => provider.close())
  return provider
}

/** Sent away, allowed there, come back. */
async function connect(
  { network, accounts, alice }: Scene,
  allow: (address: string) => Promise<string>,
  { user, session }: Person = alice,
  reconnects: string | null = null,
) {
  const begun = { provider: network.id, fields: {}, sessionId: session.id, reconnects }
  const reply = await accounts.web.beginConnect({ userId: user.id, body: begun })
  if (reply.next !== 'authorize') throw new Error('connected at once')
  const callback = Object.fromEntries(new URL(await allow(reply.url)).searchParams)
  const body = { provider: network.id, sessionId: session.id, callback }
  return (await accounts.web.finishConnect({ userId: user.id, body })).connection
}

const access = ({ accounts, alice }: Scene, connectionId: string, rejected: string | null = null) =>
  accounts.workers.getAccess({ userId: alice.user.id, params: { connectionId }, body: { rejected } })

const expire = ({ accounts }: Scene, connectionId: string) =>
  accounts.db.query("UPDATE credentials SET expires_at = now() - interval '1 second' WHERE connection_id = $1 AND field = 'access_token'", [
    connectionId,
  ])

const remove = ({ accounts, alice }: Scene, connectionId: string) =>
  accounts.web.removeConnection({ userId: alice.user.id, params: { connectionId } })

const streamsOf = async ({ accounts, alice }: Scene) => (await accounts.web.listStreams({ userId: alice.user.id })).streams
const dueOf = async (scene: Scene) =>
  (await streamsOf(scene)).filter(({ nextDueAt, state }) => nextDueAt !== null || state === 'queued').map(({ stream }) => stream)

const overdue = ({ accounts }: Scene, id: string) =>
  accounts.db.query("UPDATE credentials SET renew_at = now() - interval '1 second' WHERE connection_id = $1", [id])

/** What accounts does every minute, in two processes at once. */
async function tidyTwice({ network, variables, accounts }: Scene): Promise<void> {
  const http = createHttp({ allow: ['127.0.0.0/8'] })
  const { db, credentialKeys } = accounts
  const sealing = createSealing(credentialKeys)
  const context = { db, refreshDb: db, http, networks: [network], storages: [], variables, sealing } as unknown as Context
  const logger = createLogger('accounts', 'silent')
  await Promise.all([1, 2].map(() => renewAhead(context, createAccess(context), logger)))
  await http.close()
}

describe('a secret in the header', () => {
  test('and nowhere else: to exchange the code, to refresh, to revoke', async () => {
    const provider = await startProvider({ secretIn: 'header' })
    const scene = await start(appNetwork(appLogin('harbour', provider.url, { secretIn: 'header' }), provider.url))
    const { id } = await connect(scene, (address) => provider.authorize(address))
    await expire(scene, id)
    const { accessToken } = await access(scene, id)
    expect(provider.isAccepted(accessToken!)).toBe(true)
    expect(provider.counts()).toMatchObject({ exchanges: 1, refreshes: 1 })
    await remove(scene, id)
    expect(provider.counts().revocations).toBe(1)
    expect(provider.isAccepted(accessToken!)).toBe(false)
  })

  test('in the body where the provider does not insist', async () => {
    const provider = await startProvider({ secretIn: 'body' })
    const scene = await start(appNetwork(appLogin('harbour', provider.url), provider.url))
    expect(await connect(scene, (address) => provider.authorize(address))).toMatchObject({ accountId: 'alice-1', state: 'active' })
  })

  test('what is asked for may depend on what the operator set', async () => {
    const provider = await startProvider()
    const scopes = ({ HARBOUR_CLIENT_ID: id }: Fields) => ['read', id === app.clientId ? 'write' : '']
    const scene = await start(appNetwork(appLogin('harbour', provider.url, {}, { scopes }), provider.url))
    const { network, accounts, alice } = scene
    const begun = { provider: network.id, fields: {}, sessionId: alice.session.id, reconnects: null }
    const reply = await accounts.web.beginConnect({ userId: alice.user.id, body: begun })
    expect(reply.next === 'authorize' && new URL(reply.url).searchParams.get('scope')).toBe('read write')
    const { providers } = await accounts.web.listProviders({})
    expect(providers.find((provider) => provider.id === network.id)).toMatchObject({ isReady: true, asks: ['read', 'write'] })
    // What needs another one is not pulled.
    expect((await connect(scene, (address) => provider.authorize(address))).declined).toEqual(['likes'])
  })

  test('a wrong one is told to be so, and links nothing', async () => {
    const provider = await startProvider({ secretIn: 'header' })
    const network = appNetwork(appLogin('harbour', provider.url, { secretIn: 'header' }), provider.url)
    const scene = await start(network, { ...app, clientSecret: 'another' })
    const error = await errorOf(connect(scene, (address) => provider.authorize(address)))
    expect(error).toMatchObject({ kind: 'invalid', message: 'Harbour does not know this server any more. Connect again' })
    expect((await scene.accounts.web.listConnections({ userId: scene.alice.user.id, query: { kind: 'network' } })).connections).toEqual([])
  })
})

describe('a provider with ways of its own', () => {
  const days = (count: number) => count * 86_400
  const start60 = async () => {
    const provider = await startProvider({ refreshTokens: false, exchangedSeconds: days(60), disconnect: true })
    const login = appLogin('harbour', provider.url, { revocation: null }, ownWays(provider.url))
    const scene = await start(appNetwork(login, provider.url))
    return { provider, scene, allow: (address: string) => provider.authorize(address) }
  }

  test('what the code brought is traded for what lasts, and only that is kept', async () => {
    const { provider, scene, allow } = await start60()
    const { id } = await connect(scene, allow)
    const { accessToken, expiresAt } = await access(scene, id)
    expect(provider.counts()).toMatchObject({ exchanges: 1, trades: 1, refreshes: 0 })
    expect(accessToken).toBe(provider.grants()[0]!.accessToken)
    expect(Date.parse(expiresAt!) - Date.now()).toBeGreaterThan(days(59) * 1000)
  })

  test('an exchange that fails connects nothing, and says so', async () => {
    const { provider, scene, allow } = await start60()
    provider.faults.add({ kind: 'server-error', route: '/exchange', next: 1 })
    expect(await kindThrown(connect(scene, allow))).toBe('unavailable')
    expect((await scene.accounts.web.listConnections({ userId: scene.alice.user.id, query: { kind: 'network' } })).connections).toEqual([])
  })

  test('a token that is refused is traded once; one that is dead needs reconnecting', async () => {
    const { provider, scene, allow } = await start60()
    const { id } = await connect(scene, allow)
    const { accessToken: old } = await access(scene, id)
    const fresh = await access(scene, id, old)
    expect(fresh.accessToken).not.toBe(old)
    expect(provider.counts()).toMatchObject({ trades: 2, refreshes: 0 })
    provider.revokeGrants()
    expect(await kindThrown(access(scene, id, fresh.accessToken))).toBe('reconnect-required')
    expect(provider.counts()).toMatchObject({ trades: 3, refusedTrades: 1 })
    const { state } = await scene.accounts.web.getConnection({ userId: scene.alice.user.id, params: { connectionId: id } })
    expect(state).toBe('reconnect')
  })

  test('disconnecting gives access back in the provider’s way', async () => {
    const { provider, scene, allow } = await start60()
    const { id } = await connect(scene, allow)
    const { accessToken } = await access(scene, id)
    await remove(scene, id)
    expect(provider.counts()).toMatchObject({ disconnects: 1, revocations: 0 })
    expect(provider.isAccepted(accessToken!)).toBe(false)
  })

  test('an access token that is over is renewed first, where it takes one to give access back', async () => {
    const provider = await startProvider({ disconnect: true })
    const { revoke } = ownWays(provider.url)
    const scene = await start(appNetwork(appLogin('harbour', provider.url, { revocation: null }, { revoke }), provider.url))
    const { id } = await connect(scene, (address) => provider.authorize(address))
    await expire(scene, id)
    await remove(scene, id)
    expect(provider.counts()).toMatchObject({ refreshes: 1, disconnects: 1 })
    expect(provider.grants()[0]!.isRevoked).toBe(true)
  })

  test('closing an account does the same, and the report says that it is revoked', async () => {
    const { provider, scene, allow } = await start60()
    const { accounts } = scene
    const bob = await accounts.signUp()
    await connect(scene, allow, bob)
    const linkToken = randomBytes(32).toString('base64url')
    const body = { current: 'correct horse', sessionId: bob.session.id, linkToken, removesFiles: false }
    await accounts.web.closeAccount({ userId: bob.user.id, body })
    const report = () => accounts.web.findClosing({ body: { linkToken } })
    while ((await report()).step !== 'forget') await delay(100)
    await accounts.conductor.noteForgotten({ userId: bob.user.id, body: { items: 0, pages: 0, media: 0, others: 0, jobs: 0 } })
    while ((await report()).grants[0]?.outcome === 'pending') await delay(100)
    expect((await report()).grants).toMatchObject([{ provider: 'harbour', outcome: 'revoked', reason: null }])
    expect(provider.counts().disconnects).toBe(1)
  })
})

describe('access that ends and cannot be renewed once it is over', () => {
  const scene60 = async () => {
    const provider = await startProvider({ refreshTokens: false, exchangedSeconds: 60 * 86_400 })
    const login = appLogin('harbour', provider.url, { revocation: null }, ownWays(provider.url))
    const scene = await start(appNetwork(login, provider.url))
    const { id } = await connect(scene, (address) => provider.authorize(address))
    return { provider, scene, id }
  }
  const renewAtOf = async ({ accounts }: Scene, id: string) => {
    const rows = await accounts.db.query<{ renewAt: string | null }>(
      `SELECT renew_at AS "renewAt" FROM credentials WHERE connection_id = $1 AND field = 'access_token'`,
      [id],
    )
    return rows[0]!.renewAt
  }
  test('is traded at half of its life, once, whether anybody uses it or not', async () => {
    const { provider, scene, id } = await scene60()
    const days = (Date.parse((await renewAtOf(scene, id))!) - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(30)
    await tidyTwice(scene)
    expect(provider.counts().trades).toBe(1)

    await scene.accounts.web.updateConnection({ userId: scene.alice.user.id, params: { connectionId: id }, body: { paused: true } })
    const old = (await access(scene, id)).accessToken
    await overdue(scene, id)
    await tidyTwice(scene)
    expect(provider.counts().trades).toBe(2)
    const fresh = await access(scene, id)
    expect(fresh.accessToken).toBe(provider.grants()[0]!.accessToken)
    expect(fresh.accessToken).not.toBe(old)
    expect(Date.parse((await renewAtOf(scene, id))!)).toBeGreaterThan(Date.now() + 29 * 86_400_000)
  })

  test('where the provider has a problem, the old goes on, and is tried again after an hour', async () => {
    const { provider, scene, id } = await scene60()
    const { accessToken } = await access(scene, id)
    await overdue(scene, id)
    provider.faults.add({ kind: 'server-error', route: '/exchange' })
    await tidyTwice(scene)
    expect((await access(scene, id)).accessToken).toBe(accessToken)
    const minutes = (Date.parse((await renewAtOf(scene, id))!) - Date.now()) / 60_000
    expect(Math.round(minutes)).toBe(60)
    const { total } = provider.counters.snapshot()
    await tidyTwice(scene)
    expect(provider.counters.snapshot().total).toBe(total)
  })

  test('where it was taken back, the person hears of it then, and not when it is used', async () => {
    const { provider, scene, id } = await scene60()
    provider.revokeGrants()
    await overdue(scene, id)
    await tidyTwice(scene)
    expect(provider.counts()).toMatchObject({ trades: 2, refusedTrades: 1 })
    const { state } = await scene.accounts.web.getConnection({ userId: scene.alice.user.id, params: { connectionId: id } })
    expect(state).toBe('reconnect')
    await overdue(scene, id)
    await tidyTwice(scene)
    expect(provider.counts().trades).toBe(2)
  })

  test('what has a refresh token, or no end, is left alone', async () => {
    const provider = await startProvider()
    const scene = await start(appNetwork(appLogin('harbour', provider.url), provider.url))
    const { id } = await connect(scene, (address) => provider.authorize(address))
    expect(await renewAtOf(scene, id)).toBeNull()
  })
})

describe('what the person does not allow', () => {
  const allow = (provider: OAuthProviderSimulator, decline: string[]) => (address: string) => provider.authorize(address, { decline })

  test('is said with the tokens, kept with the connection, and not pulled; allowed later, it is due', async () => {
    const provider = await startProvider()
    const scene = await start(appNetwork(appLogin('harbour', provider.url), provider.url))
    const { accounts, alice } = scene
    const userId = alice.user.id
    const first = await connect(scene, allow(provider, ['likes']))
    expect(first.declined).toEqual(['likes'])
    expect(await dueOf(scene)).toEqual(['posts'])
    const sync = (connectionIds: string[] | null) => accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds } })
    expect((await sync(null)).jobs.map(({ stream }) => stream)).toEqual(['posts'])
    // Wanted, and still not allowed.
    const settings = (contentTypes: ('posts' | 'likes')[] | null) =>
      accounts.web.updateConnection({ userId, params: { connectionId: first.id }, body: { settings: { contentTypes } } })
    await settings(['posts'])
    await settings(null)
    expect(await dueOf(scene)).toEqual(['posts'])

    const second = await connect(scene, allow(provider, []))
    expect(second).toMatchObject({ id: first.id, declined: [] })
    expect((await dueOf(scene)).sort()).toEqual(['likes', 'posts'])
    expect((await sync(null)).jobs.map(({ stream }) => stream)).toContain('likes')

    // Taken back again: what is under way of it ends.
    const third = await connect(scene, allow(provider, ['likes']))
    expect(third.declined).toEqual(['likes'])
    expect((await streamsOf(scene)).find(({ stream }) => stream === 'likes')).toMatchObject({ state: 'cancelled', nextDueAt: null })
    expect((await streamsOf(scene)).find(({ stream }) => stream === 'posts')).toMatchObject({ state: 'queued' })
  })

  test('all of it: the connection is there, and a sync says why it has nothing to do', async () => {
    const provider = await startProvider()
    const scene = await start(appNetwork(appLogin('harbour', provider.url), provider.url))
    const { id, state, declined } = await connect(scene, allow(provider, ['read', 'likes']))
    expect({ state, declined }).toEqual({ state: 'active', declined: ['read', 'likes'] })
    expect(await dueOf(scene)).toEqual([])
    const body = { trigger: 'person' as const, connectionIds: [id] }
    const error = await errorOf(scene.accounts.conductor.createSync({ userId: scene.alice.user.id, body }))
    expect(error).toMatchObject({
      kind: 'conflict',
      message: 'There is nothing to sync: connect a network first, resume one, or allow more of one',
    })
  })

  test('as the network tells elsewhere than with the tokens', async () => {
    const provider = await startProvider()
    const scene = await start(appNetwork(appLogin('harbour', provider.url), provider.url, ['likes']))
    expect((await connect(scene, allow(provider, []))).declined).toEqual(['likes'])
    expect(await dueOf(scene)).toEqual(['posts'])
  })

  test('goes with an account that is offered as a second one', async () => {
    const provider = await startProvider()
    const scene = await start(appNetwork(appLogin('harbour', provider.url), provider.url))
    const { accounts, alice } = scene
    const first = await connect(scene, allow(provider, []))
    const bob = (address: string) => provider.authorize(address, { account: 'bob', decline: ['likes'] })
    expect(await kindThrown(connect(scene, bob, alice, first.id))).toBe('conflict')
    const query = { provider: 'harbour', sessionId: alice.session.id }
    const { parkedId } = await accounts.web.getParked({ userId: alice.user.id, query })
    const { connection } = await accounts.web.connectParked({ userId: alice.user.id, body: { parkedId, sessionId: alice.session.id } })
    expect(connection).toMatchObject({ accountId: 'bob-1', declined: ['likes'] })
  })

  test('a stream that the network has since is not due where it was not allowed', async () => {
    const provider = await startProvider()
    const scene = await start(appNetwork(appLogin('harbour', provider.url), provider.url))
    await connect(scene, allow(provider, ['likes']))
    await scene.accounts.db.query('DELETE FROM streams')
    await addNewStreams({ db: scene.accounts.db, networks: [scene.network] })
    expect((await streamsOf(scene)).map(({ stream }) => stream)).toEqual(['likes', 'posts'])
    expect(await dueOf(scene)).toEqual(['posts'])
  })
})

describe('the vendors’ own', () => {
  const adapterOf = (id: string) => networks.find((network) => network.id === id)!
  const callbackOf = (id: string) => [`http://localhost:3000/connect/${id}/callback`]

  test('X: the secret in the header, refresh tokens that rotate, and words of its own for a dead one', async () => {
    const x = await startTwitter({ app: { redirectUris: callbackOf('twitter') } })
    closers.push(() => x.close())
    const scene = await start(adapterOf('twitter'), x.app, { TWITTER_API_URL: x.url, TWITTER_WEB_URL: x.url })
    const allow = (address: string) => x.authorize(address)
    const { id, handle } = await connect(scene, allow)
    expect(handle).toBe('@alice')
    for (const round of [1, 2, 3]) {
      await expire(scene, id)
      const replies = await Promise.all(Array.from({ length: 10 }, () => access(scene, id)))
      expect(new Set(replies.map(({ accessToken }) => accessToken)).size).toBe(1)
      expect(x.counters.snapshot()).toMatchObject({ other: { refreshes: round }, refreshTokenReuse: 0 })
    }
    const { declined } = await connect(scene, (address) => x.authorize(address, { decline: ['like.read'] }))
    expect(declined).toEqual(['like.read'])
    x.revokeTokens()
    await expire(scene, id)
    expect(await kindThrown(access(scene, id))).toBe('reconnect-required')
    expect((await connect(scene, allow)).id).toBe(id)
    await remove(scene, id)
    expect(x.counters.snapshot()).toMatchObject({ other: { revocations: 1 } })
  })

  test('Facebook: a token for sixty days, renewed ahead of its end, permissions that were unticked, and all of it taken back', async () => {
    let laterMs = 0
    const facebook = await startFacebook({ app: { redirectUris: callbackOf('facebook') }, now: () => Date.now() + laterMs })
    closers.push(() => facebook.close())
    const addresses = {
      FACEBOOK_API_URL: facebook.url,
      FACEBOOK_WEB_URL: facebook.url,
      FACEBOOK_SCOPES: 'user_posts user_photos user_likes',
    }
    const { id: clientId, secret: clientSecret } = facebook.app
    const scene = await start(adapterOf('facebook'), { clientId, clientSecret }, addresses)
    const { accounts, alice } = scene
    const { id, declined } = await connect(scene, (address) => facebook.authorize(address, { decline: ['user_photos'] }))
    // Two of them this app does not even ask for.
    expect(declined.toSorted()).toEqual(['user_events', 'user_photos', 'user_videos'])
    expect(await dueOf(scene)).toEqual(['likes', 'posts'])
    expect(facebook.counters.snapshot().other).toMatchObject({ exchanges: 1 })
    const first = await access(scene, id)
    expect(Date.parse(first.expiresAt!)).toBeGreaterThan(Date.now() + 59 * 86_400_000)

    laterMs = 30 * 86_400_000
    await overdue(scene, id)
    await tidyTwice(scene)
    expect(facebook.counters.snapshot().other).toMatchObject({ exchanges: 2 })
    const second = await access(scene, id)
    expect(second.accessToken).not.toBe(first.accessToken)
    expect(Date.parse(second.expiresAt!)).toBeGreaterThan(Date.now() + 59 * 86_400_000)

    facebook.changePassword('another')
    expect(await kindThrown(access(scene, id, second.accessToken))).toBe('reconnect-required')
    const again = await connect(scene, (address) => facebook.authorize(address), alice, id)
    expect([again.id, again.state, again.declined.toSorted()]).toEqual([id, 'active', ['user_events', 'user_videos']])
    await accounts.web.removeConnection({ userId: alice.user.id, params: { connectionId: id } })
    const { revocations, secretsInAddress = 0, tokensInAddress = 0 } = facebook.counters.snapshot().other
    expect({ revocations, secretsInAddress, tokensInAddress }).toEqual({ revocations: 1, secretsInAddress: 0, tokensInAddress: 0 })
  })
})
