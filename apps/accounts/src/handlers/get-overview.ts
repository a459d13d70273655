import type { accountsRoutes } from '@asheville/clients'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { listConnections } from '../queries/connections.ts'
import { listMonthlyReads } from '../queries/reads.ts'
import { listStreamStatuses } from '../queries/streams.ts'
import { listSyncs } from '../queries/syncs.ts'

const recentSyncs = 10

/** On one connection to the database: whoever looks often should not take several. */
export function handleGetOverview({ db }: Pick<Context, 'db'>): Handler<typeof accountsRoutes.getOverview> {
  return ({ userId }) =>
    db.transaction(async (tx) => ({
      connections: await listConnections(tx, userId, 'network'),
      streams: await listStreamStatuses(tx, userId),
      syncs: (await listSyncs(tx, userId, { after: null, limit: recentSyncs })).syncs,
      reads: await listMonthlyReads(tx, userId),
    }))
}
