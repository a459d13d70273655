import type { CallReply, conductorRoutes, StreamStatus } from '@asheville/clients'
import { listEvents } from '@asheville/jobs'
import { errorFields, type Handler, type Logger } from '@asheville/service'
import type { Context } from '../context.ts'
import { networkStatus } from '../status/network-status.ts'
import { paceMs, ratesOf } from '../status/paces-of.ts'

/** Platform is asked for no longer than this: the state of the work matters more than the counts. */
const countsMs = 2000
const recentSyncs = 10

type Status = CallReply<typeof conductorRoutes.getStatus>
type Asking = { userId: string; requestId: string; signal: AbortSignal }

export function getStatus(context: Context): Handler<typeof conductorRoutes.getStatus> {
  return ({ userId, requestId, signal, log }) => readStatus(context, { userId, requestId, signal }, log)
}

/** Joins what accounts knows of connections, streams and syncs with what platform has stored of them. */
async function readStatus(context: Context, call: Asking, log: Logger): Promise<Status> {
  const { accounts, platform, networks: adapters, paused } = context
  const [{ connections }, { streams }, { syncs }, { reads }, counted] = await Promise.all([
    accounts.listConnections({ ...call, query: { kind: 'network' } }),
    accounts.listStreams(call),
    accounts.listSyncs({ ...call, query: { limit: recentSyncs } }),
    accounts.listReads(call),
    platform.getCounts({ ...call, signal: AbortSignal.any([call.signal, AbortSignal.timeout(countsMs)]) }).catch((error: unknown) => {
      log.warn({ error: errorFields(error) }, 'The status goes without counts')
      return null
    }),
  ])
  const now = new Date()
  const rates = await readRates(context, call.userId, streams, now)
  const streamsByConnection = Map.groupBy(streams, (stream) => stream.connectionId)
  const countsByConnection = Map.groupBy(counted?.counts ?? [], (count) => count.connectionId)
  const networks = connections.map((connection) =>
    networkStatus({
      connection,
      network: adapters.find(({ id }) => id === connection.provider) ?? null,
      streams: streamsByConnection.get(connection.id) ?? [],
      counts: counted && (countsByConnection.get(connection.id) ?? []),
      readsThisMonth: reads.find(({ connectionId }) => connectionId === connection.id)?.thisMonth ?? 0,
      isPausedHere: paused.has(connection.provider),
      rates,
      now,
    }),
  )
  return { networks, syncs, media: counted?.media ?? null }
}

async function readRates(
  { redis }: Pick<Context, 'redis'>,
  userId: string,
  streams: readonly StreamStatus[],
  now: Date,
): Promise<Map<string, number>> {
  if (!streams.some(({ state }) => state === 'running')) return new Map()
  const events = await listEvents(redis, userId, new Date(now.getTime() - paceMs)).catch(() => [])
  return ratesOf(events, now)
}
