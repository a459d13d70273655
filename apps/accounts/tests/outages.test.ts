import { expect, test } from '@jest/globals'
import { errorOf, startAccounts } from './start-accounts.ts'
import { startTunnel } from './start-tunnel.ts'

test('Postgres stopped, then frozen: unavailable within 2.5 s, never anything else; well again by itself', async () => {
  let tunnel: Awaited<ReturnType<typeof startTunnel>> | undefined
  const accounts = await startAccounts({
    through: async (url) => {
      tunnel = await startTunnel(url)
      return tunnel.url
    },
  })
  try {
    const { user, token } = await accounts.signUp()
    const calls = [
      () => accounts.web.getUser({ userId: user.id }),
      () => accounts.web.listConnections({ userId: user.id, query: {} }),
      () => accounts.conductor.claimDue({ body: { limit: 10 } }),
      () => accounts.web.createSession({ body: { email: user.email!, password: 'correct horse', device: { userAgent: '', address: '' } } }),
    ]
    for (const mode of ['cut', 'frozen'] as const) {
      tunnel!.set(mode)
      const startedAt = performance.now()
      const errors = await Promise.all(calls.map((call) => errorOf(call())))
      expect(errors.map(({ kind }) => kind)).toEqual(calls.map(() => 'unavailable'))
      expect(performance.now() - startedAt).toBeLessThan(2500)
      expect((await fetch(`${accounts.url}/readyz`)).status).toBe(503)
      expect((await fetch(`${accounts.url}/livez`)).status).toBe(200)
      tunnel!.set('open')
      expect((await accounts.web.checkSession({ body: { token } })).user.id).toBe(user.id)
    }
  } finally {
    await accounts.close()
    await tunnel?.close()
  }
}, 20_000)
