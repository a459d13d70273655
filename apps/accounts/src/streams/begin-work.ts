import { randomUUID } from 'node:crypto'
import type { Sync, SyncJob, SyncStart } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { admitParked } from '../queries/admission.ts'
import type { StreamId } from '../queries/leases.ts'
import { addStreams, interruptStreams, markAnew, resetStreams } from '../queries/streams.ts'
import { addJobs, listReadyJobs } from '../queries/sync-jobs.ts'
import { getSync, startSync } from '../queries/syncs.ts'
import type { Chosen } from './choose-streams.ts'

/** Asked again within this time, a stream that the running sync has just done is not done once more. */
const redoAfterMs = 30_000

export interface Begun {
  sync: Sync
  created: boolean
  /** Those of the whole sync that are to be queued now. */
  jobs: SyncJob[]
}

/**
 * Work on what was chosen, in the sync that runs or a new one. What is under way goes on as it is; from scratch, unless this sync has begun
 * it from scratch before. With `interrupts` it is broken off and begun again in any case. The person is locked.
 */
export async function beginWork(
  tx: Database,
  userId: string,
  chosen: readonly Chosen[],
  { trigger, from, interrupts }: { trigger: Sync['trigger']; from: SyncStart; interrupts: boolean },
): Promise<Begun> {
  // A newer version of the adapter may have more of them than when this was connected.
  for (const { connection, streams } of chosen) await addStreams(tx, userId, connection.id, namesOf(streams))
  const ids = chosen.flatMap(({ connection, streams }) =>
    streams.map(({ name }): StreamId => ({ connectionId: connection.id, stream: name })),
  )
  const { syncId, isNew } = await startSync(tx, userId, randomUUID(), trigger)
  if (from === 'scratch') {
    const anew = await markAnew(tx, userId, syncId, ids)
    const begun = interrupts ? ids : anew
    for (const [connectionId, streams] of byConnection(begun)) await resetStreams(tx, userId, connectionId, streams)
    await addJobs(tx, userId, begun, 0)
  } else if (interrupts) {
    for (const [connectionId, streams] of byConnection(ids)) await interruptStreams(tx, userId, connectionId, streams)
  }
  await addJobs(tx, userId, ids, interrupts ? 0 : redoAfterMs)
  await admitParked(tx, [userId])
  const jobs = await listReadyJobs(tx, userId, syncId)
  return { sync: await getSync(tx, userId, syncId), created: isNew, jobs }
}

const namesOf = (streams: readonly { name: string }[]): string[] => streams.map(({ name }) => name)

function byConnection(ids: readonly StreamId[]): [string, string[]][] {
  return [...Map.groupBy(ids, ({ connectionId }) => connectionId)].map(([id, mine]) => [id, mine.map(({ stream }) => stream)])
}
