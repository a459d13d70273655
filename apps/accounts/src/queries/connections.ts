import { AshevilleError, type Account, type AccountNames, type ContentType, type Fields, type OAuthEndpoints } from '@asheville/core'
import type { Connection } from '@asheville/clients'
import { asService, type Database } from '@asheville/database'

/** A connection with what only accounts needs to know of it. */
export interface StoredConnection {
  connection: Connection
  registrationId: string | null
  endpoints: OAuthEndpoints | null
  isRemoved: boolean
}

interface Row extends Omit<Connection, 'settings'> {
  contentTypes: ContentType[] | null
  rangeFrom: string | null
  rangeTo: string | null
  readsPerMonth: number | null
  syncEveryMinutes: number | null
  copies: Connection['settings']['copies']
  registrationId: string | null
  endpoints: OAuthEndpoints | null
  isRemoved: boolean
}

const columns = `id, user_id AS "userId", kind, provider, account_id AS "accountId", handle, title, url, server, fields,
  content_types AS "contentTypes", range_from AS "rangeFrom", range_to AS "rangeTo", reads_per_month AS "readsPerMonth",
  sync_every_minutes AS "syncEveryMinutes", copies, declined, clearing, storage_id AS "storageId", state,
  state_reason AS "stateReason", created_at AS "createdAt", registration_id AS "registrationId", endpoints,
  removed_at IS NOT NULL AS "isRemoved"`

function storedOf({
  contentTypes,
  rangeFrom,
  rangeTo,
  readsPerMonth,
  syncEveryMinutes,
  copies,
  registrationId,
  endpoints,
  isRemoved,
  ...rest
}: Row): StoredConnection {
  const connection = {
    ...rest,
    settings: { contentTypes, range: { from: rangeFrom, to: rangeTo }, readsPerMonth, syncEveryMinutes, copies },
  }
  if (isRemoved) connection.state = 'revoked'
  return { connection, registrationId, endpoints, isRemoved }
}

/** Someone else's is answered like one that never was. */
export function noSuchConnection(): AshevilleError {
  return new AshevilleError('not-found', 'There is no such connection')
}

/** The person's connection, a removed one too; `not-found` when it is not theirs or never was. */
export async function getStoredConnection(db: Database, userId: string, connectionId: string): Promise<StoredConnection> {
  const [row] = await db.query<Row>(`SELECT ${columns} FROM connections WHERE user_id = $1 AND id = $2`, [userId, connectionId])
  if (!row) throw noSuchConnection()
  return storedOf(row)
}

/** These connections, each of that person, by their ids. */
export async function getConnections(
  db: Database,
  wanted: readonly { userId: string; connectionId: string }[],
): Promise<Map<string, Connection>> {
  const rows = await db.query<Row>(
    `SELECT ${columns} FROM connections WHERE (user_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))`,
    [wanted.map(({ userId }) => userId), wanted.map(({ connectionId }) => connectionId)],
  )
  return new Map(rows.map((row) => [row.id, storedOf(row).connection]))
}

/** As above, and `not-found` too when it was removed. */
export async function getConnection(db: Database, userId: string, connectionId: string): Promise<StoredConnection> {
  const stored = await getStoredConnection(db, userId, connectionId)
  if (stored.isRemoved) throw noSuchConnection()
  return stored
}

/** The person's connections of a kind (null: both), oldest first; `revoked`: those that were disconnected too. */
export async function listConnections(
  db: Database,
  userId: string,
  kind: Connection['kind'] | null,
  { revoked = false }: { revoked?: boolean } = {},
): Promise<Connection[]> {
  const rows = await db.query<Row>(
    `SELECT ${columns} FROM connections WHERE user_id = $1 AND (removed_at IS NULL OR $3) AND ($2::text IS NULL OR kind = $2)
     ORDER BY created_at, id`,
    [userId, kind, revoked],
  )
  return rows.map((row) => storedOf(row).connection)
}

/** The connection to that very account, a removed one too. */
export async function findByAccount(
  db: Database,
  userId: string,
  account: { provider: string; server: string | null; accountId: string },
): Promise<StoredConnection | null> {
  const [row] = await db.query<Row>(
    `SELECT ${columns} FROM connections
     WHERE user_id = $1 AND provider = $2 AND COALESCE(server, '') = COALESCE($3, '') AND account_id = $4`,
    [userId, account.provider, account.server, account.accountId],
  )
  return row ? storedOf(row) : null
}

/** Whether anybody has connected that account. */
export async function isConnected(db: Database, account: { provider: string; server: string | null; accountId: string }): Promise<boolean> {
  const rows = await asService(() =>
    db.query(
      `SELECT FROM connections WHERE provider = $1 AND COALESCE(server, '') = COALESCE($2, '') AND account_id = $3 AND removed_at IS NULL
       LIMIT 1`,
      [account.provider, account.server, account.accountId],
    ),
  )
  return rows.length > 0
}

