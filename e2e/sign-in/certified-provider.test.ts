import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { startCertifiedProvider, type CertifiedProvider } from './oidc-provider.ts'
import { scriptedStorage, variablesOf } from './scripted-adapters.ts'
import { startSite, webUrl, type SignInSite } from './start-site.ts'
import { begin, pathOf } from './walk.ts'

let provider: CertifiedProvider
let site: SignInSite

beforeAll(async () => {
  // It warns of all that is fit for tests alone.
  for (const method of ['warn', 'info'] as const) jest.spyOn(console, method).mockImplementation(() => undefined)
  const client = { id: 'asheville', secret: 'a secret of some length', redirectUri: `${webUrl}/sign-in/birch/callback` }
  provider = await startCertifiedProvider(client)
  const at = (path: string) => `${provider.issuer}/${path}`
  const place = {
    issuer: provider.issuer,
    authorization: at('auth'),
    token: at('token'),
    revocation: at('token/revocation'),
    account: at('me'),
    scopes: ['openid', 'profile', 'offline_access'],
  }
  site = await startSite({
    storages: [scriptedStorage('birch', 'Birch', place)],
    variables: { [variablesOf('birch').id]: client.id, [variablesOf('birch').secret]: client.secret },
  })
}, 60_000)
afterAll(async () => {
  await site?.close()
  await provider?.close()
})

test('signs in at a provider that nobody here wrote; a replayed answer is refused, by us and by it', async () => {
  const visitor = site.open()
  const address = await begin(visitor, 'sign-in', 'birch')
  const location = await provider.authorize(address, 'ann')
  expect(new URL(location).searchParams.get('iss')).toBe(provider.issuer)
  const done = await visitor.get(pathOf(location))
  expect([done.status, done.headers.get('location')]).toEqual([303, '/connect'])

  const { user } = await sessionOf(visitor.cookies.get('__Host-asheville') ?? '')
  expect(user.name).toBe('ann of the provider')
  const { connections } = await site.accounts.web.listConnections({ userId: user.id, query: { kind: 'storage' } })
  expect(connections.map(({ provider: id, accountId }) => [id, accountId])).toEqual([['birch', 'ann']])
  expect((await visitor.get(pathOf(location))).status).toBe(403)

  const other = site.open()
  await other.get(pathOf(await provider.authorize(await begin(other, 'sign-in', 'birch'), 'ann')))
  expect((await sessionOf(other.cookies.get('__Host-asheville') ?? '')).user.id).toBe(user.id)
  const injected = site.open()
  const own = new URL(await provider.authorize(await begin(injected, 'sign-in', 'birch'), 'eve'))
  own.searchParams.set('code', new URL(location).searchParams.get('code')!)
  expect((await injected.get(pathOf(own.href))).status).toBe(422)
  expect(injected.cookies.has('__Host-asheville')).toBe(false)
})

function sessionOf(token: string) {
  return site.accounts.web.checkSession({ body: { token } })
}
