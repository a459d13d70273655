import { randomUUID } from 'node:crypto'
import type { OAuthClient } from '@asheville/core'
import type { Database } from '@asheville/database'
import type { Sealing } from '../sealing.ts'

/** Where we are registered as an application. */
export interface RegistrationPlace {
  provider: string
  /** The server's origin. */
  server: string
  redirectUri: string
}

export interface AppRegistration extends OAuthClient {
  id: string
}

interface Row {
  id: string
  provider: string
  server: string
  clientId: string
  sealedSecret: Uint8Array | null
  keyId: string
}

const columns = 'id, provider, server, client_id AS "clientId", sealed_secret AS "sealedSecret", key_id AS "keyId"'

/** What the secret of a registration is bound to when it is sealed. */
export function registrationBinding(provider: string, server: string, clientId: string): string[] {
  return ['app-registration', provider, server, clientId]
}

function open({ id, provider, server, clientId, sealedSecret, keyId }: Row, sealing: Sealing): AppRegistration {
  const clientSecret = sealedSecret && sealing.open({ keyId, sealed: sealedSecret }, registrationBinding(provider, server, clientId))
  return { id, clientId, clientSecret }
}

export async function findRegistration(db: Database, place: RegistrationPlace, sealing: Sealing): Promise<AppRegistration | null> {
  const [row] = await db.query<Row>(
    `SELECT ${columns} FROM app_registrations WHERE provider = $1 AND server = $2 AND redirect_uri = $3 AND retired_at IS NULL`,
    [place.provider, place.server, place.redirectUri],
  )
  return row ? open(row, sealing) : null
}

/** One that a connection was made with, retired or not. */
export async function getRegistration(db: Database, id: string, sealing: Sealing): Promise<AppRegistration | null> {
  const [row] = await db.query<Row>(`SELECT ${columns} FROM app_registrations WHERE id = $1`, [id])
  return row ? open(row, sealing) : null
}

/** Keeps a registration; when another was made at the same moment, that one is the one. */
export async function addRegistration(
  db: Database,
  place: RegistrationPlace,
  client: OAuthClient,
  sealing: Sealing,
): Promise<AppRegistration> {
  const { provider, server, redirectUri } = place
  const { keyId, sealed } = sealing.seal(client.clientSecret ?? '', registrationBinding(provider, server, client.clientId))
  await db.query(
    `INSERT INTO app_registrations (id, provider, server, redirect_uri, client_id, sealed_secret, key_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (provider, server, redirect_uri) WHERE retired_at IS NULL DO NOTHING`,
    [randomUUID(), provider, server, redirectUri, client.clientId, client.clientSecret === null ? null : sealed, keyId],
  )
  const registration = await findRegistration(db, place, sealing)
  return registration ?? addRegistration(db, place, client, sealing)
}

/** The server does not know it any more: the next person who connects registers anew. */
export async function retireRegistration(db: Database, id: string): Promise<void> {
  await db.query('UPDATE app_registrations SET retired_at = now() WHERE id = $1 AND retired_at IS NULL', [id])
}
