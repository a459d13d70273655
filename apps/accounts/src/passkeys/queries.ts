import { randomUUID } from 'node:crypto'
import type { Passkey } from '@asheville/clients'
import { AshevilleError } from '@asheville/core'
import { isUniqueViolation, type Database } from '@asheville/database'

const columns = `id, name, device_type = 'multi-device' AS "isShared", created_at AS "createdAt", last_used_at AS "lastUsedAt"`

/** A passkey as an authenticator made it. */
export interface NewPasskey {
  credentialId: Uint8Array
  /** COSE. */
  publicKey: Uint8Array
  counter: number
  transports: string[]
  deviceType: 'single-device' | 'multi-device'
  isBackedUp: boolean
}

/** What a signature is checked by. */
export interface StoredPasskey {
  id: string
  userId: string
  publicKey: Uint8Array
}

export function listPasskeys(db: Database, userId: string): Promise<Passkey[]> {
  return db.query<Passkey>(`SELECT ${columns} FROM passkeys WHERE user_id = $1 ORDER BY created_at, id`, [userId])
}

/** The authenticators that have one already need not make another. */
export function listCredentials(db: Database, userId: string): Promise<{ credentialId: Uint8Array; transports: string[] }[]> {
  return db.query('SELECT credential_id AS "credentialId", transports FROM passkeys WHERE user_id = $1 ORDER BY created_at, id', [userId])
}

/** Keeps it. A credential that is known, whoever's it is, is a `conflict`. */
export async function addPasskey(db: Database, userId: string, name: string, made: NewPasskey): Promise<Passkey> {
  const { credentialId, publicKey, counter, transports, deviceType, isBackedUp } = made
  try {
    const [passkey] = await db.query<Passkey>(
      `INSERT INTO passkeys (user_id, id, credential_id, public_key, counter, transports, device_type, is_backed_up, name)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING ${columns}`,
      [userId, randomUUID(), credentialId, publicKey, counter, transports, deviceType, isBackedUp, name],
    )
    return passkey!
  } catch (error) {
    if (isUniqueViolation(error, 'passkeys_credential')) {
      throw new AshevilleError('conflict', 'This passkey is kept here already', { cause: error })
    }
    throw error
  }
}

/** Whose passkey it is that signs in, as its authenticator names it. */
export async function findPasskey(db: Database, credentialId: Uint8Array): Promise<StoredPasskey | null> {
  const [row] = await db.query<StoredPasskey>(
    'SELECT id, user_id AS "userId", public_key AS "publicKey" FROM passkeys WHERE credential_id = $1',
    [credentialId],
  )
  return row ?? null
}

/**
 * Notes that it was used. False when its counter of signatures has not grown: somebody has a copy, or made two uses of one
 * signature. An authenticator that does not count says 0 each time (WebAuthn §6.1.1).
 */
export async function usePasskey(
  db: Database,
  userId: string,
  passkeyId: string,
  { counter, isBackedUp }: { counter: number; isBackedUp: boolean },
): Promise<boolean> {
  const rows = await db.query(
    `UPDATE passkeys SET counter = $3, is_backed_up = $4, last_used_at = now()
     WHERE user_id = $1 AND id = $2 AND (counter < $3 OR (counter = 0 AND $3 = 0)) RETURNING 1`,
    [userId, passkeyId, counter, isBackedUp],
  )
  return rows.length > 0
}

/** Gives it another name; `not-found` when the person has no such passkey. */
export async function renamePasskey(db: Database, userId: string, passkeyId: string, name: string): Promise<Passkey> {
  const [passkey] = await db.query<Passkey>(`UPDATE passkeys SET name = $3 WHERE user_id = $1 AND id = $2 RETURNING ${columns}`, [
    userId,
    passkeyId,
    name,
  ])
  if (!passkey) throw noSuchPasskey()
  return passkey
}

/** Takes it away; `not-found` when the person has no such passkey. */
export async function removePasskey(db: Database, userId: string, passkeyId: string): Promise<void> {
  const rows = await db.query('DELETE FROM passkeys WHERE user_id = $1 AND id = $2 RETURNING 1', [userId, passkeyId])
  if (rows.length === 0) throw noSuchPasskey()
}

function noSuchPasskey(): AshevilleError {
  return new AshevilleError('not-found', 'There is no such passkey')
}
