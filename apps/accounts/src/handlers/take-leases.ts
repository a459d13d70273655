import { AshevilleError } from '@asheville/core'
import type { accountsRoutes, Connection, Lease, WantedLease } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Handler } from '@asheville/service'
import type { Context } from '../context.ts'
import { getStoredConnection } from '../queries/connections.ts'
import { takeLease, type StreamId } from '../queries/leases.ts'
import { countReadsLeft } from '../queries/reads.ts'
import { findMarks, markRunning, startVersion } from '../queries/streams.ts'
import { holdJob, lockUnfinishedJob, markTaken } from '../queries/sync-jobs.ts'
import { closeSync } from '../queries/syncs.ts'
import { lockEvenClosing } from '../queries/users.ts'
import { listWalks, removeWalks } from '../queries/walks.ts'
import { eachByItself } from '../streams/each-by-itself.ts'
import { endWork, tellOfProblem } from '../streams/end-work.ts'
import { nextDueMs } from '../streams/next-due.ts'

/** So often may work on a stream die without a word and without a checkpoint; then it is the work that kills its worker. */
const maxTakes = 25

type Needs = Pick<Context, 'db' | 'networks' | 'syncIntervalMs'>

export function handleTakeLeases(context: Needs): Handler<typeof accountsRoutes.takeLeases> {
  return async ({ body: { holder, streams }, log }) => ({
    leases: await eachByItself(streams, (wanted) => take(context, wanted, holder), log),
  })
}

function take({ db, networks, syncIntervalMs }: Needs, wanted: WantedLease, holder: string): Promise<{ lease: Lease | null }> {
  const { userId, connectionId, stream, syncId, streamVersion } = wanted
  const id: StreamId = { connectionId, stream }
  return db.transaction(async (tx) => {
    await lockEvenClosing(tx, userId)
    const { connection, isRemoved } = await getStoredConnection(tx, userId, id.connectionId)
    const marks = await findMarks(tx, userId, id)
    if (!marks) throw new AshevilleError('not-found', 'There is no such stream')
    const job = await lockUnfinishedJob(tx, userId, syncId, id)
    if (!job || job.isEarly) return { lease: null }
    const isWorking = !isRemoved && (connection.state === 'active' || connection.state === 'full')
    if (!isWorking || connection.storageId === null) {
      await endWork(tx, userId, only(id), { state: 'cancelled', reason: null, nextDueMs: null })
      return { lease: null }
    }
    const readsLeft = isCharged(networks, connection, stream) ? await countReadsLeft(tx, userId, connection) : null
    if (readsLeft === 0) {
      await holdJob(tx, userId, syncId, id, { until: null, reason: boundReached(connection) })
      await closeSync(tx, userId, syncId)
      return { lease: null }
    }
    if (job.takes >= maxTakes) {
      const reason = 'It broke off again and again at the same place. It is tried again later'
      await endWork(tx, userId, only(id), { state: 'failed', reason, nextDueMs: nextDueMs({ intervalMs: syncIntervalMs, failures: 5 }) })
      await tellOfProblem(tx, userId, connection, reason)
      return { lease: null }
    }

    const { fence, expiresAt } = await takeLease(tx, userId, id, { syncId, run: job.run }, holder)
    const isNewVersion = streamVersion > marks.version
    const needsPlan = isNewVersion || !job.isPlanned
    if (isNewVersion) await removeWalks(tx, userId, id, 'all')
    await markTaken(tx, userId, syncId, id, needsPlan)
    await startOrGoOn(tx, userId, id, isNewVersion ? streamVersion : null)
    const head = isNewVersion ? null : marks.head
    const walks = await listWalks(tx, userId, id)
    const { storageId } = connection
    return { lease: { fence, expiresAt, connection, storageId, head, walks, needsPlan, attempts: marks.attempts, readsLeft } }
  })
}

async function startOrGoOn(tx: Database, userId: string, id: StreamId, newVersion: number | null): Promise<void> {
  if (newVersion !== null) await startVersion(tx, userId, id, newVersion)
  await markRunning(tx, userId, id)
}

/** Of a network that charges for what is read, there may be streams that cost nothing. */
function isCharged(networks: Needs['networks'], { provider }: Connection, stream: string): boolean {
  const network = networks.find(({ id }) => id === provider)
  return network?.streams.find(({ name }) => name === stream)?.estimate !== undefined
}

const boundReached = ({ settings }: Connection) => `Your bound of ${settings.readsPerMonth?.toLocaleString('en')} reads a month is reached`

const only = ({ connectionId, stream }: StreamId) => ({ connectionId, streams: [stream] })
