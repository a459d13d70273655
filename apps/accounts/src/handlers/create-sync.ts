import { randomUUID } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { accountsRoutes, Connection } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { findAdapter, type Context } from '../context.ts'
import { admitParked } from '../queries/admission.ts'
import { getConnection, listConnections } from '../queries/connections.ts'
import type { StreamId } from '../queries/leases.ts'
import { addStreams } from '../queries/streams.ts'
import { addJobs, listReadyJobs } from '../queries/sync-jobs.ts'
import { getSync, startSync } from '../queries/syncs.ts'
import { lockPerson } from '../queries/users.ts'
import { wantedStreams } from '../streams/wanted-streams.ts'

/** Asked again within this time, a stream that the running sync has just done is not done once more. */
const redoAfterMs = 30_000

export function handleCreateSync(context: Context): Handler<typeof accountsRoutes.createSync> {
  return ({ userId, body: { trigger, connectionIds } }) =>
    context.db.transaction(async (tx) => {
      await lockPerson(tx, userId)
      const connections =
        connectionIds === null ? await listWorking(tx, userId) : await getWorking(context, tx, userId, [...new Set(connectionIds)])
      const streams = await streamsOf(context, tx, userId, connections)
      if (streams.length === 0)
        throw new AshevilleError('conflict', 'There is nothing to sync: connect a network first, resume one, or allow more of one')
      const { syncId, isNew } = await startSync(tx, userId, randomUUID(), trigger)
      await addJobs(tx, userId, streams, redoAfterMs)
      await admitParked(tx, [userId])
      const jobs = await listReadyJobs(tx, userId, syncId)
      return { sync: await getSync(tx, userId, syncId), created: isNew, jobs }
    })
}

async function listWorking(tx: Database, userId: string): Promise<Connection[]> {
  const connections = await listConnections(tx, userId, 'network')
  return connections.filter(({ state }) => state === 'active' || state === 'full')
}

async function getWorking(context: Context, tx: Database, userId: string, ids: readonly string[]): Promise<Connection[]> {
  const connections: Connection[] = []
  for (const id of ids) {
    const { connection } = await getConnection(tx, userId, id)
    const title = findAdapter(context, connection.provider)?.adapter.title ?? connection.provider
    if (connection.kind !== 'network') throw new AshevilleError('invalid', `${title} is a storage: there is nothing to copy from it`)
    if (connection.state === 'paused') throw new AshevilleError('conflict', `${title} is paused. Resume it first`)
    if (connection.state === 'reconnect') throw new AshevilleError('conflict', `${title} must be reconnected first`)
    connections.push(connection)
  }
  return connections
}

async function streamsOf(context: Context, tx: Database, userId: string, connections: readonly Connection[]): Promise<StreamId[]> {
  const ids: StreamId[] = []
  for (const connection of connections) {
    const { id, provider } = connection
    const found = findAdapter(context, provider)
    if (found?.kind !== 'network') continue
    const names = wantedStreams(found.adapter, connection).map(({ name }) => name)
    // A newer version of the adapter may have more of them than when this was connected.
    await addStreams(tx, userId, id, names)
    ids.push(...names.map((stream) => ({ connectionId: id, stream })))
  }
  return ids
}
