import { randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { errorOf, kindThrown, startAccounts } from './start-accounts.ts'
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

/** In full: OUTAGE_SECONDS=60 npm test -- apps/accounts/tests/outages */
const outageSeconds = Number(process.env['OUTAGE_SECONDS'] ?? 10)
const perSecond = 20

test(
  `Postgres stopped, then frozen, ${outageSeconds} s each under ${perSecond} requests a second: 503 in time, and nothing that is not known`,
  async () => {
    let tunnel: Awaited<ReturnType<typeof startTunnel>> | undefined
    const accounts = await startAccounts({
      through: async (url) => {
        tunnel = await startTunnel(url)
        return tunnel.url
      },
    })
    try {
      const { user, session } = await accounts.signUp()
      const userId = user.id
      const stream = { userId, connectionId: randomUUID(), stream: 'entries', syncId: randomUUID(), streamVersion: 1 }
      const data = [
        () => accounts.web.getUser({ userId }),
        () => accounts.web.listConnections({ userId, query: {} }),
        () =>
          accounts.web.beginConnect({
            userId,
            body: { provider: 'diary', fields: { name: 'a' }, sessionId: session.id, reconnects: null },
          }),
        () =>
          accounts.web.createSession({ body: { email: user.email!, password: 'correct horse', device: { userAgent: '', address: '' } } }),
        () => accounts.conductor.claimDue({ body: { limit: 10 } }),
        () => accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds: null } }),
        () => accounts.workers.takeLeases({ body: { holder: 'x', streams: [stream] } }),
        () => accounts.workers.getAccess({ userId, params: { connectionId: stream.connectionId }, body: { rejected: null } }),
      ]
      /** Tokens of nobody: they are let in neither with Postgres nor without. */
      const strangers = [() => accounts.web.checkSession({ body: { token: randomUUID() + randomUUID() } })]
      const calls = [...data, ...strangers]

      for (const mode of ['cut', 'frozen'] as const) {
        const seen = {
          requests: 0,
          successes: 0,
          kinds: {} as Record<string, number>,
          slowestMs: 0,
          livez: [] as number[],
          readyz: [] as number[],
        }
        tunnel!.set(mode)
        // Service and test are one process: how late it is at its worst, on a busy machine, is nobody's fault.
        const lag = monitorEventLoopDelay({ resolution: 10 })
        lag.enable()
        const replies: Promise<void>[] = []
        const until = performance.now() + outageSeconds * 1000
        for (let number = 0; performance.now() < until; number += 1) {
          const askedAt = performance.now()
          const reply = calls[number % calls.length]!().then(
            () => 'success',
            (error: { kind?: string }) => String(error.kind),
          )
          replies.push(
            reply.then((kind) => {
              seen.requests += 1
              if (kind === 'success') seen.successes += 1
              seen.kinds[kind] = (seen.kinds[kind] ?? 0) + 1
              seen.slowestMs = Math.max(seen.slowestMs, Math.round(performance.now() - askedAt))
            }),
          )
          if (number % perSecond === perSecond - 1) {
            const [livez, readyz] = await Promise.all(
              ['livez', 'readyz'].map(async (path) => (await fetch(`${accounts.url}/${path}`)).status),
            )
            seen.livez.push(livez!)
            seen.readyz.push(readyz!)
          }
          await delay(1000 / perSecond)
        }
        await Promise.all(replies)
        lag.disable()
        const lagMs = Math.round(lag.max / 1e6)
        tunnel!.set('open')
        const backAt = performance.now()
        while ((await kindThrown(accounts.web.getUser({ userId }))) !== 'none') await delay(20)
        const backMs = Math.round(performance.now() - backAt)
        process.stderr.write(
          `Postgres ${mode} for ${outageSeconds} s: ${JSON.stringify({ ...seen, livez: seen.livez.length, readyz: seen.readyz.length, lagMs, backMs })}\n`,
        )
        expect(seen.successes).toBe(0)
        expect(seen.kinds).toEqual({ unavailable: seen.requests })
        expect(seen.slowestMs).toBeLessThanOrEqual(2500 + lagMs)
        expect(new Set(seen.livez)).toEqual(new Set([200]))
        expect(new Set(seen.readyz)).toEqual(new Set([503]))
        expect(backMs).toBeLessThanOrEqual(5000)
      }
    } finally {
      await accounts.close()
      await tunnel?.close()
    }
  },
  60_000 + outageSeconds * 3000,
)