export interface LinkedAccount {
  kind: Connection['kind']
  provider: string
  server: string | null
  account: Account
  fields: Fields
  storageId: string | null
  registrationId: string | null
  endpoints: OAuthEndpoints | null
  /** Why it is not to work yet; null: it works. */
  pausedFor: string | null
}

/** A new connection, or the one to the same account made new, with what was learnt now. */
export async function putConnection(tx: Database, userId: string, connectionId: string, linked: LinkedAccount): Promise<Connection> {
  const { account } = linked
  const [row] = await tx.query<Row>(
    `INSERT INTO connections AS c (id, user_id, kind, provider, account_id, handle, title, url, server, fields, storage_id,
       registration_id, endpoints, declined, state, state_reason)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
     ON CONFLICT (id) DO UPDATE SET handle = $6, title = $7, url = $8, fields = $10, storage_id = $11, registration_id = $12,
       endpoints = $13, declined = $14, state = $15, state_reason = $16, removed_at = NULL
     WHERE c.user_id = $2
     RETURNING ${columns}`,
    [
      connectionId,
      userId,
      linked.kind,
      linked.provider,
      account.id,
      account.handle,
      account.title,
      account.url,
      linked.server,
      JSON.stringify(linked.fields),
      linked.storageId,
      linked.registrationId,
      linked.endpoints && JSON.stringify(linked.endpoints),
      account.declined,
      linked.pausedFor === null ? 'active' : 'paused',
      linked.pausedFor,
    ],
  )
  if (!row) throw noSuchConnection()
  return storedOf(row).connection
}

export async function renameConnection(
  tx: Database,
  userId: string,
  connectionId: string,
  { handle, title, url }: AccountNames,
): Promise<void> {
  const text = 'UPDATE connections SET handle = $3, title = $4, url = $5 WHERE user_id = $1 AND id = $2'
  await tx.query(text, [userId, connectionId, handle, title, url])
}

export async function setConnectionState(
  tx: Database,
  userId: string,
  connectionId: string,
  state: Connection['state'],
  reason: string | null,
): Promise<void> {
  await tx.query('UPDATE connections SET state = $3, state_reason = $4 WHERE user_id = $1 AND id = $2', [
    userId,
    connectionId,
    state,
    reason,
  ])
}

export async function setConnectionSettings(
  tx: Database,
  userId: string,
  connectionId: string,
  { contentTypes, range, readsPerMonth, syncEveryMinutes, copies }: Connection['settings'],
): Promise<void> {
  await tx.query(
    `UPDATE connections SET content_types = $3, range_from = $4, range_to = $5, reads_per_month = $6, sync_every_minutes = $7, copies = $8
     WHERE user_id = $1 AND id = $2`,
    [userId, connectionId, contentTypes, range.from, range.to, readsPerMonth, syncEveryMinutes, copies],
  )
}

/** What of the connection is being removed from storages, and no longer is. */
export async function setClearing(db: Database, userId: string, connectionId: string, types: readonly ContentType[]): Promise<void> {
  await db.query('UPDATE connections SET clearing = $3 WHERE user_id = $1 AND id = $2', [userId, connectionId, types])
}

export async function markRemoved(tx: Database, userId: string, connectionId: string): Promise<void> {
  await tx.query('UPDATE connections SET removed_at = now() WHERE user_id = $1 AND id = $2', [userId, connectionId])
}

/** Names of the networks whose items go to that storage. */
export async function listWriters(db: Database, userId: string, storageId: string): Promise<{ provider: string; handle: string }[]> {
  return db.query(
    `SELECT provider, handle FROM connections WHERE user_id = $1 AND storage_id = $2 AND removed_at IS NULL ORDER BY created_at`,
    [userId, storageId],
  )
}

/** How many accounts people have connected of each network or storage, for the public pages. */
export async function countConnections(db: Database, kind: Connection['kind']): Promise<Record<string, number>> {
  const rows = await db.query<{ provider: string; count: number }>(
    'SELECT provider, count(*) FROM connections WHERE kind = $1 AND removed_at IS NULL GROUP BY provider ORDER BY provider',
    [kind],
  )
  return Object.fromEntries(rows.map(({ provider, count }) => [provider, count]))
}

export async function countPeople(db: Database): Promise<number> {
  const [row] = await db.query<{ count: number }>('SELECT count(*) FROM users')
  return row?.count ?? 0
}

/** Storages in use, of everybody, after that one. */
export function listEveryStorage(
  db: Database,
  after: string | null,
  limit: number,
): Promise<{ storageId: string; userId: string; provider: string }[]> {
  return db.query(
    `SELECT id AS "storageId", user_id AS "userId", provider FROM connections
     WHERE kind = 'storage' AND removed_at IS NULL AND ($1::text IS NULL OR id::text > $1) ORDER BY id::text LIMIT $2`,
    [after, limit],
  )
}
