import type { Database } from '@asheville/database'
import { sealedPlaces } from './sealed-places.ts'

/** How many values are sealed by each key. */
export async function countSealed(db: Database): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { table, column } of sealedPlaces) {
    const rows = await db.query<{ keyId: string; count: number }>(
      `SELECT key_id AS "keyId", count(*) AS count FROM ${table} WHERE ${column} IS NOT NULL GROUP BY key_id`,
    )
    for (const { keyId, count } of rows) counts.set(keyId, (counts.get(keyId) ?? 0) + count)
  }
  return counts
}

/** How many values are sealed by that key, counted to `most`. */
export async function countSealedBy(db: Database, keyId: string, most: number): Promise<number> {
  let total = 0
  for (const { table, column } of sealedPlaces) {
    const [row] = await db.query<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT FROM ${table} WHERE key_id = $1 AND ${column} IS NOT NULL LIMIT $2) found`,
      [keyId, most],
    )
    total += row?.count ?? 0
  }
  return Math.min(total, most)
}
