import { randomBytes, randomUUID } from 'node:crypto'
import { makeAppToken } from '@asheville/clients'
import { kindOf, scopes, type Act } from '@asheville/core'
import type { MastodonSimulator } from '@asheville/simulators'
import { createSoftwarePasskey } from '@asheville/testkit/software-passkey'
import pg from 'pg'
import { connectOAuth, syncNow, type Instance } from '../instance.ts'
import type { Belongings, Setting } from './samples.ts'

/** A person of this instance with a synced Mastodon account. */
export interface Person {
  own: Belongings
  setting: Setting
  email: string
  password: string
  /** What must never reach anybody else: their name, address, words, tokens. */
  canaries: string[]
  /** A session of theirs for a browser's cookie, apart from that in `own`. */
  browserToken: string
  /** Tokens of theirs that do not open what they are tried at. */
  apps: { revoked: string; ended: string; onlyReads: string; onlyWrites: string; ofMessages: string }
}

const device = { userAgent: 'matrix', address: '127.0.0.1' }

/** Signs a person up, connects that account of the simulator, syncs it, and holds a lease on its stream. */
export async function addPerson(instance: Instance, mastodon: MastodonSimulator, account: string): Promise<Person> {
  const canary = `canary${randomBytes(8).toString('hex')}`
  const web = instance.accounts('web')
  const login = { email: `${canary}@example.org`, password: `calm ${canary}` }
  const { id: userId } = await web.createUser({ body: { name: `${account} ${canary}`, locale: 'en', ...login } })
  const { token: sessionToken, session } = await web.createSession({ body: { ...login, device } })
  const { token: browserToken } = await web.createSession({ body: { ...login, device } })

  mastodon.generate({ seed: account, account, statuses: 30, pictures: 2 })
  mastodon.addStatus({ account, text: `A secret of ${canary}`, media: [{ description: `A picture of ${canary}` }] })
  const fields = { server: mastodon.url }
  const person = { userId, sessionId: session.id }
  const { id: connectionId } = await connectOAuth(instance, person, 'mastodon', fields, (address) =>
    mastodon.authorize(address, { account }),
  )
  const { state } = await syncNow(instance, userId)
  if (state !== 'done') throw new Error(`The sync of ${account} ended as ${state}`)

  const platform = instance.platform('web')
  const { items } = await platform.listItems({ userId, query: { limit: 100 } })
  const secret = items.find(({ object }) => JSON.stringify(object).includes(canary))
  const media = JSON.stringify(secret?.object)
  const path = /media\/\d{4}\/\d{2}\/[\w.-]+/.exec(media)?.[0]
  const source = /https?:[^"]+\/media\/[^"]+/.exec(media)?.[0]
  if (!secret || !path || !source) throw new Error(`The post of ${account} was not stored with its picture`)
  const { connections } = await web.listConnections({ userId, query: { kind: 'storage' } })
  const { identities } = await web.listIdentities({ userId })
  const { notifications } = await web.listNotifications({ userId, query: {} })
  const { opening, ...apps } = await makeAppTokens(instance, person, login.password)
  const { accessToken } = await instance.accounts('workers').getAccess({ userId, params: { connectionId }, body: { rejected: null } })

  const own = {
    userId,
    sessionId: session.id,
    sessionToken,
    connectionId,
    storageId: connections[0]!.id,
    key: secret.key,
    itemId: secret.id,
    path,
    source,
    outboxId: randomUUID(),
    notificationId: notifications[0]!.id,
    identityId: identities[0]!.id,
    passkeyId: await addPasskey(instance, person, login.password),
    parkedId: await parkAnother(instance, mastodon, person, connectionId),
    appTokenId: opening.token.id,
    appToken: opening.secret,
    ...(await holdLease(instance, userId, connectionId)),
  }
  const { fence, stream, syncId, ...belongings } = own
  return {
    own: { ...belongings, syncId },
    setting: { server: mastodon.url, stream, fence },
    ...login,
    browserToken,
    apps,
    canaries: [canary, accessToken!, sessionToken, browserToken, login.password, opening.secret],
  }
}

