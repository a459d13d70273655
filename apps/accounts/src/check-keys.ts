import type { Database } from '@asheville/database'
import { countSealedBy } from './rotation/count-sealed.ts'
import type { Sealing } from './sealing.ts'

const known = 'asheville'
const bindingOf = (keyId: string) => ['key-check', keyId]
/** Exact up to here: counting must not take longer than a statement may. */
const mostCounted = 100_000

/**
 * Makes sure that the sealing keys are those that secrets were sealed with: each key opens the value that was stored when
 * it was first used, and no secret is left whose key is missing. Throws what an operator should do; the service must not start.
 *
 * To change keys: put the new one in front of the old (`CREDENTIAL_KEYS=new:…,old:…`) and restart; where processes are restarted
 * one after the other, put it behind the old one first, so that all of them can open what the first of them seals. Everything is
 * sealed anew in the background (`startRotation`); when the log says that it is done, take the old one out.
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
  const missing = await db.query<{ keyId: string }>(
    'SELECT key_id AS "keyId" FROM key_checks WHERE NOT key_id = ANY ($1) ORDER BY created_at',
    [sealing.keyIds],
  )
  for (const { keyId } of missing) {
    const count = await countSealedBy(db, keyId, mostCounted)
    if (count === 0) continue
    const secrets = count === 1 ? '1 secret is' : `${count === mostCounted ? `at least ${count}` : count} secrets are`
    throw new Error(
      `CREDENTIAL_KEYS: key ${keyId} is missing, and ${secrets} still sealed with it. Put it back, behind the current key, until everything is sealed anew.`,
    )
  }
}

function opens(sealing: Sealing, keyId: string, sealed: Uint8Array): boolean {
  try {
    return sealing.open({ keyId, sealed }, bindingOf(keyId)) === known
  } catch {
    return false
  }
}
