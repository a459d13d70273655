import type { Connection, SyncJob } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { addNotification } from '../notifications/queries.ts'
import { setConnectionState } from '../queries/connections.ts'
import { findTokenVersion } from '../queries/credentials.ts'
import { addMessage } from '../queries/outbox.ts'
import { makeNotDue } from '../queries/streams.ts'
import { endJobs, type JobFilter } from '../queries/sync-jobs.ts'
import { closeAndTell } from './close-syncs.ts'

/** Ends unfinished jobs as `endJobs` does, and the syncs that have none left. The person is locked. */
export async function endWork(tx: Database, userId: string, filter: JobFilter, end: Parameters<typeof endJobs>[3]): Promise<SyncJob[]> {
  const jobs = await endJobs(tx, userId, filter, end)
  const syncIds = new Set(jobs.map(({ syncId }) => syncId))
  if (syncIds.size > 0)
    await closeAndTell(
      tx,
      [...syncIds].map((syncId) => ({ userId, syncId })),
    )
  return jobs
}

/** What people read when a grant is dead. */
export function reconnectReason(title: string): string {
  return `${title} no longer accepts our access. Reconnect it to go on`
}

/**
 * The grant is dead: the connection asks to be reconnected, its work ends, checkpoints stay. `version`: which replacement of
 * the token was refused; nothing happens when there is a newer one, or when it is known already. The person is locked.
 */
export async function markReconnect(
  tx: Database,
  userId: string,
  connection: Pick<Connection, 'id' | 'provider' | 'handle' | 'state'>,
  { reason, version }: { reason: string; version: number | null },
): Promise<void> {
  if (connection.state === 'reconnect') return
  if (version !== null && (await findTokenVersion(tx, userId, connection.id)) !== version) return
  await setConnectionState(tx, userId, connection.id, 'reconnect', reason)
  await endWork(tx, userId, { connectionId: connection.id }, { state: 'failed', reason, nextDueMs: null })
  await makeNotDue(tx, userId, connection.id, null)
  const data = aboutOf(connection)
  await addMessage(tx, userId, 'reconnect-needed', data)
  await addNotification(tx, userId, { kind: 'reconnect-needed', subject: connection.id, data })
}

/** Something of the connection could not be copied; the person is told once, until all of it could. */
export async function tellOfProblem(
  tx: Database,
  userId: string,
  connection: Pick<Connection, 'id' | 'provider' | 'handle'>,
  reason: string,
): Promise<void> {
  await addNotification(tx, userId, { kind: 'sync-problem', subject: connection.id, data: { ...aboutOf(connection), reason } })
}

export const aboutOf = ({ id, provider, handle }: Pick<Connection, 'id' | 'provider' | 'handle'>) => ({
  connectionId: id,
  provider,
  handle,
})
