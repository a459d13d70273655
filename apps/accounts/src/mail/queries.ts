import { randomUUID } from 'node:crypto'
import type { Database } from '@asheville/database'
import type { MailKind } from './mails.ts'
import type { Sealed, Sealing } from '../sealing.ts'

/** Beside mails there are requests for one: it is made out when whoever sends comes to it. */
export type QueuedKind = MailKind | 'reset-request'

/** A mail on its way. */
export interface QueuedMail {
  id: string
  kind: QueuedKind
  to: string
  locale: string
  values: Readonly<Record<string, string>>
}

/** One that was claimed: how often it was tried before, and how long ago it was queued. */
export interface ClaimedMail {
  id: string
  userId: string | null
  kind: QueuedKind
  attempts: number
  ageMs: number
  sealed: Sealed
}

/** What a mail is bound to when it is sealed. */
export const mailBinding = (id: string, kind: QueuedKind) => ['mail', id, kind]

export async function addMail(tx: Database, userId: string | null, { id, kind, ...rest }: QueuedMail, sealing: Sealing): Promise<void> {
  const { keyId, sealed } = sealing.seal(JSON.stringify(rest), mailBinding(id, kind))
  await tx.query('INSERT INTO mails (id, user_id, kind, sealed, key_id) VALUES ($1, $2, $3, $4, $5)', [id, userId, kind, sealed, keyId])
}

/** Somebody wants to set a new password for the account with this address, if there is one. */
export function queueResetRequest(db: Database, email: string, sealing: Sealing): Promise<void> {
  return addMail(db, null, { id: randomUUID(), kind: 'reset-request', to: email, locale: '', values: {} }, sealing)
}

/** Throws `unexpected` when it cannot be opened. */
export function openMail({ id, kind, sealed }: ClaimedMail, sealing: Sealing): QueuedMail {
  return { id, kind, ...(JSON.parse(sealing.open(sealed, mailBinding(id, kind))) as Pick<QueuedMail, 'to' | 'locale' | 'values'>) }
}

/** The oldest that nobody sends; they come back after `holdMs` unless they are removed or delayed. */
export async function claimMails(db: Database, limit: number, holdMs: number): Promise<ClaimedMail[]> {
  const rows = await db.query<Omit<ClaimedMail, 'sealed'> & { sealed: Uint8Array; keyId: string }>(
    `UPDATE mails SET attempts = attempts + 1, claimable_at = now() + $2 * interval '1 millisecond' WHERE id IN (
       SELECT id FROM mails WHERE claimable_at <= now() ORDER BY claimable_at LIMIT $1 FOR UPDATE SKIP LOCKED)
     RETURNING id, user_id AS "userId", kind, sealed, key_id AS "keyId", attempts - 1 AS attempts,
       (extract(epoch FROM now() - created_at) * 1000)::float8 AS "ageMs"`,
    [limit, holdMs],
  )
  return rows.map(({ sealed, keyId, ...row }) => ({ ...row, sealed: { keyId, sealed } }))
}

/** Whether it was still there. */
export async function removeMail(db: Database, id: string): Promise<boolean> {
  return (await db.query('DELETE FROM mails WHERE id = $1 RETURNING id', [id])).length > 0
}

export async function delayMail(db: Database, id: string, delayMs: number): Promise<void> {
  await db.query("UPDATE mails SET claimable_at = now() + $2 * interval '1 millisecond' WHERE id = $1", [id, delayMs])
}

/** Where a person may be written to: their address, when they have shown that it is theirs; else null. */
export async function findMailAddress(db: Database, userId: string): Promise<{ to: string; name: string; locale: string } | null> {
  const [row] = await db.query<{ to: string; name: string; locale: string }>(
    'SELECT email AS "to", name, locale FROM users WHERE id = $1 AND email IS NOT NULL AND email_verified_at IS NOT NULL',
    [userId],
  )
  return row ?? null
}
