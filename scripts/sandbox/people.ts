import { accountsRoutes, conductorRoutes, createClient, type Connection } from '@asheville/clients'
import { createSigner } from '@asheville/service'
import pg from 'pg'
import type { Constellation } from '../constellation.ts'
import type { Memory } from './memory.ts'
import type { SimulatedNetworks } from './networks.ts'

export const logins = {
  owner: { name: 'Olivia Owner', email: 'owner@example.org' },
  demo: { name: 'Dana Demo', email: 'demo@example.org' },
} as const

/** Signs up the owner and the demo person on the first start; on every start connects the demo person to the networks and syncs. */
export async function settlePeople(constellation: Constellation, networks: SimulatedNetworks, { passwords }: Memory): Promise<void> {
  const { accounts, conductor } = clientsOf(constellation)
  const { hasOwner } = await accounts.getSetup({})
  if (!hasOwner)
    for (const who of ['owner', 'demo'] as const)
      await accounts.createUser({ body: { ...logins[who], password: passwords[who], locale: 'en' } })

  const device = { userAgent: 'Asheville sandbox', address: '127.0.0.1' }
  const { token, session } = await accounts.createSession({ body: { email: logins.demo.email, password: passwords.demo, device } })
  await forgetRegistrations(constellation, networks.mastodon.url)
  await connectAll({ accounts, networks, userId: session.user.id, sessionId: session.id })
  await conductor.createSync({ userId: session.user.id, body: { trigger: 'connect', connectionIds: null } })
  await accounts.endSession({ body: { token } })
}

type Accounts = ReturnType<typeof clientsOf>['accounts']

interface Connecting {
  accounts: Accounts
  networks: SimulatedNetworks
  userId: string
  sessionId: string
}

/** The simulated servers forget at their end who was signed in: accounts connected before are authorised again. */
async function connectAll({ accounts, networks, userId, sessionId }: Connecting): Promise<void> {
  const { mastodon, bluesky, feeds } = networks
  const { connections } = await accounts.listConnections({ userId, query: { kind: 'network' } })
  const { handle, appPassword } = bluesky.account('demo')
  const wanted: { provider: string; fields: Record<string, string>; isSame(connection: Connection): boolean }[] = [
    { provider: 'mastodon', fields: { server: mastodon.url }, isSame: ({ server }) => server === mastodon.url },
    { provider: 'bluesky', fields: { handle, password: appPassword, server: bluesky.url }, isSame: ({ server }) => server === bluesky.url },
    { provider: 'feeds', fields: { url: feeds.url }, isSame: ({ accountId }) => accountId.startsWith(feeds.url) },
  ]
  for (const { provider, fields, isSame } of wanted) {
    const before = connections.find((connection) => connection.provider === provider && isSame(connection))
    if (before && provider === 'feeds') continue
    const body = { provider, fields, sessionId, reconnects: before?.id ?? null }
    const step = await accounts.beginConnect({ userId, body })
    if (step.next === 'connected') continue
    const back = new URL(await mastodon.authorize(step.url, { account: 'demo' }))
    await accounts.finishConnect({ userId, body: { provider, sessionId, callback: Object.fromEntries(back.searchParams) } })
  }
}

/** The simulated server does not know any more that we registered there; a real one never forgets that. */
async function forgetRegistrations({ databaseUrl }: Constellation, server: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('UPDATE accounts.app_registrations SET retired_at = now() WHERE server = $1 AND retired_at IS NULL', [server])
  } finally {
    await client.end()
  }
}

function clientsOf({ env }: Constellation) {
  const sign = createSigner({ issuer: 'web', privateKey: env.web['SERVICE_PRIVATE_KEY']! })
  const address = (service: 'accounts' | 'conductor') => ({
    service,
    baseUrl: `http://127.0.0.1:${env[service]['PORT']}`,
    sign,
    timeoutMs: 30_000,
  })
  return {
    accounts: createClient(accountsRoutes, address('accounts')),
    conductor: createClient(conductorRoutes, address('conductor')),
  }
}
