import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDatabase } from '@asheville/database'
import { findTokens } from '../../apps/accounts/src/queries/credentials.ts'
import { getRegistration } from '../../apps/accounts/src/queries/app-registrations.ts'
import { transactionBinding } from '../../apps/accounts/src/queries/oauth-transactions.ts'
import { createSealing, readSealingKeys, type Sealing } from '../../apps/accounts/src/sealing.ts'
import type { Constellation } from '@asheville/scripts'
import type { Canaries } from './canaries.ts'

/** What an installation keeps to itself: keys and passwords of its parts. */
export async function addInstallationSecrets(canaries: Canaries, { dataDir, env }: Constellation): Promise<void> {
  const stored = JSON.parse(await readFile(join(dataDir, 'secrets.json'), 'utf8')) as Record<string, unknown>
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null) for (const [inner, one] of Object.entries(value)) add(`${name}.${inner}`, one)
    else if (typeof value === 'string' && value.includes('PRIVATE KEY')) addPrivateKey(canaries, name, value)
    else if (typeof value === 'string' && name !== 'credentialKeys') canaries.add(name, value)
  }
  for (const [name, value] of Object.entries(stored)) add(name, value)
  for (const { id, secret } of readSealingKeys(env.accounts['CREDENTIAL_KEYS']!)) {
    canaries.add(`credential key ${id}`, secret)
    canaries.add(`credential key ${id} as written`, Buffer.from(secret).toString('base64'))
  }
}

function addPrivateKey(canaries: Canaries, name: string, pem: string): void {
  canaries.add(name, pem.replace(/-----[^-]+-----|\s/g, ''))
  // RFC 8037: `d` is the key itself.
  canaries.add(`${name}, its 32 bytes`, Buffer.from(createPrivateKey(pem).export({ format: 'jwk' }).d!, 'base64url'))
}

/** The tokens of every connection and the secrets of our registrations, as they are now: opened as accounts opens them. */
export async function addStoredSecrets(canaries: Canaries, { env, databaseUrl }: Constellation): Promise<void> {
  const db = createDatabase({ url: databaseUrl, schema: 'accounts', connectTimeoutMs: 20_000, queryTimeoutMs: 20_000 })
  const sealing = createSealing(readSealingKeys(env.accounts['CREDENTIAL_KEYS']!))
  try {
    const connections = await db.query<{ id: string; userId: string; provider: string }>(
      'SELECT id, user_id AS "userId", provider FROM connections',
    )
    for (const connection of connections) {
      const tokens = await findTokens(db, connection.userId, connection, sealing)
      if (!tokens) continue
      addToken(canaries, `access token of ${connection.provider}`, tokens.accessToken)
      if (tokens.refreshToken !== null) addToken(canaries, `refresh token of ${connection.provider}`, tokens.refreshToken)
    }
    for (const { id } of await db.query<{ id: string }>('SELECT id FROM app_registrations')) {
      const registration = await getRegistration(db, id, sealing)
      if (registration?.clientSecret) canaries.add('client secret', registration.clientSecret)
    }
    for (const verifier of await verifiers(db, sealing)) canaries.add('PKCE verifier', verifier)
  } finally {
    await db.close()
  }
}

async function verifiers(db: ReturnType<typeof createDatabase>, sealing: Sealing): Promise<string[]> {
  const rows = await db.query<Transaction & { sealed: Uint8Array; keyId: string }>(
    `SELECT user_id AS "userId", session_id AS "sessionId", visitor_hash AS "visitorHash", purpose, provider, sealed_verifier AS sealed, key_id AS "keyId"
     FROM oauth_transactions WHERE sealed_verifier IS NOT NULL`,
  )
  return rows.map((row) => sealing.open(row, transactionBinding(row, row)))
}

type Transaction = Parameters<typeof transactionBinding>[0] & Parameters<typeof transactionBinding>[1]

function addToken(canaries: Canaries, name: string, token: string): void {
  canaries.add(name, token)
  // Of a JSON Web Token the last part alone is what makes it one.
  const signature = token.split('.')[2]
  if (signature !== undefined) canaries.add(`${name}, its signature`, signature)
}
