import { AshevilleError, type Fields, type Http, type Storage, type StorageAdapter } from '@asheville/core'
import { createAccessToken, type accountsRoutes, type Client, type Connection } from '@asheville/clients'
import { withRenewedToken } from './with-renewed-token.ts'
import { withRetry } from './with-retry.ts'

/** A person's storage, opened. Throws `not-found` when they have none of that id: another's is none of theirs. */
export type StorageOf = (userId: string, storageId: string) => Promise<OpenStorage>

export interface OpenStorage {
  storage: Storage
  /** The adapter's id: `local`. */
  provider: string
}

export interface StorageAccessOptions {
  accounts: Pick<Client<typeof accountsRoutes>, 'listConnections' | 'getAccess'>
  storageById(id: string): StorageAdapter | null
  http: Http
  variables: Fields
  now?(): number
}

const freshMs = 30_000
/** A storage that was connected just now is not in the list of a moment ago. */
const againMs = 1000
const maxPeople = 10_000

/** Opens people's storages by their connections at accounts, which are remembered for up to 30 s. */
export function createStorageAccess(options: StorageAccessOptions): StorageOf {
  const { accounts, now = Date.now } = options
  const people = new Map<string, { at: number; connections: Promise<Connection[]> }>()
  const opened = new Map<string, OpenStorage>()

  function connectionsOf(userId: string, maxAgeMs: number): Promise<Connection[]> {
    const known = people.get(userId)
    if (known && now() - known.at < maxAgeMs) return known.connections
    const connections = accounts.listConnections({ userId, query: { kind: 'storage' } }).then((reply) => reply.connections)
    connections.catch(() => people.delete(userId))
    if (people.size >= maxPeople) people.clear()
    people.set(userId, { at: now(), connections })
    return connections
  }

  return async (userId, storageId) => {
    const byId = (connection: Connection) => connection.id === storageId
    const connection = (await connectionsOf(userId, freshMs)).find(byId) ?? (await connectionsOf(userId, againMs)).find(byId)
    if (!connection) throw new AshevilleError('not-found', 'There is no such storage')
    const name = JSON.stringify([userId, connection.id, connection.provider, connection.accountId, connection.server, connection.fields])
    const known = opened.get(name)
    if (known) return known
    const open = { storage: openStorage(userId, connection, options), provider: connection.provider }
    if (opened.size >= maxPeople) opened.clear()
    opened.set(name, open)
    return open
  }
}

function openStorage(
  userId: string,
  connection: Connection,
  { accounts, storageById, http, variables, now = Date.now }: StorageAccessOptions,
): Storage {
  const adapter = storageById(connection.provider)
  if (!adapter) throw new AshevilleError('invalid', `Asheville does not know the storage “${connection.provider}” any more`)
  const token = createAccessToken(accounts, { userId, connectionId: connection.id })
  const storage = adapter.open({
    http,
    variables,
    server: connection.server,
    fields: connection.fields,
    account: { id: connection.accountId, handle: connection.handle },
    now: () => new Date(now()),
    token: () => token.get(),
  })
  return withRetry(withRenewedToken(storage, token))
}
