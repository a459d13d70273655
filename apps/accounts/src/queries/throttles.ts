import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'
import { hashToken } from '../tokens.ts'

/** What is counted, and how often it may happen within the window. */
export interface Throttle {
  key: string
  limit: number
  windowMs: number
}

/**
 * Counts an attempt before it is made, so that many at once are counted too. Throws `rate-limited` with the time until the
 * window ends when it is one too many.
 */
export async function countAttempt(db: Database, { key, limit, windowMs }: Throttle): Promise<void> {
  const [row] = await db.query<{ attempts: number; remainingMs: number }>(
    `INSERT INTO throttles AS t (key, attempts, ends_at) VALUES ($1, 1, now() + $2 * interval '1 millisecond')
     ON CONFLICT (key) DO UPDATE SET
       attempts = CASE WHEN t.ends_at <= now() THEN 1 ELSE t.attempts + 1 END,
       ends_at = CASE WHEN t.ends_at <= now() THEN excluded.ends_at ELSE t.ends_at END
     RETURNING attempts, ceil(extract(epoch FROM ends_at - now()) * 1000)::int AS "remainingMs"`,
    [hashToken(key), windowMs],
  )
  if (!row || row.attempts <= limit) return
  const minutes = Math.max(1, Math.ceil(row.remainingMs / 60_000))
  throw new AshevilleError('rate-limited', `Too many attempts. Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`, {
    retryAfterMs: row.remainingMs,
  })
}

/** An attempt that succeeded counts against nobody: forgets those of `key`. */
export async function forgetAttempts(db: Database, key: string): Promise<void> {
  await db.query('DELETE FROM throttles WHERE key = $1', [hashToken(key)])
}

/** Takes one attempt back. */
export async function uncountAttempt(db: Database, key: string): Promise<void> {
  await db.query('UPDATE throttles SET attempts = greatest(attempts - 1, 0) WHERE key = $1', [hashToken(key)])
}

/** Notes something about `key` for a while, among the attempts: of what is counted, too, only the hash is kept. */
export async function remember(db: Database, key: string, forMs: number): Promise<void> {
  await db.query(
    `INSERT INTO throttles (key, attempts, ends_at) VALUES ($1, 0, now() + $2 * interval '1 millisecond')
     ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at`,
    [hashToken(key), forMs],
  )
}

export async function isRemembered(db: Database, key: string): Promise<boolean> {
  return (await db.query('SELECT FROM throttles WHERE key = $1 AND ends_at > now()', [hashToken(key)])).length > 0
}

/** Clears windows that have ended. */
export async function clearThrottles(db: Database): Promise<void> {
  await db.query('DELETE FROM throttles WHERE ends_at < now()')
}
