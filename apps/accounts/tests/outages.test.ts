import { createServer, connect as connectTcp, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import { errorOf, startAccounts } from './start-accounts.ts'

/** A way to Postgres that can be cut, or stand still. */
async function startTunnel(target: { host: string; port: number }) {
  const sockets = new Set<Socket>()
  const state = { mode: 'open' as 'open' | 'cut' | 'frozen' }
  const server = createServer((inner) => {
    if (state.mode === 'cut') return void inner.destroy()
    const outer = connectTcp(target)
    for (const socket of [inner, outer]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
      if (state.mode === 'frozen') socket.pause()
    }
    inner.on('data', (data) => state.mode === 'open' && outer.write(data)).on('close', () => outer.destroy())
    outer.on('data', (data) => state.mode === 'open' && inner.write(data)).on('close', () => inner.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const drop = () => sockets.forEach((socket) => socket.destroy())
  return {
    port: (server.address() as AddressInfo).port,
    set(mode: typeof state.mode) {
      state.mode = mode
      if (mode !== 'frozen') drop()
    },
    async close() {
      drop()
      server.close()
      await once(server, 'close')
    },
  }
}

test('Postgres stopped, then frozen: unavailable within 2.5 s, never anything else; well again by itself', async () => {
  let tunnel: Awaited<ReturnType<typeof startTunnel>> | undefined
  const accounts = await startAccounts({
    through: async (url) => {
      const { hostname, port } = new URL(url)
      tunnel = await startTunnel({ host: hostname, port: Number(port) })
      return Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(tunnel.port) }).href
    },
  })
  try {
    const { user, token } = await accounts.signUp()
    const calls = [
      () => accounts.web.checkSession({ body: { token } }),
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
