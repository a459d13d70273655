import type { Database } from '@asheville/database'
import { hashToken } from '../tokens.ts'

/** How long an answer may take: people look for keys, and unlock telephones. */
export const answerMs = 5 * 60_000

/** Several tabs at once are fine; a loop of a thousand is not. The oldest give way. */
const maxPending = 20
const expiresAt = `now() + interval '${answerMs} milliseconds'`

/** Remembers what an authenticator was asked to sign to become a passkey of that person's, in that session. */
export async function addOwnChallenge(db: Database, userId: string, sessionId: string, challenge: string): Promise<void> {
  await db.query(
    `DELETE FROM passkey_challenges WHERE user_id = $1 AND challenge_hash IN (
       SELECT challenge_hash FROM passkey_challenges WHERE user_id = $1 ORDER BY created_at DESC OFFSET $2)`,
    [userId, maxPending - 1],
  )
  await db.query(`INSERT INTO passkey_challenges (challenge_hash, user_id, session_id, expires_at) VALUES ($1, $2, $3, ${expiresAt})`, [
    hashToken(challenge),
    userId,
    sessionId,
  ])
}

/** Takes it away, so that it serves once. False when this session, still open, was not asked for it within the time. */
export async function takeOwnChallenge(db: Database, userId: string, sessionId: string, challenge: string): Promise<boolean> {
  const rows = await db.query(
    `DELETE FROM passkey_challenges c USING sessions s
     WHERE c.challenge_hash = $1 AND c.user_id = $2 AND c.session_id = $3 AND c.expires_at > now()
       AND s.id = c.session_id AND s.user_id = c.user_id AND least(s.idle_expires_at, s.expires_at) > now()
     RETURNING 1`,
    [hashToken(challenge), userId, sessionId],
  )
  return rows.length > 0
}

/** Remembers what a visitor's authenticator was asked to sign to sign in. */
export async function addVisitorChallenge(db: Database, visitor: string, challenge: string): Promise<void> {
  const visitorHash = hashToken(visitor)
  await db.query(
    `DELETE FROM passkey_challenges WHERE visitor_hash = $1 AND challenge_hash IN (
       SELECT challenge_hash FROM passkey_challenges WHERE visitor_hash = $1 ORDER BY created_at DESC OFFSET $2)`,
    [visitorHash, maxPending - 1],
  )
  await db.query(`INSERT INTO passkey_challenges (challenge_hash, visitor_hash, expires_at) VALUES ($1, $2, ${expiresAt})`, [
    hashToken(challenge),
    visitorHash,
  ])
}

/** As `takeOwnChallenge`, of a visitor. */
export async function takeVisitorChallenge(db: Database, visitor: string, challenge: string): Promise<boolean> {
  const rows = await db.query(
    'DELETE FROM passkey_challenges WHERE challenge_hash = $1 AND visitor_hash = $2 AND expires_at > now() RETURNING 1',
    [hashToken(challenge), hashToken(visitor)],
  )
  return rows.length > 0
}

/** Clears those whose time is over. */
export async function clearChallenges(db: Database): Promise<void> {
  await db.query('DELETE FROM passkey_challenges WHERE expires_at <= now()')
}
