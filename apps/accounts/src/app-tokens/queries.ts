import { randomUUID } from 'node:crypto'
import { AshevilleError, type Scope } from '@asheville/core'
import type { AppToken, CheckedToken } from '@asheville/clients'
import { isUniqueViolation, type Database } from '@asheville/database'

const columns = 'id, name, begins, scopes, created_at AS "createdAt", expires_at AS "expiresAt", last_used_at AS "lastUsedAt"'

export interface NewAppToken {
  tokenHash: Uint8Array
  name: string
  begins: string
  scopes: readonly Scope[]
  days: number | null
}

export function listAppTokens(db: Database, userId: string): Promise<AppToken[]> {
  return db.query<AppToken>(`SELECT ${columns} FROM app_tokens WHERE user_id = $1 ORDER BY created_at DESC, id`, [userId])
}

/** A name that another token of the person has is a `conflict`. */
export async function addAppToken(db: Database, userId: string, added: NewAppToken): Promise<AppToken> {
  const { tokenHash, name, begins, scopes, days } = added
  try {
    const [token] = await db.query<AppToken>(
      `INSERT INTO app_tokens (user_id, id, token_hash, name, begins, scopes, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, now() + $7::int * interval '1 day') RETURNING ${columns}`,
      [userId, randomUUID(), tokenHash, name, begins, scopes, days],
    )
    return token!
  } catch (error) {
    if (!isUniqueViolation(error, 'app_tokens_name')) throw error
    const message = 'You have a token of this name already. Take that one back first, or choose another name'
    throw new AshevilleError('conflict', message, { cause: error, faults: [{ pointer: '/name', message }] })
  }
}

/** What a good token is for; null when it is none. That it was used is written down once a minute at most. */
export async function useAppToken(db: Database, tokenHash: Uint8Array): Promise<CheckedToken | null> {
  const [row] = await db.query<CheckedToken & { isNoted: boolean }>(
    `SELECT id, user_id AS "userId", name, scopes, expires_at AS "expiresAt", coalesce(last_used_at > now() - interval '1 minute', false) AS "isNoted"
     FROM app_tokens WHERE token_hash = $1 AND (expires_at IS NULL OR expires_at > now())`,
    [tokenHash],
  )
  if (!row) return null
  const { isNoted, ...token } = row
  if (!isNoted) await db.query('UPDATE app_tokens SET last_used_at = now() WHERE user_id = $1 AND id = $2', [token.userId, token.id])
  return token
}

/** Answers the hash of what was taken away; null when the person has no such token. */
export async function removeAppToken(db: Database, userId: string, tokenId: string): Promise<Uint8Array | null> {
  const [row] = await db.query<{ tokenHash: Uint8Array }>(
    'DELETE FROM app_tokens WHERE user_id = $1 AND id = $2 RETURNING token_hash AS "tokenHash"',
    [userId, tokenId],
  )
  return row?.tokenHash ?? null
}

/** All of a person's. */
export async function removeAppTokens(db: Database, userId: string): Promise<Uint8Array[]> {
  const rows = await db.query<{ tokenHash: Uint8Array }>('DELETE FROM app_tokens WHERE user_id = $1 RETURNING token_hash AS "tokenHash"', [
    userId,
  ])
  return rows.map(({ tokenHash }) => tokenHash)
}
