import type { Fields, OAuthEndpoints } from '@asheville/core'
import type { OAuthPurpose } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Sealing } from '../sealing.ts'
import { hashToken } from '../tokens.ts'

/** Who was sent away: a session of a person, or a browser that is signed in as nobody, by its visitor cookie. */
export type Sent = { userId: string; sessionId: string } | { visitor: string }

/** A browser sent to an authorisation server, and what is needed when it comes back. */
export interface OAuthTransaction {
  purpose: OAuthPurpose
  provider: string
  server: string | null
  fields: Fields
  /** null: of a person's own server, which is asked for their answer; `verifier` is what with, `redirectUri` where they were sent. */
  endpoints: OAuthEndpoints | null
  registrationId: string | null
  redirectUri: string
  /** PKCE's; null where the server does not know it. */
  verifier: string | null
  reconnects: string | null
  storageId: string | null
  returnTo: string | null
}

/** Several tabs and networks at once are fine; a loop of a thousand is not. The oldest give way. */
const maxPending = 20

function ownerOf(sent: Sent) {
  if ('visitor' in sent) return { userId: null, sessionId: null, visitorHash: hashToken(sent.visitor) }
  return { ...sent, visitorHash: null }
}

/** What the verifier of a transaction is bound to when it is sealed. */
export function transactionBinding(
  { userId, sessionId, visitorHash }: { userId: string | null; sessionId: string | null; visitorHash: Uint8Array | null },
  { purpose, provider }: Pick<OAuthTransaction, 'purpose' | 'provider'>,
): string[] {
  const owner = visitorHash ? ['visitor', Buffer.from(visitorHash).toString('hex')] : [userId ?? '', sessionId ?? '']
  return ['oauth-transaction', purpose, provider, ...owner]
}

/** Remembers it for ten minutes under the hash of its state. */
export async function addTransaction(
  tx: Database,
  sent: Sent,
  state: string,
  transaction: OAuthTransaction,
  sealing: Sealing,
): Promise<void> {
  const { purpose, provider, verifier } = transaction
  const { userId, sessionId, visitorHash } = ownerOf(sent)
  const { keyId, sealed } = sealing.seal(verifier ?? '', transactionBinding(ownerOf(sent), transaction))
  await tx.query(
    `DELETE FROM oauth_transactions WHERE (user_id = $1 OR visitor_hash = $2) AND (expires_at <= now() OR state_hash IN (
       SELECT state_hash FROM oauth_transactions WHERE user_id = $1 OR visitor_hash = $2 ORDER BY created_at DESC OFFSET $3))`,
    [userId, visitorHash, maxPending - 1],
  )
  await tx.query(
    `INSERT INTO oauth_transactions (state_hash, user_id, session_id, visitor_hash, purpose, provider, server, fields, endpoints,
       registration_id, redirect_uri, sealed_verifier, key_id, reconnects, storage_id, return_to, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, now() + interval '10 minutes')`,
    [
      hashToken(state),
      userId,
      sessionId,
      visitorHash,
      purpose,
      provider,
      transaction.server,
      JSON.stringify(transaction.fields),
      JSON.stringify(transaction.endpoints),
      transaction.registrationId,
      transaction.redirectUri,
      verifier === null ? null : sealed,
      keyId,
      transaction.reconnects,
      transaction.storageId,
      transaction.returnTo,
    ],
  )
}

interface Row extends Omit<OAuthTransaction, 'verifier'> {
  sealedVerifier: Uint8Array | null
  keyId: string
}

/**
 * Takes the transaction away, so that it serves once. Null when there is none of that state that was begun by this session of
 * this person, or by this visitor, for this purpose and provider, and is still within its time; another's attempt leaves it to
 * whom it belongs.
 */
export async function takeTransaction(db: Database, sent: Sent, asked: AskedFor, sealing: Sealing): Promise<OAuthTransaction | null> {
  return transactionBy(db, 'DELETE', sent, asked, sealing)
}

/** The same, which stays for the next time. */
export async function findTransaction(db: Database, sent: Sent, asked: AskedFor, sealing: Sealing): Promise<OAuthTransaction | null> {
  return transactionBy(db, 'SELECT', sent, asked, sealing)
}

interface AskedFor {
  state: string
  purpose: OAuthPurpose
  provider: string
}

async function transactionBy(
  db: Database,
  act: 'SELECT' | 'DELETE',
  sent: Sent,
  { state, purpose, provider }: AskedFor,
  sealing: Sealing,
): Promise<OAuthTransaction | null> {
  const { userId, sessionId, visitorHash } = ownerOf(sent)
  const columns = `t.purpose, t.provider, t.server, t.fields, t.endpoints, t.registration_id AS "registrationId",
    t.redirect_uri AS "redirectUri", t.sealed_verifier AS "sealedVerifier", t.key_id AS "keyId", t.reconnects,
    t.storage_id AS "storageId", t.return_to AS "returnTo"`
  const [row] = await db.query<Row>(
    `${act} ${act === 'SELECT' ? columns : ''} FROM oauth_transactions t
     WHERE t.state_hash = $1 AND t.purpose = $2 AND t.provider = $3 AND t.expires_at > now()
       AND (t.visitor_hash = $6 OR (t.user_id = $4 AND t.session_id = $5 AND EXISTS (
         SELECT FROM sessions s WHERE s.id = t.session_id AND s.user_id = t.user_id AND least(s.idle_expires_at, s.expires_at) > now())))
     ${act === 'DELETE' ? `RETURNING ${columns}` : ''}`,
    [hashToken(state), purpose, provider, userId, sessionId, visitorHash],
  )
  if (!row) return null
  const { sealedVerifier, keyId, ...transaction } = row
  const verifier = sealedVerifier && sealing.open({ keyId, sealed: sealedVerifier }, transactionBinding(ownerOf(sent), transaction))
  return { ...transaction, verifier }
}

/** Clears those whose time is over. */
export async function clearTransactions(db: Database): Promise<void> {
  await db.query('DELETE FROM oauth_transactions WHERE expires_at <= now()')
}
