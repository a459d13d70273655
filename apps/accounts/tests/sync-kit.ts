import { randomUUID } from 'node:crypto'
import type { Connection, EndedLease, Outcome, SyncJob } from '@asheville/clients'
import { returnLease, takeLease } from './lease-calls.ts'
import type { RunningAccounts } from './start-accounts.ts'

const noTally = { new: 0, changed: 0, unchanged: 0, gone: 0, skipped: 0 }
const zero = { pages: 1, tally: noTally, skipped: [], available: {}, hasPendingMedia: false }
const unbounded = { from: null, to: null }

/** A person with diaries, and a worker's calls on one of them. */
export async function setUp(accounts: RunningAccounts, diaries = 1) {
  const person = await accounts.signUp()
  const userId = person.user.id
  const connections: Connection[] = []
  for (let index = 0; index < diaries; index += 1) connections.push(await accounts.connectDiary(person))
  const at = (connection: Connection) => ({ userId, params: { connectionId: connection.id, stream: 'entries' } })
  const first = connections[0]!
  const sync = (connectionIds: string[] | null = null) =>
    accounts.conductor.createSync({ userId, body: { trigger: 'person', connectionIds } })
  const take = (syncId: string, connection = first, streamVersion = 1) =>
    takeLease(accounts.workers, randomUUID(), { userId, connectionId: connection.id, stream: 'entries', syncId, streamVersion })
  const lease = async (syncId: string, connection = first, streamVersion = 1) => {
    const reply = await take(syncId, connection, streamVersion)
    if (!reply.lease) throw new Error('no lease')
    return reply.lease
  }
  const plan = (fence: number, walks: { id: string; kind: 'backfill' | 'incremental' | 'recheck' }[], replaces: string[] = []) =>
    accounts.workers.savePlan({
      ...at(first),
      body: { fence, replaces, walks: walks.map((walk) => ({ ...walk, range: unbounded, cursor: null })) },
    })
  const checkpoint = (fence: number, walkId: string, cursor: string | null, head: string | null = null, extra: object = {}) =>
    accounts.workers.saveCheckpoint({ ...at(first), body: { ...zero, fence, walkId, cursor, head, ...extra } })
  const giveBack = (
    fence: number,
    outcome: Outcome = { kind: 'done' },
    connection = first,
    extra: Pick<EndedLease, 'quiet' | 'mediaDueAt'> = {},
  ) => returnLease(accounts.workers, { userId, connectionId: connection.id, stream: 'entries', fence, outcome, ...extra })
  const status = async (connection = first) => {
    const { streams } = await accounts.conductor.listStreams({ userId })
    return streams.find(({ connectionId }) => connectionId === connection.id)!
  }
  const expire = () => accounts.db.query("UPDATE leases SET expires_at = now() - interval '1 second' WHERE user_id = $1", [userId])
  return { person, userId, connections, first, at, sync, take, lease, plan, checkpoint, giveBack, status, expire }
}

/** Nothing of earlier tests is due any more. */
export async function calm(accounts: RunningAccounts): Promise<void> {
  await accounts.db.query('UPDATE streams SET next_due_at = NULL')
  await accounts.db.query("UPDATE sync_jobs SET enqueue_after = now() + interval '1 hour'")
}
export const key = ({ connectionId, stream }: Pick<SyncJob, 'connectionId' | 'stream'>) => `${connectionId}-${stream}`
