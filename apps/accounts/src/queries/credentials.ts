import type { Tokens } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { Sealing } from '../sealing.ts'

export type CredentialField = 'access_token' | 'refresh_token'

/** Tokens as stored, opened. `version` tells one replacement from the next. */
export interface StoredTokens extends Tokens {
  version: number
  updatedAt: string
  /** Who asks the provider for new ones, or did so when it died. */
  refreshing: string | null
  /** When they are to be renewed although they are still good; null: only when they are over. */
  renewAt: string | null
}

interface Row {
  field: CredentialField
  sealed: Uint8Array
  keyId: string
  expiresAt: string | null
  version: number
  updatedAt: string
  refreshing: string | null
  renewAt: string | null
}

/** What a credential is bound to when it is sealed. */
export function credentialBinding(userId: string, provider: string, connectionId: string, field: CredentialField): string[] {
  return ['credential', userId, provider, connectionId, field]
}

export interface Owned {
  id: string
  provider: string
}

/** The connection's tokens; null where it has none. */
export async function findTokens(db: Database, userId: string, { id, provider }: Owned, sealing: Sealing): Promise<StoredTokens | null> {
  const rows = await db.query<Row>(
    `SELECT field, sealed, key_id AS "keyId", expires_at AS "expiresAt", version, updated_at AS "updatedAt", refreshing,
       renew_at AS "renewAt" FROM credentials
     WHERE user_id = $1 AND connection_id = $2`,
    [userId, id],
  )
  const open = ({ keyId, sealed, field }: Row) => sealing.open({ keyId, sealed }, credentialBinding(userId, provider, id, field))
  const access = rows.find(({ field }) => field === 'access_token')
  if (!access) return null
  const refresh = rows.find(({ field }) => field === 'refresh_token')
  const { expiresAt, version, updatedAt, refreshing, renewAt } = access
  return { accessToken: open(access), refreshToken: refresh ? open(refresh) : null, expiresAt, version, updatedAt, refreshing, renewAt }
}

export type AccessToken = Pick<StoredTokens, 'accessToken' | 'expiresAt' | 'updatedAt'>

/**
 * The access tokens of these connections, each of that person; refresh tokens stay sealed. None of who closes their account. One that cannot be opened is left out: whoever
 * asks for it alone is told why.
 */
export async function findAccessTokens(
  db: Database,
  wanted: readonly (Owned & { userId: string })[],
  sealing: Sealing,
): Promise<Map<string, AccessToken>> {
  const rows = await db.query<Row & { id: string }>(
    `SELECT c.connection_id AS id, c.sealed, c.key_id AS "keyId", c.expires_at AS "expiresAt", c.updated_at AS "updatedAt"
     FROM unnest($1::uuid[], $2::uuid[]) AS w (user_id, connection_id)
     JOIN credentials c ON c.user_id = w.user_id AND c.connection_id = w.connection_id AND c.field = 'access_token'
     JOIN users u ON u.id = w.user_id AND u.closing_at IS NULL`,
    [wanted.map(({ userId }) => userId), wanted.map(({ id }) => id)],
  )
  const rowOf = new Map(rows.map((row) => [row.id, row]))
  const tokens = new Map<string, AccessToken>()
  for (const { userId, provider, id } of wanted) {
    const row = rowOf.get(id)
    if (!row) continue
    try {
      const accessToken = sealing.open(row, credentialBinding(userId, provider, id, 'access_token'))
      tokens.set(id, { accessToken, expiresAt: row.expiresAt, updatedAt: row.updatedAt })
    } catch {
      continue
    }
  }
  return tokens
}

/**
 * As `findTokens`, with the access token's row, which stands for all of them, locked until the transaction ends. 'locked' when somebody
 * else has it: nobody waits inside Postgres, where a slow provider would meet the deadlines of statements.
 */
export async function lockTokens(
  tx: Database,
  userId: string,
  connection: Owned,
  sealing: Sealing,
): Promise<StoredTokens | null | 'locked'> {
  const locked = await tx.query(
    "SELECT FROM credentials WHERE user_id = $1 AND connection_id = $2 AND field = 'access_token' FOR UPDATE SKIP LOCKED",
    [userId, connection.id],
  )
  const tokens = await findTokens(tx, userId, connection, sealing)
  return tokens && locked.length === 0 ? 'locked' : tokens
}

