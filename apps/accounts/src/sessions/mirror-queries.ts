import type { Database } from '@asheville/database'

/** Which Redis the sessions are mirrored in (its run), and which epoch of the mirror that is. */
export interface MirrorEpoch {
  epoch: number
  run: string
}

export async function readEpoch(db: Database, { lock = false } = {}): Promise<MirrorEpoch> {
  const [row] = await db.query<MirrorEpoch>(`SELECT epoch, redis_run AS run FROM session_mirror ${lock ? 'FOR UPDATE' : ''}`)
  if (!row) throw new Error('session_mirror has no row')
  return row
}

export async function writeEpoch(tx: Database, { epoch, run }: MirrorEpoch): Promise<void> {
  await tx.query('UPDATE session_mirror SET epoch = $1, redis_run = $2', [epoch, run])
}

export interface EndedSession {
  tokenHash: Uint8Array
  userId: string
  expiresAt: string
}

/** Sessions that were ended and that Redis may not know of. */
export async function listEnded(db: Database, limit: number): Promise<EndedSession[]> {
  return db.query('SELECT token_hash AS "tokenHash", user_id AS "userId", expires_at AS "expiresAt" FROM ended_sessions LIMIT $1', [limit])
}

/** Redis has confirmed these. */
export async function removeEnded(db: Database, tokenHashes: readonly Uint8Array[]): Promise<void> {
  await db.query('DELETE FROM ended_sessions WHERE token_hash = ANY ($1)', [tokenHashes])
}

/** Uses that were noted while Postgres was away; of a session that was used later, or is no more, nothing changes. */
export async function writeUses(db: Database, uses: readonly { tokenHash: Uint8Array; usedAt: Date; idleEndsAt: Date }[]): Promise<void> {
  await db.query(
    `UPDATE sessions s SET last_used_at = greatest(s.last_used_at, u.used_at), idle_expires_at = greatest(s.idle_expires_at, u.idle_ends_at)
     FROM unnest($1::bytea[], $2::timestamptz[], $3::timestamptz[]) AS u (token_hash, used_at, idle_ends_at)
     WHERE s.token_hash = u.token_hash`,
    [uses.map(({ tokenHash }) => tokenHash), uses.map(({ usedAt }) => usedAt), uses.map(({ idleEndsAt }) => idleEndsAt)],
  )
}

/** These are in the mirror of that epoch. */
export async function noteMirrored(db: Database, epoch: number, tokenHashes: readonly Uint8Array[]): Promise<void> {
  await db.query('UPDATE sessions SET mirrored_in = $1 WHERE token_hash = ANY ($2) AND mirrored_in < $1', [epoch, tokenHashes])
}
