import type { Database } from '@asheville/database'
import type { Candidate, Pair } from '../same/group-same.ts'
import { listedColumns, listedTables, type ListedRow } from './reading.ts'

interface PairRow {
  one: string
  oneAccount: string
  oneAt: string | null
  oneSketch: number[] | null
  other: string
  otherAccount: string
  otherAt: string | null
  otherSketch: number[] | null
  kind: string
}

/** What more rows than this have in common tells none of them from another: the cover that comes with each episode, a page that everything links to. */
const mostShared = 50
/** Of what has more in common with others than this, the nearest in time count. */
const maxPairs = 1000

/**
 * What has something in common with these items, of other accounts of the person. A file that an account shows more than once says
 * nothing: it may be an avatar, or a picture that comes with every post.
 */
export async function pairsOf(db: Database, userId: string, keys: readonly string[]): Promise<{ candidates: Candidate[]; pairs: Pair[] }> {
  const isShownTwice = (name: string, item: string) => `EXISTS (
    SELECT FROM likenesses again JOIN items a ON a.user_id = again.user_id AND a.storage_id = again.storage_id AND a.key = again.key
    WHERE again.user_id = $1 AND again.value = ${name}.value AND again.kind = 'files' AND again.key <> ${name}.key
      AND a.network = ${item}.network AND a.account_id = ${item}.account_id)`
  const rows = await db.query<PairRow>(
    `WITH shared AS MATERIALIZED (
       SELECT value FROM (SELECT DISTINCT value FROM likenesses WHERE user_id = $1 AND key = ANY($2)) AS wanted
       WHERE (SELECT count(*) FROM (SELECT FROM likenesses m WHERE m.user_id = $1 AND m.value = wanted.value LIMIT ${mostShared + 1}) AS counted)
         BETWEEN 2 AND ${mostShared})
     SELECT l.key AS one, i.network || ' ' || i.account_id AS "oneAccount", i.at AS "oneAt", l.sketch AS "oneSketch",
       m.key AS other, j.network || ' ' || j.account_id AS "otherAccount", j.at AS "otherAt", m.sketch AS "otherSketch", l.kind
     FROM shared s
     JOIN likenesses l ON l.user_id = $1 AND l.value = s.value AND l.key = ANY($2)
     JOIN items i ON i.user_id = l.user_id AND i.storage_id = l.storage_id AND i.key = l.key
     JOIN likenesses m ON m.user_id = l.user_id AND m.value = l.value AND m.key <> l.key
       AND (m.kind = l.kind AND l.kind <> 'names' OR l.kind = 'is' AND m.kind = 'names' OR l.kind = 'names' AND m.kind = 'is')
     JOIN items j ON j.user_id = m.user_id AND j.storage_id = m.storage_id AND j.key = m.key
     WHERE (i.network, i.account_id) <> (j.network, j.account_id)
       AND (l.kind <> 'files' OR NOT ${isShownTwice('l', 'i')} AND NOT ${isShownTwice('m', 'j')})
     ORDER BY abs(extract(epoch FROM i.at - j.at)), l.key, m.key LIMIT ${maxPairs}`,
    [userId, keys],
  )
  const candidates = rows.flatMap((row) => [
    { key: row.one, account: row.oneAccount, atMs: row.oneAt === null ? null : Date.parse(row.oneAt) },
    { key: row.other, account: row.otherAccount, atMs: row.otherAt === null ? null : Date.parse(row.otherAt) },
  ])
  const pairs = rows.map(({ one, other, kind, oneSketch, otherSketch }): Pair => {
    const by = kind === 'files' || kind === 'words' ? kind : 'link'
    return { one, other, by, sketches: [oneSketch, otherSketch] }
  })
  return { candidates, pairs }
}

/** Pairs that the person keeps apart, of which one is among these. */
export function keptApartOf(db: Database, userId: string, keys: readonly string[]): Promise<{ one: string; other: string }[]> {
  return db.query('SELECT DISTINCT one, other FROM kept_apart WHERE user_id = $1 AND (one = ANY($2) OR other = ANY($2))', [userId, keys])
}

/** Makes the index of what is kept apart as decisions.json of that storage has it. */
export async function saveKeptApart(
  db: Database,
  userId: string,
  storageId: string,
  pairs: readonly (readonly [string, string])[],
): Promise<void> {
  const sorted = pairs.map((pair) => pair.toSorted())
  const values = [userId, storageId, sorted.map(([one]) => one!), sorted.map(([, other]) => other!)]
  await db.transaction(async (tx) => {
    await tx.query(
      `DELETE FROM kept_apart k WHERE user_id = $1 AND storage_id = $2
       AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS p(one, other) WHERE p.one = k.one AND p.other = k.other)`,
      values,
    )
    await tx.query(
      `INSERT INTO kept_apart (user_id, storage_id, one, other) SELECT DISTINCT $1::uuid, $2::uuid, one, other
       FROM unnest($3::text[], $4::text[]) AS p(one, other) ORDER BY one, other ON CONFLICT DO NOTHING`,
      values,
    )
  })
}

export async function hasKeptApart(db: Database, userId: string, storageId: string): Promise<boolean> {
  const rows = await db.query('SELECT FROM kept_apart WHERE user_id = $1 AND storage_id = $2 LIMIT 1', [userId, storageId])
  return rows.length > 0
}

/** The rows of these items, each once: where several storages have one, of that which saw it last. */
export function rowsByKeys(db: Database, userId: string, keys: readonly string[]): Promise<ListedRow[]> {
  if (keys.length === 0) return Promise.resolve([])
  return db.query(
    `SELECT DISTINCT ON (i.key) ${listedColumns} FROM ${listedTables} WHERE i.user_id = $1 AND i.key = ANY($2) ORDER BY i.key, i.seen_at DESC`,
    [userId, keys],
  )
}
