import { AshevilleError, type Stream } from '@asheville/core'
import type { Connection, Wish } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { findAdapter, type Context } from '../context.ts'
import { getConnection, listConnections } from '../queries/connections.ts'
import { wantedStreams } from './wanted-streams.ts'

export interface Chosen {
  connection: Connection
  streams: Stream[]
}

/**
 * What of the person's networks is meant. Connections that were named must be able to work: `conflict` when one is not, `not-found` when one is
 * not theirs; of all others those that can. `conflict` when nothing is left.
 */
export async function chooseStreams(
  context: Pick<Context, 'networks' | 'storages'>,
  db: Database,
  userId: string,
  { connectionIds, networks, contentTypes }: Pick<Wish, 'connectionIds' | 'networks' | 'contentTypes'>,
): Promise<Chosen[]> {
  const connections =
    connectionIds === null ? await listWorking(db, userId) : await getWorking(context, db, userId, [...new Set(connectionIds)])
  const chosen = connections.flatMap((connection) => {
    const found = findAdapter(context, connection.provider)
    if (found?.kind !== 'network' || (networks && !networks.includes(connection.provider))) return []
    const streams = wantedStreams(found.adapter, connection).filter((stream) => !contentTypes || carries(stream, contentTypes))
    return streams.length === 0 ? [] : [{ connection, streams }]
  })
  if (chosen.length === 0)
    throw new AshevilleError('conflict', 'There is nothing to sync: connect a network first, resume one, or allow more of one')
  return chosen
}

const carries = (stream: Stream, types: readonly string[]): boolean => stream.contentTypes.some((type) => types.includes(type))

async function listWorking(db: Database, userId: string): Promise<Connection[]> {
  const connections = await listConnections(db, userId, 'network')
  return connections.filter(({ state }) => state === 'active' || state === 'full')
}

async function getWorking(
  context: Pick<Context, 'networks' | 'storages'>,
  db: Database,
  userId: string,
  ids: readonly string[],
): Promise<Connection[]> {
  const connections: Connection[] = []
  for (const id of ids) {
    const { connection } = await getConnection(db, userId, id)
    const title = findAdapter(context, connection.provider)?.adapter.title ?? connection.provider
    if (connection.kind !== 'network') throw new AshevilleError('invalid', `${title} is a storage: there is nothing to copy from it`)
    if (connection.state === 'paused') throw new AshevilleError('conflict', `${title} is paused. Resume it first`)
    if (connection.state === 'reconnect') throw new AshevilleError('conflict', `${title} must be reconnected first`)
    connections.push(connection)
  }
  return connections
}