/** Notes who asks the provider for new tokens; null: nobody does. */
export async function markRefreshing(db: Database, userId: string, connectionId: string, by: string | null): Promise<void> {
  await db.query("UPDATE credentials SET refreshing = $3 WHERE user_id = $1 AND connection_id = $2 AND field = 'access_token'", [
    userId,
    connectionId,
    by,
  ])
}

/** Locks the access token's row, if it is still that version and marked so. */
export async function lockMarked(
  tx: Database,
  userId: string,
  connectionId: string,
  { version, by }: { version: number; by: string },
): Promise<boolean> {
  const rows = await tx.query(
    `SELECT FROM credentials WHERE user_id = $1 AND connection_id = $2 AND field = 'access_token' AND version = $3 AND refreshing = $4
     FOR UPDATE`,
    [userId, connectionId, version, by],
  )
  return rows.length > 0
}

/** Replaces the connection's tokens, in one statement; null removes them. */
export async function putTokens(
  tx: Database,
  userId: string,
  { id, provider }: Owned,
  tokens: Tokens | null,
  sealing: Sealing,
): Promise<void> {
  if (!tokens) return removeTokens(tx, userId, id)
  const { accessToken, refreshToken, expiresAt } = tokens
  const fields: { field: CredentialField; token: string }[] = [{ field: 'access_token', token: accessToken }]
  if (refreshToken !== null) fields.push({ field: 'refresh_token', token: refreshToken })
  const sealed = fields.map(({ field, token }) => sealing.seal(token, credentialBinding(userId, provider, id, field)))
  await tx.query(
    `WITH gone AS (DELETE FROM credentials WHERE user_id = $1 AND connection_id = $2 AND NOT field = ANY ($3))
     INSERT INTO credentials AS c (connection_id, user_id, field, sealed, key_id, expires_at, renew_at)
     SELECT $2, $1, n.field, n.sealed, n.key_id, CASE n.field WHEN 'access_token' THEN $6::timestamptz END,
       CASE WHEN NOT 'refresh_token' = ANY ($3) THEN now() + ($6::timestamptz - now()) / 2 END
     FROM unnest($3::text[], $4::bytea[], $5::text[]) AS n (field, sealed, key_id)
     ON CONFLICT (connection_id, field) DO UPDATE
     SET sealed = excluded.sealed, key_id = excluded.key_id, expires_at = excluded.expires_at, renew_at = excluded.renew_at,
       version = c.version + 1, updated_at = clock_timestamp(), refreshing = NULL
     WHERE c.user_id = $1`,
    [userId, id, fields.map(({ field }) => field), sealed.map((each) => each.sealed), sealed.map(({ keyId }) => keyId), expiresAt],
  )
}

/** Connections made with the operator's app at these providers whose access is to be renewed although it is good, most overdue first. */
export async function listToRenew(
  db: Database,
  providers: readonly string[],
  limit: number,
): Promise<{ userId: string; connectionId: string; provider: string }[]> {
  return db.query(
    `SELECT c.user_id AS "userId", c.connection_id AS "connectionId", n.provider
     FROM credentials c JOIN connections n ON n.id = c.connection_id JOIN users u ON u.id = c.user_id
     WHERE c.renew_at <= now() AND n.provider = ANY ($1) AND n.endpoints IS NOT NULL AND n.registration_id IS NULL
       AND n.removed_at IS NULL AND n.state <> 'reconnect' AND u.closing_at IS NULL
     ORDER BY c.renew_at LIMIT $2`,
    [providers, limit],
  )
}

/** It could not be renewed, and is good for a long time yet. */
export async function renewLater(db: Database, userId: string, connectionId: string, ms: number): Promise<void> {
  await db.query(
    `UPDATE credentials SET renew_at = now() + $3 * interval '1 millisecond'
     WHERE user_id = $1 AND connection_id = $2 AND field = 'access_token' AND renew_at <= now()`,
    [userId, connectionId, ms],
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
