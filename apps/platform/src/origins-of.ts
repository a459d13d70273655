import type { accountsRoutes, Client } from '@asheville/clients'
import { noConnection } from './queries/reindexing.ts'

/** Whose connection brings the items of an account of a network. */
export type OriginOf = (account: { network: string; accountId: string }) => string

/** Of what was disconnected it is the connection that was; of what no network's is, none. */
export function createOriginsOf(accounts: Pick<Client<typeof accountsRoutes>, 'listConnections'>): (userId: string) => Promise<OriginOf> {
  return async (userId) => {
    const { connections } = await accounts.listConnections({ userId, query: { kind: 'network', include: 'revoked' } })
    const usedFirst = connections.toSorted((one, other) => Number(one.state === 'revoked') - Number(other.state === 'revoked'))
    return ({ network, accountId }) =>
      usedFirst.find((connection) => connection.provider === network && connection.accountId === accountId)?.id ?? noConnection
  }
}
