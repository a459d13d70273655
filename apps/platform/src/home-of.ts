import { AshevilleError } from '@asheville/core'
import type { accountsRoutes, Client } from '@asheville/clients'

/** The storage that a person connected first: there goes what is no network's. */
export function createHomeOf(accounts: Pick<Client<typeof accountsRoutes>, 'listConnections'>): (userId: string) => Promise<string> {
  return async (userId) => {
    const { connections } = await accounts.listConnections({ userId, query: { kind: 'storage' } })
    const [first] = connections.toSorted((one, other) => (one.createdAt < other.createdAt ? -1 : 1))
    if (!first) throw new AshevilleError('conflict', 'There is no storage to write to')
    return first.id
  }
}
