import { randomUUID } from 'node:crypto'
import { AshevilleError, isPaid, type Account, type LoggedIn, type OAuthEndpoints } from '@asheville/core'
import type { Connection } from '@asheville/clients'
import { isUniqueViolation, type Database } from '@asheville/database'
import { findAdapter, type Context } from '../context.ts'
import { findIdentity } from '../identities/queries.ts'
import { markReadAbout, settleNotifications } from '../notifications/queries.ts'
import { findByAccount, getConnection, listConnections, putConnection } from '../queries/connections.ts'
import { putTokens } from '../queries/credentials.ts'
import { addStreams, forgetFailures, makeDue, makeNotDue, resetStreams, wasPulled } from '../queries/streams.ts'
import { lockPerson } from '../queries/users.ts'
import { endWork } from '../streams/end-work.ts'
import { wantedStreams } from '../streams/wanted-streams.ts'

export interface NewLink extends LoggedIn {
  provider: string
  account: Account
  registrationId: string | null
  endpoints: OAuthEndpoints | null
  /** The connection that is to work again; another account is a `conflict` then. */
  reconnects: string | null
  /** Where the items of a network are to go; null: where they went before, else the person's first storage. */
  storageId: string | null
}

/** Another account than the one that was to be reconnected. */
export class OtherAccount extends AshevilleError {}

/**
 * Saves an account that was tested. The same account again is the same connection, with new tokens and everything that was
 * known of its streams; this also holds for one that was disconnected. One that costs what is read of it is not begun with: the
 * person sees first what it takes.
 */
export async function saveConnection(
  { networks, storages, sealing }: Pick<Context, 'networks' | 'storages' | 'sealing'>,
  tx: Database,
  userId: string,
  link: NewLink,
): Promise<Connection> {
  const { provider, server, account } = link
  const found = findAdapter({ networks, storages }, provider)
  if (!found) throw new AshevilleError('invalid', 'There is no such network')
  await lockPerson(tx, userId)
  const existing = await findByAccount(tx, userId, { provider, server, accountId: account.id })
  if (link.reconnects !== null) await checkReconnect(tx, userId, link.reconnects, existing?.connection.id ?? null, account)

  const previousStorage = existing?.connection.storageId ?? null
  const storageId = found.kind === 'network' ? await chooseStorage(tx, userId, [link.storageId, previousStorage]) : null
  if (found.kind === 'storage') await refuseForeign(tx, userId, found.adapter.title, link)
  const isMoved = previousStorage !== null && previousStorage !== storageId
  const isGoingOn = existing !== null && !existing.isRemoved && !isMoved && (await wasPulled(tx, userId, existing.connection.id))
  const pausedFor = found.kind === 'network' && isPaid(found.adapter) && !isGoingOn ? costs(found.adapter.title) : null
  const connection = await putConnection(tx, userId, existing?.connection.id ?? randomUUID(), {
    ...link,
    kind: found.kind,
    storageId,
    pausedFor,
  }).catch((error: unknown) => {
    throw isUniqueViolation(error, 'connections_storage_account') ? someoneElses(found.adapter.title, account) : error
  })
  await putTokens(tx, userId, connection, link.tokens, sealing)
  await markReadAbout(tx, userId, connection.id)

  if (found.kind === 'network') {
    const names = found.adapter.streams.map(({ name }) => name)
    await addStreams(tx, userId, connection.id, names)
    // Another storage has nothing of what was copied before.
    if (isMoved) await resetStreams(tx, userId, connection.id, names)
    const wanted = wantedStreams(found.adapter, connection).map(({ name }) => name)
    const unwanted = names.filter((name) => !wanted.includes(name))
    // What the person allows no longer is not asked for any more.
    await endWork(tx, userId, { connectionId: connection.id, streams: unwanted }, { state: 'cancelled', reason: null, nextDueMs: null })
    await makeNotDue(tx, userId, connection.id, pausedFor === null ? unwanted : null)
    if (pausedFor === null) {
      await forgetFailures(tx, userId, connection.id)
      await settleNotifications(tx, userId, ['sync-paused'], connection.id)
      await makeDue(tx, userId, connection.id, wanted)
    }
  }
  return connection
}

/** What people read of a connection that they have not started yet. */
const costs = (title: string) => `${title} charges for what is read. See what a copy takes, then start it`

async function checkReconnect(
  tx: Database,
  userId: string,
  reconnects: string,
  existingId: string | null,
  account: Account,
): Promise<void> {
  const { connection } = await getConnection(tx, userId, reconnects)
  if (existingId === reconnects) return
  throw new OtherAccount(
    'conflict',
    `You signed in as ${account.handle}, but this connection is ${connection.handle}. Sign in as ${connection.handle}, or connect ${account.handle} as a new account`,
  )
}

/** What somebody else signs in with is theirs, also while they have not connected it. */
async function refuseForeign(tx: Database, userId: string, title: string, { provider, server, account }: NewLink): Promise<void> {
  const identity = await findIdentity(tx, { provider, server, providerUserId: account.id })
  if (identity && identity.userId !== userId) throw someoneElses(title, account)
}

function someoneElses(title: string, { handle }: Account): AshevilleError {
  return new AshevilleError('conflict', `${title} (${handle}) belongs to somebody else’s account on this server`)
}

/** The first of these that is connected; else the person's first. */
async function chooseStorage(tx: Database, userId: string, wanted: readonly (string | null)[]): Promise<string> {
  const storages = await listConnections(tx, userId, 'storage')
  const storage = wanted.map((id) => storages.find((each) => each.id === id)).find((each) => each !== undefined) ?? storages[0]
  if (!storage) throw new AshevilleError('conflict', 'Choose a storage first: there is no place to copy to')
  return storage.id
}
