import type { Database } from '@asheville/database'

export type MessageKind = 'sync-finished' | 'reconnect-needed' | 'storage-full' | 'stop-work' | 'forget-person' | 'remove-copies'

export interface Message {
  id: string
  userId: string
  kind: MessageKind
  payload: Record<string, unknown>
}

/** What is announced once the transaction is committed, by whoever claims it. */
export async function addMessage(tx: Database, userId: string, kind: MessageKind, payload: Record<string, unknown>): Promise<void> {
  await tx.query('INSERT INTO outbox (user_id, kind, payload) VALUES ($1, $2, $3)', [userId, kind, JSON.stringify(payload)])
}

/** The oldest messages that nobody works on; they come back after a minute unless acknowledged. */
export async function claimMessages(db: Database, limit: number): Promise<Message[]> {
  return db.query(
    `WITH claimed AS (
       UPDATE outbox SET claimable_at = now() + interval '1 minute' WHERE id IN (
         SELECT id FROM outbox WHERE claimable_at <= now() ORDER BY claimable_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING id, user_id, kind, payload, created_at)
     SELECT id, user_id AS "userId", kind, payload FROM claimed ORDER BY created_at, id`,
    [limit],
  )
}

export async function removeMessages(db: Database, ids: readonly string[]): Promise<void> {
  await db.query('DELETE FROM outbox WHERE id = ANY ($1)', [ids])
}
