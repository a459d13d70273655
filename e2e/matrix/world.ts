import { setTimeout as wait } from 'node:timers/promises'
import type { ServiceName } from '@asheville/core'
import { startMastodon, type MastodonSimulator } from '@asheville/simulators'
import pg from 'pg'
import { startInstance, type Instance } from '../instance.ts'
import { addPerson, type Person } from './people.ts'
import { createSender, type Sender } from './send.ts'
import { tokenBy } from './tokens.ts'

/** An instance with people who have synced: one tries everything with what is another's. */
export interface World {
  instance: Instance
  mastodon: MastodonSimulator
  victim: Person
  attacker: Person
  /** Whom nobody does anything to: shows what is right. */
  bystander: Person
  /** Plain HTTP to each service. */
  to: Readonly<Record<ServiceName, Sender>>
  /** The services' private keys. */
  keys: Readonly<Record<ServiceName, string>>
  publicKeys: string
  /** A right Authorization header: `from` calls `audience` for that person. */
  bearer(from: ServiceName, audience: ServiceName, userId: string | null): string
  close(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const picture = { width: 16, height: 16 }
  const mastodon = await startMastodon({ accounts: ['alice', 'bob', 'carol', 'another'], rateLimit: null, pictureSize: picture })
  const instance = await startInstance([mastodon.url], { SIGN_UP_OPEN: 'true', SYNC_INTERVAL_MINUTES: '1000', PAGE_DEADLINE_MS: '15000' })
  const { env } = instance.constellation
  const services = Object.keys(env) as ServiceName[]
  const each = <T>(make: (name: ServiceName) => T) =>
    Object.fromEntries(services.map((name) => [name, make(name)])) as Record<ServiceName, T>
  const to = each((name) => createSender(`http://127.0.0.1:${env[name]['PORT']}`))
  const keys = each((name) => env[name]['SERVICE_PRIVATE_KEY']!)
  let heartbeat: NodeJS.Timeout | undefined
  const close = async (): Promise<void> => {
    clearInterval(heartbeat)
    for (const sender of Object.values(to)) sender.close()
    await instance.close()
    await mastodon.close()
  }
  try {
    // The first is the owner of the server, who may see who uses it.
    await instance
      .accounts('web')
      .createUser({ body: { name: 'Owner', email: 'owner@example.org', password: 'calm and blue', locale: 'en' } })
    const [victim, attacker, bystander] = await Promise.all([
      addPerson(instance, mastodon, 'alice'),
      addPerson(instance, mastodon, 'bob'),
      addPerson(instance, mastodon, 'carol'),
    ])
    await untilSettled(instance.constellation.databaseUrl)
    // However long the tests take: what they hold is not to be worked on by others.
    heartbeat = setInterval(() => void Promise.allSettled([victim, attacker, bystander].map((person) => renew(instance, person))), 8000)
    return {
      instance,
      mastodon,
      victim,
      attacker,
      bystander,
      to,
      keys,
      publicKeys: env.web['SERVICE_PUBLIC_KEYS']!,
      bearer: (from, audience, userId) => `Bearer ${tokenBy(keys[from], { iss: from, aud: audience, sub: userId })}`,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function renew(instance: Instance, { own: { userId, connectionId }, setting: { stream, fence } }: Person): Promise<void> {
  await instance.accounts('workers').renewLease({ userId, params: { connectionId, stream }, body: { fence } })
}

/** What follows from a sync by itself: it is announced, summaries are stored, and the words of what came are looked up. */
const following = `SELECT FROM accounts.outbox
  UNION ALL SELECT FROM platform.pages WHERE revision IS NOT NULL AND sha256 IS NOT NULL AND sha256 IS DISTINCT FROM read_sha256 LIMIT 1`

async function untilSettled(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (let attempt = 0; attempt < 600; attempt += 1) {
      const { rowCount } = await client.query(following)
      if (rowCount === 0) return
      await wait(100)
    }
    throw new Error('What follows from a sync was not done within a minute')
  } finally {
    await client.end()
  }
}
