import type { Connection, SyncJob } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { setConnectionState } from '../queries/connections.ts'
import { findTokenVersion } from '../queries/credentials.ts'
import { addMessage } from '../queries/outbox.ts'
import { makeNotDue } from '../queries/streams.ts'
import { endJobs, type JobFilter } from '../queries/sync-jobs.ts'
import { closeSync } from '../queries/syncs.ts'

/** Ends unfinished jobs as `endJobs` does, and the syncs that have none left. The person is locked. */
export async function endWork(tx: Database, userId: string, filter: JobFilter, end: Parameters<typeof endJobs>[3]): Promise<SyncJob[]> {
  const jobs = await endJobs(tx, userId, filter, end)
  for (const syncId of new Set(jobs.map((job) => job.syncId))) await closeSync(tx, userId, syncId)
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
  await addMessage(tx, userId, 'reconnect-needed', {
    connectionId: connection.id,
    provider: connection.provider,
    handle: connection.handle,
  })
}
