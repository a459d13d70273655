import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { serviceNames, type ServiceName } from '@asheville/core'

/** What this installation keeps to itself, in `DATA_DIR/secrets.json` (0600). Losing it loses every stored sign-in. */
export interface Secrets {
  postgresPassword: string
  databasePasswords: { accounts: string; platform: string; queue: string }
  redisPassword: string
  /** PKCS8 PEM, Ed25519, by service. */
  serviceKeys: Record<ServiceName, string>
  /** As `CREDENTIAL_KEYS` takes them: `keyId:base64`, the current one first. */
  credentialKeys: string
  webSecret: string
}

/**
 * The secrets of a data directory, made on the first start; ones that a newer version needs are added. Throws when the file
 * cannot be understood, or is missing although the database that belongs to it is there: it is never made anew then.
 */
export async function loadSecrets(dataDir: string): Promise<Secrets> {
  const file = join(dataDir, 'secrets.json')
  const stored = await readStored(file)
  if (stored === null && existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) {
    throw new Error(`${file} is missing, but the database that it opens is there. Put it back from your backup, or move ${dataDir} away.`)
  }
  const fresh = makeSecrets()
  const secrets: Secrets = {
    ...fresh,
    ...stored,
    databasePasswords: { ...fresh.databasePasswords, ...stored?.databasePasswords },
    serviceKeys: { ...fresh.serviceKeys, ...stored?.serviceKeys },
  }
  const text = `${JSON.stringify(secrets, null, 2)}\n`
  if (stored === null || JSON.stringify(secrets) !== JSON.stringify(stored)) await writeWhole(file, text)
  return secrets
}

/** The public halves, as `SERVICE_PUBLIC_KEYS` takes them. */
export function publicKeysOf(secrets: Secrets): Record<string, JsonWebKey> {
  return Object.fromEntries(serviceNames.map((name) => [name, createPublicKey(secrets.serviceKeys[name]).export({ format: 'jwk' })]))
}

async function readStored(file: string): Promise<Partial<Secrets> | null> {
  if (!existsSync(file)) return null
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Secrets>
  } catch (cause) {
    throw new Error(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function makeSecrets(): Secrets {
  const password = (): string => randomBytes(24).toString('hex')
  const key = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return {
    postgresPassword: password(),
    databasePasswords: { accounts: password(), platform: password(), queue: password() },
    redisPassword: password(),
    serviceKeys: Object.fromEntries(serviceNames.map((name) => [name, key()])) as Secrets['serviceKeys'],
    credentialKeys: `${new Date().toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}:${randomBytes(32).toString('base64')}`,
    webSecret: randomBytes(32).toString('base64url'),
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.new`
  const handle = await open(draft, 'w', 0o600)
  try {
    await handle.chmod(0o600)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
}
