import type { Fields, OAuthEndpoints } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { Sealing } from '../sealing.ts'
import { hashToken } from '../tokens.ts'

/** A person sent to an authorisation server, and what is needed when they come back. */
export interface OAuthTransaction {
  sessionId: string
  provider: string
  server: string | null
  fields: Fields
  endpoints: OAuthEndpoints
  registrationId: string | null
  redirectUri: string
  /** PKCE's; null where the server does not know it. */
  verifier: string | null
  reconnects: string | null
}

/** Several tabs and networks at once are fine; a loop of a thousand is not. The oldest give way. */
const maxPending = 20

const bindingOf = (userId: string, provider: string, sessionId: string) => ['oauth-transaction', userId, provider, sessionId]

/** Remembers it for ten minutes under the hash of its state. */
export async function addTransaction(
  tx: Database,
  userId: string,
  state: string,
  transaction: OAuthTransaction,
  sealing: Sealing,
): Promise<void> {
  const { provider, sessionId, verifier } = transaction
  const { keyId, sealed } = sealing.seal(verifier ?? '', bindingOf(userId, provider, sessionId))
  await tx.query(
    `DELETE FROM oauth_transactions WHERE user_id = $1 AND (expires_at <= now() OR state_hash IN (
       SELECT state_hash FROM oauth_transactions WHERE user_id = $1 ORDER BY created_at DESC OFFSET $2))`,
    [userId, maxPending - 1],
  )
  await tx.query(
    `INSERT INTO oauth_transactions (state_hash, user_id, session_id, provider, server, fields, endpoints, registration_id,
       redirect_uri, sealed_verifier, key_id, reconnects, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + interval '10 minutes')`,
    [
      hashToken(state),
      userId,
      sessionId,
      provider,
      transaction.server,
      JSON.stringify(transaction.fields),
      JSON.stringify(transaction.endpoints),
      transaction.registrationId,
      transaction.redirectUri,
      verifier === null ? null : sealed,
      keyId,
      transaction.reconnects,
    ],
  )
}

interface Row extends Omit<OAuthTransaction, 'verifier'> {
  sealedVerifier: Uint8Array | null
  keyId: string
}

/**
 * Takes the transaction away, so that it serves once. Null when there is none of that state that is this person's, this session's
 * and this provider's and still within its time; another person's attempt leaves it to whom it belongs.
 */
export async function takeTransaction(
  db: Database,
  userId: string,
  { state, sessionId, provider }: { state: string; sessionId: string; provider: string },
  sealing: Sealing,
): Promise<OAuthTransaction | null> {
  const [row] = await db.query<Row>(
    `DELETE FROM oauth_transactions t USING sessions s
     WHERE t.state_hash = $1 AND t.user_id = $2 AND t.session_id = $3 AND t.provider = $4 AND t.expires_at > now()
       AND s.id = t.session_id AND s.user_id = t.user_id AND least(s.idle_expires_at, s.expires_at) > now()
     RETURNING t.session_id AS "sessionId", t.provider, t.server, t.fields, t.endpoints, t.registration_id AS "registrationId",
       t.redirect_uri AS "redirectUri", t.sealed_verifier AS "sealedVerifier", t.key_id AS "keyId", t.reconnects`,
    [hashToken(state), userId, sessionId, provider],
  )
  if (!row) return null
  const { sealedVerifier, keyId, ...transaction } = row
  const verifier = sealedVerifier && sealing.open({ keyId, sealed: sealedVerifier }, bindingOf(userId, provider, sessionId))
  return { ...transaction, verifier }
}

/** Clears those whose time is over. */
export async function clearTransactions(db: Database): Promise<void> {
  await db.query('DELETE FROM oauth_transactions WHERE expires_at <= now()')
}
