import type { Database } from '@asheville/database'
import type { Sealing } from '../sealing.ts'
import type { SealedPlace } from './sealed-place.ts'

interface Found {
  /** Where the row lies in the table. */
  at: string
  before: Uint8Array
  keyId: string
}

export interface Resealed {
  /** How many rows have the current key now. */
  count: number
  /** Places of rows that no key opens: damaged, or put there from elsewhere. They stay as they are. */
  broken: string[]
}

/**
 * Seals at most `limit` rows of older keys anew. Nothing is locked while it works, and a row that somebody changes or has locked at
 * the end is left for the next time: neither a refresh nor a reader ever waits for it, and nothing newer is overwritten.
 *
 * @param skip places of broken rows that were met before
 */
export async function reseal(
  db: Database,
  sealing: Sealing,
  place: SealedPlace,
  limit: number,
  skip: readonly string[],
): Promise<Resealed> {
  const { table, column, columns, join } = place
  const [current = '', ...older] = sealing.keyIds
  const found = await db.query<Found>(
    `SELECT t.ctid::text AS at, t.${column} AS before, t.key_id AS "keyId", ${columns} FROM ${table} t ${join}
     WHERE t.key_id = ANY ($1) AND t.${column} IS NOT NULL AND NOT t.ctid = ANY ($3::tid[]) LIMIT $2`,
    [older, limit, skip],
  )
  const broken: string[] = []
  const fresh: (Found & { after: Uint8Array })[] = []
  for (const row of found) {
    const binding = place.bindingOf(row)
    try {
      fresh.push({ ...row, after: sealing.seal(sealing.open({ keyId: row.keyId, sealed: row.before }, binding), binding).sealed })
    } catch {
      broken.push(row.at)
    }
  }
  if (fresh.length === 0) return { count: 0, broken }
  const done = await db.query(
    `WITH fresh AS (SELECT * FROM unnest($2::tid[], $3::bytea[], $4::bytea[]) AS f (at, before, after)),
     free AS (
       SELECT f.at, f.after FROM ${table} t JOIN fresh f ON t.ctid = f.at WHERE t.${column} = f.before FOR UPDATE OF t SKIP LOCKED)
     UPDATE ${table} t SET ${column} = free.after, key_id = $1 FROM free WHERE t.ctid = free.at RETURNING 1`,
    [current, fresh.map(({ at }) => at), fresh.map(({ before }) => before), fresh.map(({ after }) => after)],
  )
  return { count: done.length, broken }
}
