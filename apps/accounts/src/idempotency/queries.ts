import type { Database } from '@asheville/database'
import type { Sealed } from '../sealing.ts'

/** Longer than any request may take: whoever had it then has ended, or is dead. */
const held = "now() + interval '45 seconds'"

export interface StoredKey {
  attempt: number
  sealed: Sealed
  status: number | null
  /** Somebody may still be at work on it. */
  isHeld: boolean
}

/** Puts down a key that nobody has used within a day; answers its attempt, null when somebody has. */
export async function addKey(db: Database, name: Uint8Array, userId: string | null, { keyId, sealed }: Sealed): Promise<number | null> {
  const [row] = await db.query<{ attempt: number }>(
    `INSERT INTO idempotency_keys AS k (name, user_id, sealed, key_id, held_until)
     VALUES ($1, (SELECT id FROM users WHERE id = $2), $3, $4, ${held})
     ON CONFLICT (name) DO UPDATE SET attempt = k.attempt + 1, sealed = EXCLUDED.sealed, key_id = EXCLUDED.key_id, status = NULL,
       held_until = EXCLUDED.held_until, expires_at = EXCLUDED.expires_at
     WHERE k.expires_at <= now()
     RETURNING attempt`,
    [name, userId, sealed, keyId],
  )
  return row?.attempt ?? null
}

export async function findKey(db: Database, name: Uint8Array): Promise<StoredKey | null> {
  const [row] = await db.query<{ attempt: number; sealed: Uint8Array; keyId: string; status: number | null; isHeld: boolean }>(
    'SELECT attempt, sealed, key_id AS "keyId", status, held_until > now() AS "isHeld" FROM idempotency_keys WHERE name = $1',
    [name],
  )
  if (!row) return null
  const { sealed, keyId, ...rest } = row
  return { ...rest, sealed: { keyId, sealed } }
}

/** Takes over from whoever made that attempt; false when somebody else has, or it was answered after all. */
export async function takeOver(db: Database, name: Uint8Array, attempt: number): Promise<boolean> {
  const rows = await db.query(
    `UPDATE idempotency_keys SET attempt = attempt + 1, held_until = ${held}
     WHERE name = $1 AND attempt = $2 AND status IS NULL AND held_until <= now() RETURNING attempt`,
    [name, attempt],
  )
  return rows.length > 0
}

/** Keeps the answer of that attempt; false when it was answered already, or somebody has taken over. */
export async function putAnswer(
  db: Database,
  name: Uint8Array,
  { attempt, status, userId }: { attempt: number; status: number; userId: string | null },
  { keyId, sealed }: Sealed,
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE idempotency_keys SET status = $3, sealed = $4, key_id = $5, user_id = coalesce(user_id, $6)
     WHERE name = $1 AND attempt = $2 AND status IS NULL RETURNING attempt`,
    [name, attempt, status, sealed, keyId, userId],
  )
  return rows.length > 0
}

export async function removeKey(db: Database, name: Uint8Array, attempt: number): Promise<void> {
  await db.query('DELETE FROM idempotency_keys WHERE name = $1 AND attempt = $2 AND status IS NULL', [name, attempt])
}

export async function clearKeys(db: Database): Promise<void> {
  await db.query('DELETE FROM idempotency_keys WHERE expires_at <= now()')
}
