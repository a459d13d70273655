import { AshevilleError } from '@asheville/core'
import type { accountsRoutes, Connection, Lease, Taken, WantedLease } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import { listPaused } from '../admin/controls.ts'
import type { Context } from '../context.ts'
import { getConnections, getStoredConnection } from '../queries/connections.ts'
import { findAccessTokens, type AccessToken } from '../queries/credentials.ts'
import { takeLeases, type StreamId } from '../queries/leases.ts'
import { countReadsLeft } from '../queries/reads.ts'
import { findVersion, startVersion } from '../queries/streams.ts'
import { findSyncOf, findUnfinishedJob, holdJob, markUnplanned, waitForClaim } from '../queries/sync-jobs.ts'
import { lockEvenClosing } from '../queries/users.ts'
import { listWalks, removeWalks } from '../queries/walks.ts'
import { closeAndTell } from '../streams/close-syncs.ts'
import { endWork } from '../streams/end-work.ts'
import { failStream } from '../streams/fail-stream.ts'
import { mostTogether, streamKey } from '../streams/most-together.ts'
import { isUsable } from '../usable-token.ts'

/** So often may work on a stream die without a word and without a checkpoint; then it is the work that kills its worker. */
const maxTakes = 25

type Needs = Pick<Context, 'db' | 'networks' | 'storages' | 'sealing'>

export function handleTakeLeases(context: Needs): Handler<typeof accountsRoutes.takeLeases> {
  return async ({ body: { holder, streams }, log }) => ({
    leases: await mostTogether<WantedLease, Taken>(
      context.db,
      streams,
      {
        together: (tx, wanted) => takeTogether(context, tx, wanted, holder),
        byItself: (wanted) => take(context, wanted, holder),
      },
      log,
    ),
  })
}

async function takeTogether(
  { networks, sealing }: Needs,
  tx: Database,
  wanted: readonly WantedLease[],
  holder: string,
): Promise<Map<string, { lease: Lease }>> {
  const taken = await takeLeases(tx, wanted, { holder, maxTakes, charged: listCharged(networks) })
  if (taken.length === 0) return new Map()
  const ownerOf = new Map(wanted.map(({ connectionId, userId }) => [connectionId, userId]))
  const owned = taken.map(({ connectionId }) => ({ connectionId, userId: ownerOf.get(connectionId)! }))
  const connections = await getConnections(tx, owned)
  const tokens = await findAccessTokens(tx, [...connections.values()], sealing)
  const walks = Map.groupBy(await listWalks(tx, taken), streamKey)
  return new Map(
    taken.map(({ connectionId, stream, isPlanned, ...marks }) => {
      const connection = connections.get(connectionId)!
      const open = walks.get(streamKey({ connectionId, stream })) ?? []
      const lease: Lease = {
        ...marks,
        connection,
        storageId: connection.storageId!,
        walks: open.map(({ walk }) => walk),
        needsPlan: !isPlanned,
        access: usableAccess(tokens.get(connectionId)),
      }
      return [streamKey({ connectionId, stream }), { lease }]
    }),
  )
}

/** What the worker would be given if it asked now, unless the provider has to be asked for it. */
function usableAccess(token: AccessToken | null | undefined): Lease['access'] {
  if (!token || !isUsable(token, null, new Date())) return null
  return { accessToken: token.accessToken, expiresAt: token.expiresAt }
}

function take(context: Needs, wanted: WantedLease, holder: string): Promise<Taken> {
  const { userId, connectionId, stream, syncId, streamVersion } = wanted
  const id: StreamId = { connectionId, stream }
  return context.db.transaction(async (tx) => {
    await lockEvenClosing(tx, userId)
    const { connection, isRemoved } = await getStoredConnection(tx, userId, connectionId)
    const version = await findVersion(tx, userId, id)
    if (version === null) throw new AshevilleError('not-found', 'There is no such stream')
    const job = await findUnfinishedJob(tx, userId, syncId, id)
    if (!job) {
      // A queue takes no second job of a stream while one is on its way, be it that of a sync that was cancelled.
      const otherSyncId = await findSyncOf(tx, userId, id)
      return { lease: null, ...(otherSyncId !== null && { otherSyncId }) }
    }
    if (job.isEarly) return { lease: null }
    const isWorking = !isRemoved && (connection.state === 'active' || connection.state === 'full')
    if (!isWorking || connection.storageId === null) {
      await endWork(tx, userId, only(id), { state: 'cancelled', reason: null, nextDueMs: null })
      return { lease: null }
    }
    if ((await listPaused(tx)).includes(connection.provider)) {
      await waitForClaim(tx, userId, syncId, id)
      return { lease: null }
    }
    const readsLeft = isCharged(context.networks, connection.provider, stream) ? await countReadsLeft(tx, userId, connection) : null
    if (readsLeft === 0) {
      await holdJob(tx, userId, syncId, id, { until: null, reason: boundReached(connection) })
      await closeAndTell(tx, [{ userId, syncId }])
      return { lease: null }
    }
    if (job.takes >= maxTakes) {
      const reason = 'It broke off again and again at the same place. It is tried again later'
      await failStream(context, tx, userId, id, { error: 'unexpected', reason })
      return { lease: null }
    }
    if (streamVersion > version) {
      await removeWalks(tx, userId, id, 'all')
      await startVersion(tx, userId, id, streamVersion)
      await markUnplanned(tx, userId, syncId, id)
    }
    const taken = (await takeTogether(context, tx, [wanted], holder)).get(streamKey(id))
    if (!taken) throw new AshevilleError('conflict', 'Another worker holds this stream')
    return taken
  })
}

/** The streams that cost something to read; others of the same network may be free. */
const listCharged = (networks: Needs['networks']) =>
  networks.flatMap(({ id: network, streams }) =>
    streams.filter(({ estimate }) => estimate).map(({ name: stream }) => ({ network, stream })),
  )

const isCharged = (networks: Needs['networks'], provider: string, name: string) =>
  listCharged(networks).some(({ network, stream }) => network === provider && stream === name)

const boundReached = ({ settings }: Connection) => `Your bound of ${settings.readsPerMonth?.toLocaleString('en')} reads a month is reached`

const only = ({ connectionId, stream }: StreamId) => ({ connectionId, streams: [stream] })
