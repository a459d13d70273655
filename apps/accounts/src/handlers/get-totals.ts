import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { countConnections, countPeople } from '../queries/connections.ts'
import { countVotes } from '../votes/queries.ts'

export function handleGetTotals({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.getTotals> {
  return async () => ({
    people: await countPeople(db),
    connections: await countConnections(db, 'network'),
    storages: await countConnections(db, 'storage'),
    votes: await countVotes(db),
  })
}
