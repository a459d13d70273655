import type { Database } from '@asheville/database'
import type { Sealing } from './sealing.ts'

const known = 'asheville'
const bindingOf = (keyId: string) => ['key-check', keyId]

/**
 * Makes sure that the sealing keys are those that secrets were sealed with: each key opens the value that was stored when
 * it was first used, and no secret is left whose key is missing. Throws what an operator should do; the service must not start.
 */
export async function checkKeys(db: Database, sealing: Sealing): Promise<void> {
  for (const keyId of sealing.keyIds) {
    const fresh = sealing.withKey(keyId).seal(known, bindingOf(keyId))
    await db.query('INSERT INTO key_checks (key_id, sealed) VALUES ($1, $2) ON CONFLICT (key_id) DO NOTHING', [keyId, fresh.sealed])
    const [row] = await db.query<{ sealed: Uint8Array }>('SELECT sealed FROM key_checks WHERE key_id = $1', [keyId])
    if (!row || !opens(sealing, keyId, row.sealed)) {
      throw new Error(
        `CREDENTIAL_KEYS: key ${keyId} is not the one that secrets were sealed with. Give the right key, or a new key another id, in front of the old.`,
      )
    }
  }
  const [missing] = await db.query<{ key_id: string }>(
    `SELECT key_id FROM key_checks k WHERE NOT key_id = ANY ($1)
     AND (EXISTS (SELECT FROM credentials c WHERE c.key_id = k.key_id)
       OR EXISTS (SELECT FROM app_registrations a WHERE a.key_id = k.key_id AND a.sealed_secret IS NOT NULL)
       OR EXISTS (SELECT FROM mails m WHERE m.key_id = k.key_id)) LIMIT 1`,
    [[...sealing.keyIds]],
  )
  if (missing) throw new Error(`CREDENTIAL_KEYS: key ${missing.key_id} is missing, and secrets are still sealed with it.`)
}

function opens(sealing: Sealing, keyId: string, sealed: Uint8Array): boolean {
  try {
    return sealing.open({ keyId, sealed }, bindingOf(keyId)) === known
  } catch {
    return false
  }
}
