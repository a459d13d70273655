import { conductorRoutes, type NetworkStatus, type StreamStatus } from '@asheville/clients'
import type { ContentType } from '@asheville/core'
import { bind, errorFields } from '@asheville/service'
import type { Context, PlatformClient } from '../context.ts'

/** Platform is asked for no longer than this: the state of the work matters more than the counts. */
const countsMs = 2000
const recentSyncs = 10

/** Joins what accounts knows of connections, streams and syncs with what platform has stored of them. */
export const getStatus = ({ accounts, platform }: Context) =>
  bind(conductorRoutes.getStatus, async ({ userId, requestId, signal, log }) => {
    const call = { userId, requestId, signal }
    const [{ connections }, { streams }, { syncs }, { reads }, counted] = await Promise.all([
      accounts.listConnections({ ...call, query: { kind: 'network' } }),
      accounts.listStreams(call),
      accounts.listSyncs({ ...call, query: { limit: recentSyncs } }),
      accounts.listReads(call),
      platform.getCounts({ ...call, signal: AbortSignal.any([signal, AbortSignal.timeout(countsMs)]) }).catch((error: unknown) => {
        log.warn({ error: errorFields(error) }, 'The status goes without counts')
        return null
      }),
    ])
    const streamsByConnection = Map.groupBy(streams, (stream) => stream.connectionId)
    const countsByConnection = Map.groupBy(counted?.counts ?? [], (count) => count.connectionId)
    const networks: NetworkStatus[] = connections.map((connection) => {
      const own = streamsByConnection.get(connection.id) ?? []
      const stored = counted && storedOf(countsByConnection.get(connection.id) ?? [], own)
      const readsThisMonth = reads.find(({ connectionId }) => connectionId === connection.id)?.thisMonth ?? 0
      return { connection, streams: own, stored, readsThisMonth }
    })
    return { networks, syncs, media: counted?.media ?? null }
  })

type Count = Awaited<ReturnType<PlatformClient['getCounts']>>['counts'][number]

/** One row for each content type of which something is stored, or of which the network says how much there is. */
function storedOf(counts: readonly Count[], streams: readonly StreamStatus[]): NonNullable<NetworkStatus['stored']> {
  const available = new Map<ContentType, number>()
  for (const stream of streams)
    for (const [type, count] of Object.entries(stream.available) as [ContentType, number][])
      available.set(type, (available.get(type) ?? 0) + count)
  const byType = new Map(counts.map((count) => [count.contentType, count]))
  return [...new Set([...byType.keys(), ...available.keys()])].map((contentType) => {
    const count = byType.get(contentType)
    return {
      contentType,
      items: count?.items ?? 0,
      available: available.get(contentType) ?? null,
      oldest: count?.oldest ?? null,
      newest: count?.newest ?? null,
    }
  })
}