/** A passkey of a device that does as it should. */
async function addPasskey(
  instance: Instance,
  { userId, sessionId }: { userId: string; sessionId: string },
  password: string,
): Promise<string> {
  const web = instance.accounts('web')
  const { challenge, rp, user } = await web.beginPasskey({ userId, body: { sessionId, current: password } })
  const site = { origin: instance.constellation.url, rpId: rp.id, challenge }
  const made = createSoftwarePasskey().make({ ...site, userHandle: user.id })
  return (await web.addPasskey({ userId, body: { sessionId, name: 'Laptop', ...made } })).id
}

/** One for everything, and some for less or nothing. */
async function makeAppTokens(instance: Instance, { userId, sessionId }: { userId: string; sessionId: string }, current: string) {
  const web = instance.accounts('web')
  const make = (name: string) => web.createAppToken({ userId, body: { sessionId, current, name, scopes: [...scopes], days: 30 } })
  const [opening, revoked] = [await make('everything'), await make('revoked')]
  await web.revokeAppToken({ userId, params: { appTokenId: revoked.token.id } })

  const client = new pg.Client({ connectionString: instance.constellation.databaseUrl })
  await client.connect()
  /** A copy of the first, with other scopes or another end. */
  const copy = async (name: string, chosen: readonly string[], expiresAt: string | null = null): Promise<string> => {
    const secret = makeAppToken()
    await client.query(
      `INSERT INTO accounts.app_tokens (user_id, id, token_hash, name, begins, scopes, expires_at)
       SELECT user_id, gen_random_uuid(), sha256($2), $3, begins, $4, $5 FROM accounts.app_tokens WHERE id = $1`,
      [opening.token.id, Buffer.from(secret), name, chosen, expiresAt],
    )
    return secret
  }
  const of = (act: Act) => scopes.filter((scope) => scope.endsWith(`:${act}`))
  try {
    return {
      opening,
      revoked: revoked.secret,
      ended: await copy('ended', scopes, '2020-01-01'),
      onlyReads: await copy('only reads', of('read')),
      onlyWrites: await copy('only writes', of('write')),
      ofMessages: await copy('messages', ['messages:read', 'messages:write']),
    }
  } finally {
    await client.end()
  }
}

/** Reconnects with another account than it was: that one is kept for ten minutes, to be added. */
async function parkAnother(
  instance: Instance,
  mastodon: MastodonSimulator,
  { userId, sessionId }: { userId: string; sessionId: string },
  reconnects: string,
): Promise<string> {
  const web = instance.accounts('web')
  const provider = 'mastodon'
  const step = await web.beginConnect({ userId, body: { provider, fields: { server: mastodon.url }, sessionId, reconnects } })
  if (step.next !== 'authorize') throw new Error('Mastodon wants no browser')
  const back = new URL(await mastodon.authorize(step.url, { account: 'another' }))
  const body = { provider, sessionId, callback: Object.fromEntries(back.searchParams) }
  const failure: unknown = await web.finishConnect({ userId, body }).catch((error: unknown) => error)
  if (kindOf(failure) !== 'conflict') throw new Error('Another account was taken for the one to be reconnected')
  return (await web.getParked({ userId, query: { provider, sessionId } })).parkedId
}

/** A sync that only this test works on, the running one or a new one: its job is in no queue, and its stream is held, for half a minute. */
export async function holdLease(
  instance: Instance,
  userId: string,
  connectionId: string,
): Promise<{ syncId: string; stream: string; fence: number }> {
  // Of one stream, as all others would be queued and worked on when nobody holds them for a minute.
  const body = { trigger: 'person' as const, connectionIds: [connectionId], contentTypes: ['posts' as const] }
  const { sync, jobs } = await instance.accounts('conductor').createSync({ userId, body })
  const held = { userId, connectionId, syncId: sync.id }
  return { syncId: sync.id, stream: jobs[0]!.stream, fence: await takeLease(instance, held, jobs[0]!.stream) }
}

/** The fence of a fresh lease on that stream of theirs. */
export async function takeLease(
  instance: Instance,
  { userId, connectionId, syncId }: Pick<Belongings, 'userId' | 'connectionId' | 'syncId'>,
  stream: string,
): Promise<number> {
  const body = { holder: 'matrix', streams: [{ userId, connectionId, stream, syncId, streamVersion: 1 }] }
  const { leases } = await instance.accounts('workers').takeLeases({ body })
  const [taken] = leases
  if (!taken || 'refused' in taken || !taken.lease) throw new Error('The stream has no work')
  return taken.lease.fence
}
