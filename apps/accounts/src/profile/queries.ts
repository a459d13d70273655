import { AshevilleError } from '@asheville/core'
import type { Profile, User } from '@asheville/clients'
import { asService, isUniqueViolation, type Database } from '@asheville/database'
import { hashToken } from '../tokens.ts'

export async function getProfile(db: Database, userId: string): Promise<Omit<Profile, 'sendsMail'>> {
  const [row] = await db.query<Omit<Profile, 'sendsMail'>>(
    `SELECT name, locale, email, email_verified_at IS NOT NULL AS "isEmailVerified",
       EXISTS (SELECT FROM passwords p WHERE p.user_id = u.id) AS "hasPassword"
     FROM users u WHERE id = $1`,
    [userId],
  )
  if (!row) throw new AshevilleError('not-found', 'There is no such person')
  return row
}

/** Changes what is given. */
export async function changeUser(db: Database, userId: string, change: { name?: string; locale?: string }): Promise<User> {
  const [user] = await db.query<User>(
    `UPDATE users SET name = coalesce($2, name), locale = coalesce($3, locale) WHERE id = $1
     RETURNING id, name, email, role, locale, created_at AS "createdAt"`,
    [userId, change.name ?? null, change.locale ?? null],
  )
  if (!user) throw new AshevilleError('not-found', 'There is no such person')
  return user
}

/** The person whose address this is, verified or not. */
export async function findByEmail(db: Database, email: string): Promise<{ userId: string; name: string; locale: string } | null> {
  const [row] = await asService(() =>
    db.query<{ userId: string; name: string; locale: string }>('SELECT id AS "userId", name, locale FROM users WHERE email = $1', [email]),
  )
  return row ?? null
}

/** Who may be let in by a mail to this address: who signs in by it, or has shown that it is theirs. */
export async function findByMailbox(db: Database, email: string): Promise<{ userId: string; name: string; locale: string } | null> {
  const [row] = await db.query<{ userId: string; name: string; locale: string }>(
    `SELECT id AS "userId", name, locale FROM users u WHERE email = $1 AND (email_verified_at IS NOT NULL
       OR EXISTS (SELECT FROM identities i WHERE i.user_id = u.id AND i.provider = 'local'))`,
    [email],
  )
  return row ?? null
}

/**
 * Makes it the person's address, for mail and where they have a password for signing in. Links that were sent to the old one
 * do nothing any more. `conflict` when it is another person's.
 */
export async function setEmail(tx: Database, userId: string, email: string, { isVerified }: { isVerified: boolean }): Promise<void> {
  try {
    await tx.query('UPDATE users SET email = $2, email_verified_at = CASE WHEN $3 THEN now() END WHERE id = $1', [
      userId,
      email,
      isVerified,
    ])
    await tx.query("UPDATE identities SET provider_user_id = $2 WHERE user_id = $1 AND provider = 'local'", [userId, email])
    await tx.query('DELETE FROM mail_tokens WHERE user_id = $1', [userId])
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    const message = 'This e-mail address belongs to another account'
    throw new AshevilleError('conflict', message, { cause: error, faults: [{ pointer: '/email', message }] })
  }
}

/** The person has shown that they read mail to this address; nothing when it is not theirs any more. */
export async function setVerified(tx: Database, userId: string, email: string): Promise<void> {
  await tx.query('UPDATE users SET email_verified_at = coalesce(email_verified_at, now()) WHERE id = $1 AND email = $2', [userId, email])
}

export async function findHash(db: Database, userId: string): Promise<string | null> {
  const [row] = await db.query<{ hash: string }>('SELECT hash FROM passwords WHERE user_id = $1', [userId])
  return row?.hash ?? null
}

/** A new password, by which and their e-mail address they sign in from now on. Links that set another do nothing any more. */
export async function setPassword(tx: Database, userId: string, hash: string): Promise<void> {
  await tx.query(
    `INSERT INTO passwords (user_id, hash) VALUES ($1, $2)
     ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, updated_at = now()`,
    [userId, hash],
  )
  await tx.query(
    `INSERT INTO identities (user_id, provider, provider_user_id) SELECT id, 'local', email FROM users u
     WHERE id = $1 AND email IS NOT NULL AND NOT EXISTS (SELECT FROM identities i WHERE i.user_id = u.id AND i.provider = 'local')`,
    [userId],
  )
  await tx.query("DELETE FROM mail_tokens WHERE user_id = $1 AND purpose = 'reset-password'", [userId])
}

/** The same password at another cost, unless it was changed meanwhile. */
export async function replaceHash(db: Database, userId: string, before: string, hash: string): Promise<void> {
  await db.query('UPDATE passwords SET hash = $3 WHERE user_id = $1 AND hash = $2', [userId, before, hash])
}

/** Whether the session is the person's and new; null when it is not theirs, or has ended. */
export async function isNewSession(db: Database, userId: string, sessionId: string): Promise<boolean | null> {
  const [row] = await db.query<{ isNew: boolean }>(
    `SELECT created_at > now() - interval '15 minutes' AS "isNew" FROM sessions
     WHERE user_id = $1 AND id = $2 AND least(idle_expires_at, expires_at) > now()`,
    [userId, sessionId],
  )
  return row?.isNew ?? null
}

export type LinkPurpose = 'verify-email' | 'reset-password'

/** `email`: where the link goes; null where the operator hands it over. */
export async function addLink(
  tx: Database,
  userId: string,
  link: { token: string; purpose: LinkPurpose; email: string | null; minutes: number },
): Promise<void> {
  // A link for another address is of no use once this one is asked for.
  await tx.query('DELETE FROM mail_tokens WHERE user_id = $1 AND purpose = $2 AND email IS DISTINCT FROM $3', [
    userId,
    link.purpose,
    link.email,
  ])
  await tx.query(
    `INSERT INTO mail_tokens (token_hash, user_id, purpose, email, expires_at) VALUES ($1, $2, $3, $4, now() + $5 * interval '1 minute')`,
    [hashToken(link.token), userId, link.purpose, link.email, link.minutes],
  )
}

/** Whose link this is, while it may be used. */
export async function findLink(db: Database, token: string, purpose: LinkPurpose): Promise<string | null> {
  const [row] = await db.query<{ userId: string }>(
    'SELECT user_id AS "userId" FROM mail_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > now()',
    [hashToken(token), purpose],
  )
  return row?.userId ?? null
}

/** Takes a link away, so that it serves once; null when there is none. */
export async function takeLink(
  tx: Database,
  token: string,
  purpose: LinkPurpose,
): Promise<{ userId: string; email: string | null } | null> {
  const [row] = await tx.query<{ userId: string; email: string | null }>(
    'DELETE FROM mail_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > now() RETURNING user_id AS "userId", email',
    [hashToken(token), purpose],
  )
  return row ?? null
}

/** Clears links whose time is over. */
export async function clearLinks(db: Database): Promise<void> {
  await db.query('DELETE FROM mail_tokens WHERE expires_at <= now()')
}
