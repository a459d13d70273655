import type { CallReply, conductorRoutes, StreamStatus } from '@asheville/clients'
import { listEvents, onEvent } from '@asheville/jobs'
import { answeredAgain, errorFields, type Handler, type Logger } from '@asheville/service'
import type { Context } from '../context.ts'
import { createSnapshots } from '../status/keep-snapshots.ts'
import { networkStatus } from '../status/network-status.ts'
import { paceMs, ratesOf } from '../status/paces-of.ts'

/** Platform is asked for no longer than this: the state of the work matters more than the counts. */
const countsMs = 2000
/** Several may wait for one reading, whoever of them goes away. */
const readMs = 10_000

type Status = CallReply<typeof conductorRoutes.getStatus>
type Asking = { userId: string; requestId: string; signal: AbortSignal }

/** As it was within the last second, unless something was told of the person since; with `Cache-Control: no-cache` as it is now. */
export function getStatus(context: Context): Handler<typeof conductorRoutes.getStatus> {
  const snapshots = createSnapshots<Status>((userId, onChange) => onEvent(context.subscriber, userId, onChange))

  return ({ userId, requestId, request, log }) => {
    const read = async () => answeredAgain(await readStatus(context, { userId, requestId, signal: AbortSignal.timeout(readMs) }, log))
    return snapshots.get(userId, read, { fresh: request.get('cache-control') === 'no-cache' })
  }
}

/** Joins what accounts knows of connections, streams and syncs with what platform has stored of them. */
async function readStatus(context: Context, call: Asking, log: Logger): Promise<Status> {
  const { accounts, platform, networks: adapters, paused } = context
  const [{ connections, streams, syncs, reads }, counted] = await Promise.all([
    accounts.getOverview(call),
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
