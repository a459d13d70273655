import { randomUUID } from 'node:crypto'
import type { Account, Fields, OAuthEndpoints, Tokens } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { Sealing } from '../sealing.ts'
import type { NewLink } from './save-connection.ts'

export interface ParkedAccount {
  id: string
  userId: string
  link: NewLink
}

interface Row {
  id: string
  userId: string
  provider: string
  server: string | null
  fields: Fields
  account: Account
  registrationId: string | null
  endpoints: OAuthEndpoints | null
  storageId: string | null
  sealed: Uint8Array | null
  keyId: string
}

const columns = `id, user_id AS "userId", provider, server, fields, account, registration_id AS "registrationId", endpoints,
  storage_id AS "storageId", sealed, key_id AS "keyId"`

/** What the tokens of a parked account are bound to when they are sealed. */
export const parkedBinding = (userId: string, provider: string, id: string) => ['parked-account', userId, provider, id]

function open({ id, userId, sealed, keyId, ...rest }: Row, sealing: Sealing): ParkedAccount {
  const tokens = sealed && (JSON.parse(sealing.open({ keyId, sealed }, parkedBinding(userId, rest.provider, id))) as Tokens)
  return { id, userId, link: { ...rest, tokens, reconnects: null } }
}

/** Keeps a verified account for ten minutes, for that session alone. */
export async function park(tx: Database, userId: string, sessionId: string, link: NewLink, sealing: Sealing): Promise<void> {
  const id = randomUUID()
  const { tokens, provider } = link
  const { sealed, keyId } = sealing.seal(JSON.stringify(tokens), parkedBinding(userId, provider, id))
  // An older offer ends with a newer one; what gives its tokens back finds it by its time.
  await tx.query('UPDATE parked_accounts SET expires_at = now() WHERE user_id = $1 AND session_id = $2 AND provider = $3', [
    userId,
    sessionId,
    provider,
  ])
  await tx.query(
    `INSERT INTO parked_accounts (id, user_id, session_id, provider, server, fields, account, registration_id, endpoints, storage_id,
       sealed, key_id, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + interval '10 minutes')`,
    [
      id,
      userId,
      sessionId,
      provider,
      link.server,
      JSON.stringify(link.fields),
      JSON.stringify(link.account),
      link.registrationId,
      link.endpoints && JSON.stringify(link.endpoints),
      link.storageId,
      tokens && sealed,
      keyId,
    ],
  )
}

/** What is offered to that session of the person; null when nothing is, or no more. */
export async function findParked(
  db: Database,
  userId: string,
  { sessionId, provider }: { sessionId: string; provider: string },
): Promise<{ id: string; account: Account } | null> {
  const [row] = await db.query<{ id: string; account: Account }>(
    `SELECT id, account FROM parked_accounts WHERE user_id = $1 AND session_id = $2 AND provider = $3 AND expires_at > now()
     ORDER BY created_at DESC LIMIT 1`,
    [userId, sessionId, provider],
  )
  return row ?? null
}

/** Takes it away, so that it serves once. Null when it is not that session's, or its time is over. */
export async function takeParked(
  tx: Database,
  userId: string,
  { parkedId, sessionId }: { parkedId: string; sessionId: string },
  sealing: Sealing,
): Promise<ParkedAccount | null> {
  const [row] = await tx.query<Row>(
    `DELETE FROM parked_accounts p WHERE p.user_id = $1 AND p.id = $2 AND p.session_id = $3 AND p.expires_at > now()
       AND EXISTS (SELECT FROM sessions s WHERE s.id = p.session_id AND s.user_id = p.user_id AND least(s.idle_expires_at, s.expires_at) > now())
     RETURNING ${columns}`,
    [userId, parkedId, sessionId],
  )
  return row ? open(row, sealing) : null
}

/** Those that nobody took in time; each to be opened on its own. */
export async function listExpiredParked(
  db: Database,
  limit: number,
  sealing: Sealing,
): Promise<{ id: string; userId: string; open(): ParkedAccount }[]> {
  const rows = await db.query<Row>(`SELECT ${columns} FROM parked_accounts WHERE expires_at <= now() ORDER BY expires_at LIMIT $1`, [limit])
  return rows.map((row) => ({ id: row.id, userId: row.userId, open: () => open(row, sealing) }))
}

export async function removeParked(db: Database, userId: string, id: string): Promise<void> {
  await db.query('DELETE FROM parked_accounts WHERE user_id = $1 AND id = $2', [userId, id])
}

/** One of the person's, whatever session it is for and however old, locked until the transaction ends. */
export async function findParkedOf(tx: Database, userId: string, id: string, sealing: Sealing): Promise<ParkedAccount | null> {
  const [row] = await tx.query<Row>(`SELECT ${columns} FROM parked_accounts WHERE user_id = $1 AND id = $2 FOR UPDATE`, [userId, id])
  return row ? open(row, sealing) : null
}
