import { accountsRoutes, conductorRoutes, createClient, type Connection } from '@asheville/clients'
import { createSigner } from '@asheville/service'
import pg from 'pg'
import type { Constellation } from '../constellation.ts'
import type { Memory } from './memory.ts'
import type { Simulators } from './simulators.ts'

export const logins = {
  owner: { name: 'Olivia Owner', email: 'owner@example.org' },
  demo: { name: 'Dana Demo', email: 'demo@example.org' },
} as const

/** Signs up the owner and the demo person on the first start; on every start connects the demo person to everything and syncs. */
export async function settlePeople(constellation: Constellation, simulators: Simulators, { passwords }: Memory): Promise<void> {
  const { accounts, conductor } = clientsOf(constellation)
  const { hasOwner } = await accounts.getSetup({})
  if (!hasOwner)
    for (const who of ['owner', 'demo'] as const)
      await accounts.createUser({ body: { ...logins[who], password: passwords[who], locale: 'en' } })

  const device = { userAgent: 'Asheville sandbox', address: '127.0.0.1' }
  const { token, session } = await accounts.createSession({ body: { email: logins.demo.email, password: passwords.demo, device } })
  await forgetRegistrations(constellation, simulators.mastodon.url)
  await connectAll({ accounts, simulators, userId: session.user.id, sessionId: session.id })
  await conductor.createSync({ userId: session.user.id, body: { trigger: 'connect', connectionIds: null } })
  await accounts.endSession({ body: { token } })
}

type Accounts = ReturnType<typeof clientsOf>['accounts']

interface Connecting {
  accounts: Accounts
  simulators: Simulators
  userId: string
  sessionId: string
}

/** How the demo person connects one of them. */
interface Link {
  provider: string
  fields?: Record<string, string>
  isSame?(connection: Connection): boolean
  /** Allows it at the other side, where that is asked. */
  authorize?(address: string, who: { account: string }): Promise<string>
  /** Where its items go, if not to the disk. */
  storageId?: string
}

/** X and Facebook are copied to Dropbox, the rest to this machine's disk. */
async function connectAll(connecting: Connecting): Promise<void> {
  const { mastodon, bluesky, feeds, twitter, facebook, dropbox } = connecting.simulators
  const { handle, appPassword } = bluesky.account('demo')
  const { id: storageId } = await connect(connecting, { provider: 'dropbox', authorize: dropbox.authorize })
  const links: Link[] = [
    { provider: 'twitter', authorize: twitter.authorize, storageId },
    { provider: 'facebook', authorize: facebook.authorize, storageId },
    {
      provider: 'mastodon',
      fields: { server: mastodon.url },
      isSame: ({ server }) => server === mastodon.url,
      authorize: mastodon.authorize,
    },
    { provider: 'bluesky', fields: { handle, password: appPassword, server: bluesky.url }, isSame: ({ server }) => server === bluesky.url },
    { provider: 'feeds', fields: { url: feeds.url }, isSame: ({ accountId }) => accountId.startsWith(feeds.url) },
  ]
  for (const link of links) {
    const { id: connectionId, state } = await connect(connecting, link)
    // What costs is only begun with when the person says so.
    if (state === 'paused')
      await connecting.accounts.updateConnection({ userId: connecting.userId, params: { connectionId }, body: { paused: false } })
  }
}

/** The simulators forget at their end who was signed in: accounts connected before are authorised again. */
async function connect({ accounts, userId, sessionId }: Connecting, link: Link): Promise<Connection> {
  const { provider, fields = {}, isSame = () => true, authorize, storageId } = link
  const { connections } = await accounts.listConnections({ userId, query: {} })
  const before = connections.find((connection) => connection.provider === provider && isSame(connection))
  if (before && provider === 'feeds') return before
  const body = { provider, fields, sessionId, reconnects: before?.id ?? null, ...(storageId !== undefined && { storageId }) }
  const step = await accounts.beginConnect({ userId, body })
  if (step.next === 'connected') return step.connection
  if (authorize === undefined) throw new Error(`${provider} wants to be allowed at ${step.url}`)
  const back = new URL(await authorize(step.url, { account: 'demo' }))
  const { connection } = await accounts.finishConnect({
    userId,
    body: { provider, sessionId, callback: Object.fromEntries(back.searchParams) },
  })
  return connection
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
