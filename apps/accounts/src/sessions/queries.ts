import type { Session, User } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { getUser } from '../queries/users.ts'

/** How long a session lasts without use, and at most. */
const idle = "interval '14 days'"
const absolute = "interval '90 days'"

/** Opens a session; those of the person that have ended are cleared away. */
export async function addSession(
  db: Database,
  userId: string,
  session: { id: string; tokenHash: Uint8Array; userAgent: string; address: string },
): Promise<Session> {
  await db.query('DELETE FROM sessions WHERE user_id = $1 AND least(idle_expires_at, expires_at) <= now()', [userId])
  const [row] = await db.query<{ expiresAt: string }>(
    `INSERT INTO sessions (id, user_id, token_hash, user_agent, address, idle_expires_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, now() + ${idle}, now() + ${absolute}) RETURNING idle_expires_at AS "expiresAt"`,
    [session.id, userId, session.tokenHash, session.userAgent, session.address],
  )
  return { id: session.id, user: await getUser(db, userId), expiresAt: row!.expiresAt }
}

interface SessionRow extends Omit<User, 'id'> {
  sessionId: string
  userId: string
  expiresAt: string
  isStale: boolean
}

/** Whose session this is; null when it has ended or never was. Its idle end moves on, at most once a minute. */
export async function useSession(db: Database, tokenHash: Uint8Array): Promise<Session | null> {
  const [row] = await db.query<SessionRow>(
    `SELECT s.id AS "sessionId", s.user_id AS "userId", least(s.idle_expires_at, s.expires_at) AS "expiresAt",
       s.last_used_at < now() - interval '1 minute' AS "isStale", u.name, u.email, u.role, u.locale, u.created_at AS "createdAt"
     FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.token_hash = $1 AND least(s.idle_expires_at, s.expires_at) > now()`,
    [tokenHash],
  )
  if (!row) return null
  const { sessionId, userId, expiresAt, isStale, ...user } = row
  const session = { id: sessionId, user: { id: userId, ...user }, expiresAt }
  if (!isStale) return session
  const [extended] = await db.query<{ expiresAt: string }>(
    `UPDATE sessions SET last_used_at = now(), idle_expires_at = now() + ${idle} WHERE id = $1 AND user_id = $2
     RETURNING least(idle_expires_at, expires_at) AS "expiresAt"`,
    [sessionId, userId],
  )
  return extended ? { ...session, expiresAt: extended.expiresAt } : null
}

export async function removeSession(db: Database, tokenHash: Uint8Array): Promise<void> {
  await db.query('DELETE FROM sessions WHERE token_hash = $1', [tokenHash])
}

/** Removes the sessions of a person, all or all but one; answers the hashes of their tokens. */
export async function removeSessions(db: Database, userId: string, { except = null }: { except?: string | null }): Promise<Uint8Array[]> {
  const rows = await db.query<{ tokenHash: Uint8Array }>(
    'DELETE FROM sessions WHERE user_id = $1 AND ($2::uuid IS NULL OR id <> $2) RETURNING token_hash AS "tokenHash"',
    [userId, except],
  )
  return rows.map(({ tokenHash }) => tokenHash)
}

/** Whether this is a session of that person that has not ended. */
export async function isSessionOf(db: Database, userId: string, sessionId: string): Promise<boolean> {
  const rows = await db.query('SELECT FROM sessions WHERE user_id = $1 AND id = $2 AND least(idle_expires_at, expires_at) > now()', [
    userId,
    sessionId,
  ])
  return rows.length > 0
}

/** Clears sessions that have ended. */
export async function clearSessions(db: Database): Promise<void> {
  await db.query('DELETE FROM sessions WHERE expires_at <= now() OR idle_expires_at <= now()')
}
