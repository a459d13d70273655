import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { networks } from '@asheville/networks'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import { errorOf, kindThrown, startAccounts, type Person, type RunningAccounts } from './start-accounts.ts'

let accounts: RunningAccounts
let server: MastodonSimulator
let alice: Person
beforeAll(async () => {
  server = await startMastodon()
  accounts = await startAccounts({ networks })
  alice = await accounts.signUp()
})
afterAll(async () => {
  await accounts.close()
  await server.close()
})

async function begin(reconnects: string | null = null): Promise<string> {
  const body = { provider: 'mastodon', fields: { server: server.url }, sessionId: alice.session.id, reconnects }
  const reply = await accounts.web.beginConnect({ userId: alice.user.id, body })
  if (reply.next !== 'authorize') throw new Error('connected at once')
  return reply.url
}

async function finish(location: string) {
  const callback = Object.fromEntries(new URL(location).searchParams)
  const body = { provider: 'mastodon', sessionId: alice.session.id, callback }
  return (await accounts.web.finishConnect({ userId: alice.user.id, body })).connection
}

test('an account on a Mastodon server: connect, use, lose the grant, reconnect, disconnect', async () => {
  const [first, second] = await Promise.all([begin(), begin()])
  expect(server.appCount()).toBe(1)
  const location = await server.authorize(first)
  expect(location).toMatch(/^http:\/\/localhost:3000\/connect\/mastodon\/callback\?/)
  const connection = await finish(location)
  expect(connection).toMatchObject({ provider: 'mastodon', server: server.url, state: 'active' })
  expect((await finish(await server.authorize(second))).id).toBe(connection.id)

  const access = (rejected: string | null) =>
    accounts.workers.getAccess({ userId: alice.user.id, params: { connectionId: connection.id }, body: { rejected } })
  const { accessToken } = await access(null)
  const verify = () => fetch(`${server.url}/api/v1/accounts/verify_credentials`, { headers: { authorization: `Bearer ${accessToken}` } })
  expect((await verify()).status).toBe(200)
  server.revokeTokens()
  expect(await kindThrown(access(accessToken))).toBe('reconnect-required')

  const again = await finish(await server.authorize(await begin(connection.id)))
  expect(again).toMatchObject({ id: connection.id, state: 'active' })
  const fresh = await access(null)
  expect(fresh.accessToken).not.toBe(accessToken)
  await accounts.web.removeConnection({ userId: alice.user.id, params: { connectionId: connection.id } })
  const headers = { authorization: `Bearer ${fresh.accessToken}` }
  expect((await fetch(`${server.url}/api/v1/accounts/verify_credentials`, { headers })).status).toBe(401)
})

test('declined, and a server that has forgotten our registration', async () => {
  const declined = await server.authorize(await begin(), { deny: true })
  expect((await errorOf(finish(declined))).message).toContain('You did not allow access')
  const location = await server.authorize(await begin())
  server.forgetApps()
  expect((await errorOf(finish(location))).message).toContain('Connect again')
  expect((await finish(await server.authorize(await begin()))).state).toBe('active')
})

test('what is no Mastodon server is told at the field', async () => {
  const at = (written: string) =>
    errorOf(
      accounts.web.beginConnect({
        userId: alice.user.id,
        body: { provider: 'mastodon', fields: { server: written }, sessionId: alice.session.id, reconnects: null },
      }),
    )
  expect(await at(accounts.url)).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/server' }] })
  expect(await at('10.0.0.1')).toMatchObject({ kind: 'invalid', faults: [{ pointer: '/server' }] })
})
