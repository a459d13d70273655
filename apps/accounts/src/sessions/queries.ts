import type { User } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { absoluteMs, idleMs, useMs } from './limits.ts'
import type { MirroredSession } from './mirror.ts'

const ms = (value: number) => `interval '${value} milliseconds'`
const isLive = 'least(s.idle_expires_at, s.expires_at) > now() AND u.closing_at IS NULL'

/** A person whom a session may be opened for; null when they are gone or going. Who closes the account waits until it is open. */
export async function findOpenPerson(tx: Database, userId: string): Promise<User | null> {
  const [user] = await tx.query<User>(
    `SELECT id, name, email, role, locale, created_at AS "createdAt" FROM users WHERE id = $1 AND closing_at IS NULL FOR SHARE`,
    [userId],
  )
  return user ?? null
}

/** Adds a session that begins now. */
export async function addSession(
  tx: Database,
  userId: string,
  session: { id: string; tokenHash: Uint8Array; userAgent: string; address: string },
): Promise<{ id: string; expiresAt: string }> {
  const [row] = await tx.query<{ id: string; expiresAt: string }>(
    `INSERT INTO sessions (id, user_id, token_hash, user_agent, address, idle_expires_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, now() + ${ms(idleMs)}, now() + ${ms(absoluteMs)}) RETURNING id, idle_expires_at AS "expiresAt"`,
    [session.id, userId, session.tokenHash, session.userAgent, session.address],
  )
  return row!
}

interface Row extends Omit<User, 'id' | 'createdAt'> {
  tokenHash: Uint8Array
  sessionId: string
  userId: string
  since: string
  userAgent: string
  address: string
  createdAt: string
  usedAt: string
  idleEndsAt: string
  endsAt: string
}

const columns = `s.token_hash AS "tokenHash", s.id AS "sessionId", s.user_id AS "userId", s.user_agent AS "userAgent", s.address,
  s.created_at AS "createdAt", s.last_used_at AS "usedAt", s.idle_expires_at AS "idleEndsAt", s.expires_at AS "endsAt",
  u.name, u.email, u.role, u.locale, u.created_at AS "since"`

function sessionOf(row: Row): MirroredSession {
  const { tokenHash, sessionId: id, userId, since, name, email, role, locale, userAgent, address, createdAt } = row
  const user = { id: userId, name, email, role, locale, createdAt: since }
  const [usedAt, idleEndsAt, endsAt] = [Date.parse(row.usedAt), Date.parse(row.idleEndsAt), Date.parse(row.endsAt)]
  return { tokenHash, id, user, userAgent, address, createdAt, usedAt, idleEndsAt, endsAt }
}

/** Whose session this is; null when it has ended or never was. Its idle end moves on, at most once a minute: then `isMoved`. */
export async function useSession(db: Database, tokenHash: Uint8Array): Promise<{ session: MirroredSession; isMoved: boolean } | null> {
  const [row] = await db.query<Row & { isStale: boolean }>(
    `SELECT ${columns}, s.last_used_at < now() - ${ms(useMs)} AS "isStale"
     FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1 AND ${isLive}`,
    [tokenHash],
  )
  if (!row) return null
  const { isStale, ...found } = row
  if (!isStale) return { session: sessionOf(found), isMoved: false }
  const [moved] = await db.query<{ usedAt: string; idleEndsAt: string }>(
    `UPDATE sessions s SET last_used_at = now(), idle_expires_at = now() + ${ms(idleMs)} WHERE s.id = $1 AND s.user_id = $2
     RETURNING s.last_used_at AS "usedAt", s.idle_expires_at AS "idleEndsAt"`,
    [found.sessionId, found.userId],
  )
  return moved ? { session: sessionOf({ ...found, ...moved }), isMoved: true } : null
}

/** The live sessions of a person, the one used last first. */
export async function listSessionsOf(db: Database, userId: string): Promise<MirroredSession[]> {
  const rows = await db.query<Row>(
    `SELECT ${columns} FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.user_id = $1 AND ${isLive} ORDER BY s.last_used_at DESC, s.id LIMIT 500`,
    [userId],
  )
  return rows.map(sessionOf)
}

/** Live sessions, whoever's, that are not in the mirror of that epoch yet. */
export async function listUnmirrored(db: Database, epoch: number, limit: number): Promise<MirroredSession[]> {
  const rows = await db.query<Row>(
    `SELECT ${columns} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.mirrored_in < $1 AND ${isLive} LIMIT $2`,
    [epoch, limit],
  )
  return rows.map(sessionOf)
}

/** Removes the session of that token, if there is one. */
export async function removeSessionOf(db: Database, tokenHash: Uint8Array): Promise<void> {
  await db.query('DELETE FROM sessions WHERE token_hash = $1', [tokenHash])
}

/** Removes one session of a person; false when there is none of that id. */
export async function removeSession(db: Database, userId: string, sessionId: string): Promise<boolean> {
  const rows = await db.query('DELETE FROM sessions s WHERE s.user_id = $1 AND s.id = $2 RETURNING id', [userId, sessionId])
  return rows.length > 0
}

/** Removes the sessions of a person, all or all but one; answers their ids. Redis is told by `mirror.catchUp` once that is committed. */
export async function removeSessions(db: Database, userId: string, { except = null }: { except?: string | null }): Promise<string[]> {
  const rows = await db.query<{ id: string }>('DELETE FROM sessions WHERE user_id = $1 AND ($2::uuid IS NULL OR id <> $2) RETURNING id', [
    userId,
    except,
  ])
  return rows.map(({ id }) => id)
}

/** Whether this is a session of that person that has not ended. */
export async function isSessionOf(db: Database, userId: string, sessionId: string): Promise<boolean> {
  const rows = await db.query(`SELECT FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.user_id = $1 AND s.id = $2 AND ${isLive}`, [
    userId,
    sessionId,
  ])
  return rows.length > 0
}

/** Clears sessions that have ended. */
export async function clearSessions(db: Database): Promise<void> {
  await db.query('DELETE FROM sessions WHERE expires_at <= now() OR idle_expires_at <= now()')
  await db.query('DELETE FROM ended_sessions WHERE expires_at <= now()')
}
