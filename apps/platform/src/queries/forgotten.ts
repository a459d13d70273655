import { createHash } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { Database } from '@asheville/database'

/** Ids of people are random: nothing can be told from the hash of one, save that it is the same. */
export const personHash = (userId: string): Uint8Array => createHash('sha256').update(userId).digest()

/** From now on nothing is stored for this person. Those of more than a day ago are nobody's any more. */
export async function noteForgotten(db: Database, userId: string): Promise<void> {
  await db.query('INSERT INTO forgotten (person_hash) VALUES ($1) ON CONFLICT (person_hash) DO UPDATE SET at = now()', [personHash(userId)])
  await db.query("DELETE FROM forgotten WHERE at < now() - interval '1 day'")
}

/** Throws `not-found` when the person's account is closed. */
export async function refuseForgotten(db: Database, userId: string): Promise<void> {
  const rows = await db.query('SELECT FROM forgotten WHERE person_hash = $1', [personHash(userId)])
  if (rows.length > 0) throw new AshevilleError('not-found', 'This account is closed')
}

/** Every table that has rows of people. */
export const personTables = [
  'idempotency_keys',
  'places',
  'likenesses',
  'kept_apart',
  'reindexings',
  'items',
  'absent_items',
  'verifications',
  'pending_items',
  'pages',
  'months',
  'media_sources',
  'media',
  'renditions',
  'documents',
  'accounts',
  'fences',
] as const

export type PersonTable = (typeof personTables)[number]

const batch = 5000

/**
 * Deletes every row of a person who is noted as forgotten, a few thousand at a time; answers how many of what there were,
 * those of earlier calls included: the answer to one may have been lost.
 */
export function deletePerson(db: Database, userId: string): Promise<Partial<Record<PersonTable, number>>> {
  return db.transaction(async (tx) => {
    const [before] = await tx.query<{ counts: Partial<Record<PersonTable, number>> }>(
      'SELECT counts FROM forgotten WHERE person_hash = $1 FOR UPDATE',
      [personHash(userId)],
    )
    const counts = { ...before?.counts }
    for (const name of personTables)
      for (let deleted = batch; deleted === batch; counts[name] = (counts[name] ?? 0) + deleted)
        deleted = await deleteSome(tx, userId, name)
    await tx.query('UPDATE forgotten SET counts = $2 WHERE person_hash = $1', [personHash(userId), JSON.stringify(counts)])
    return counts
  })
}

async function deleteSome(tx: Database, userId: string, name: PersonTable): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    `WITH gone AS (DELETE FROM ${name} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${name} WHERE user_id = $1 LIMIT ${batch})) RETURNING 1)
     SELECT count(*) FROM gone`,
    [userId],
  )
  return row?.count ?? 0
}

/** The page files that the index knows of, to find what a cache has of them. */
export async function listPlaces(db: Database, userId: string): Promise<{ storageId: string; path: string }[]> {
  return db.query('SELECT storage_id AS "storageId", path FROM pages WHERE user_id = $1', [userId])
}
