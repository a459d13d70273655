import type { Tokens } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { Sealing } from '../sealing.ts'

export type CredentialField = 'access_token' | 'refresh_token'

/** Tokens as stored, opened. `version` tells one replacement from the next. */
export interface StoredTokens extends Tokens {
  version: number
  updatedAt: string
}

interface Row {
  field: CredentialField
  sealed: Uint8Array
  keyId: string
  expiresAt: string | null
  version: number
  updatedAt: string
}

/** What a credential is bound to when it is sealed. */
function bindingOf(userId: string, provider: string, connectionId: string, field: CredentialField): string[] {
  return ['credential', userId, provider, connectionId, field]
}

export interface Owned {
  id: string
  provider: string
}

/** The connection's tokens; null where it has none. */
export function findTokens(db: Database, userId: string, connection: Owned, sealing: Sealing): Promise<StoredTokens | null> {
  return readTokens(db, userId, connection, sealing, '')
}

/**
 * As above, with the rows locked until the transaction ends. 'locked' when somebody else has them: nobody waits inside
 * Postgres, where a slow provider would meet the deadlines of statements.
 */
export async function lockTokens(
  tx: Database,
  userId: string,
  connection: Owned,
  sealing: Sealing,
): Promise<StoredTokens | null | 'locked'> {
  const tokens = await readTokens(tx, userId, connection, sealing, 'FOR UPDATE SKIP LOCKED')
  if (tokens) return tokens
  const rows = await tx.query("SELECT FROM credentials WHERE user_id = $1 AND connection_id = $2 AND field = 'access_token'", [
    userId,
    connection.id,
  ])
  return rows.length > 0 ? 'locked' : null
}

async function readTokens(
  db: Database,
  userId: string,
  { id, provider }: Owned,
  sealing: Sealing,
  lock: '' | 'FOR UPDATE SKIP LOCKED',
): Promise<StoredTokens | null> {
  const rows = await db.query<Row>(
    `SELECT field, sealed, key_id AS "keyId", expires_at AS "expiresAt", version, updated_at AS "updatedAt" FROM credentials
     WHERE user_id = $1 AND connection_id = $2 ORDER BY field ${lock}`,
    [userId, id],
  )
  const open = (row: Row) => sealing.open({ keyId: row.keyId, sealed: row.sealed }, bindingOf(userId, provider, id, row.field))
  const access = rows.find(({ field }) => field === 'access_token')
  if (!access) return null
  const refresh = rows.find(({ field }) => field === 'refresh_token')
  const { expiresAt, version, updatedAt } = access
  return { accessToken: open(access), refreshToken: refresh ? open(refresh) : null, expiresAt, version, updatedAt }
}

/** Replaces the connection's tokens; null removes them. */
export async function putTokens(tx: Database, userId: string, connection: Owned, tokens: Tokens | null, sealing: Sealing): Promise<void> {
  if (!tokens) return removeTokens(tx, userId, connection.id)
  await putToken(tx, userId, connection, 'access_token', tokens.accessToken, tokens.expiresAt, sealing)
  if (tokens.refreshToken !== null) return putToken(tx, userId, connection, 'refresh_token', tokens.refreshToken, null, sealing)
  await tx.query("DELETE FROM credentials WHERE user_id = $1 AND connection_id = $2 AND field = 'refresh_token'", [userId, connection.id])
}

async function putToken(
  tx: Database,
  userId: string,
  { id, provider }: Owned,
  field: CredentialField,
  token: string,
  expiresAt: string | null,
  sealing: Sealing,
): Promise<void> {
  const { sealed, keyId } = sealing.seal(token, bindingOf(userId, provider, id, field))
  await tx.query(
    `INSERT INTO credentials AS c (connection_id, user_id, field, sealed, key_id, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (connection_id, field) DO UPDATE
     SET sealed = $4, key_id = $5, expires_at = $6, version = c.version + 1, updated_at = now() WHERE c.user_id = $2`,
    [id, userId, field, sealed, keyId, expiresAt],
  )
}

/** The tokens of a connection that was removed, unless it has been connected again since (`version` grew). */
export async function removeTokensOfRemoved(db: Database, userId: string, connectionId: string, version: number): Promise<void> {
  await db.query(
    `DELETE FROM credentials c WHERE c.user_id = $1 AND c.connection_id = $2
       AND EXISTS (SELECT FROM connections n WHERE n.id = c.connection_id AND n.removed_at IS NOT NULL)
       AND EXISTS (SELECT FROM credentials a WHERE a.connection_id = c.connection_id AND a.field = 'access_token' AND a.version = $3)`,
    [userId, connectionId, version],
  )
}

/** Removed connections whose tokens are still here: a process died, or the database was away, before they were deleted. */
export async function listLeftTokens(db: Database, limit: number): Promise<{ userId: string; connectionId: string }[]> {
  return db.query(
    `SELECT c.user_id AS "userId", c.connection_id AS "connectionId" FROM credentials c JOIN connections n ON n.id = c.connection_id
     WHERE c.field = 'access_token' AND n.removed_at < now() - interval '1 minute' ORDER BY n.removed_at LIMIT $1`,
    [limit],
  )
}

export async function removeTokens(tx: Database, userId: string, connectionId: string): Promise<void> {
  await tx.query('DELETE FROM credentials WHERE user_id = $1 AND connection_id = $2', [userId, connectionId])
}

/** Which replacement the access token is; null when there is none (any more). */
export async function findTokenVersion(db: Database, userId: string, connectionId: string): Promise<number | null> {
  const [row] = await db.query<{ version: number }>(
    "SELECT version FROM credentials WHERE user_id = $1 AND connection_id = $2 AND field = 'access_token'",
    [userId, connectionId],
  )
  return row?.version ?? null
}
