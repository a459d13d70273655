import type { Database } from '@asheville/database'
import { addressBlock } from '../address-block.ts'
import type { DeviceName } from './device-name.ts'

const keptFor = "interval '400 days'"

/**
 * Notes that a person signs in with this device from this network, and answers whether that is news: they have signed in
 * before, but never with this browser and system from there.
 */
export async function meetDevice(tx: Database, userId: string, { browser, system }: DeviceName, address: string): Promise<boolean> {
  const known = await tx.query('SELECT FROM known_devices WHERE user_id = $1 LIMIT 1', [userId])
  const [met] = await tx.query<{ isNew: boolean }>(
    `INSERT INTO known_devices (user_id, device, network) VALUES ($1, $2, $3)
     ON CONFLICT (user_id, device, network) DO UPDATE SET last_used_at = now() RETURNING xmax = 0 AS "isNew"`,
    [userId, `${browser ?? ''} / ${system ?? ''}`, networkOf(address)],
  )
  return known.length > 0 && met!.isNew
}

/** Clears those that have long not been used. */
export async function clearDevices(db: Database): Promise<void> {
  await db.query(`DELETE FROM known_devices WHERE last_used_at < now() - ${keptFor}`)
}

/** The network that an address is in, so that a provider's next address for the same place is no news: IPv4 /24, IPv6 /48. */
export function networkOf(address: string): string {
  const block = addressBlock(address)
  const [, v4] = /^(\d+\.\d+\.\d+)\.\d+$/.exec(block) ?? []
  if (v4 !== undefined) return `${v4}.0/24`
  const [, v6] = /^([\da-f]+:[\da-f]+:[\da-f]+):[\da-f]+::\/64$/.exec(block) ?? []
  return v6 === undefined ? block : `${v6}::/48`
}
