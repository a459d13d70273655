import type { Database } from '@asheville/database'
import { copiedTypes, type Likenesses } from '../same/likenesses.ts'

/** A page file whose items are to be looked at. */
export interface UnreadPage {
  userId: string
  storageId: string
  path: string
  revision: string
  sha256: string
  tries: number
}

/** Takes one page, of anybody, that changed since its words were looked up; for `holdMs` nobody else does. */
export async function claimUnread(db: Database, holdMs: number): Promise<UnreadPage | null> {
  const [page] = await db.query<UnreadPage>(
    `UPDATE pages p SET read_after = clock_timestamp() + $1 * interval '1 millisecond', read_tries = p.read_tries + 1
     FROM (
       SELECT user_id, storage_id, path FROM pages
       WHERE sha256 IS NOT NULL AND sha256 IS DISTINCT FROM read_sha256 AND read_after <= clock_timestamp() AND revision IS NOT NULL
       ORDER BY read_after LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
     WHERE p.user_id = next.user_id AND p.storage_id = next.storage_id AND p.path = next.path
     RETURNING p.user_id AS "userId", p.storage_id AS "storageId", p.path, p.revision, p.sha256, p.read_tries AS tries`,
    [holdMs],
  )
  return page ?? null
}

/** Of this version of the page everything was looked up. What it became meanwhile waits for its turn. */
export async function noteRead(db: Database, { userId, storageId, path, sha256 }: UnreadPage): Promise<void> {
  await db.query('UPDATE pages SET read_sha256 = $4, read_tries = 0 WHERE user_id = $1 AND storage_id = $2 AND path = $3', [
    userId,
    storageId,
    path,
    sha256,
  ])
}

/** It could not be read; it waits. */
export async function putOff(db: Database, { userId, storageId, path }: UnreadPage, waitMs: number): Promise<void> {
  await db.query(
    `UPDATE pages SET read_after = clock_timestamp() + $4 * interval '1 millisecond' WHERE user_id = $1 AND storage_id = $2 AND path = $3`,
    [userId, storageId, path, waitMs],
  )
}

/** Items of a page whose content is another than what they are found by; none when it is not this version of the page any more. */
export function staleItems(
  db: Database,
  { userId, storageId, path, sha256 }: UnreadPage,
): Promise<{ id: string; key: string; hash: string }[]> {
  return db.query(
    `SELECT i.id, i.key, i.hash FROM pages p JOIN items i ON i.user_id = p.user_id AND i.storage_id = p.storage_id AND i.path = p.path
     LEFT JOIN words w ON w.storage_id = i.storage_id AND w.key = i.key
     WHERE p.user_id = $1 AND p.storage_id = $2 AND p.path = $3 AND p.sha256 = $4 AND w.hash IS DISTINCT FROM i.hash`,
    [userId, storageId, path, sha256],
  )
}

export interface Found {
  key: string
  hash: string
  marks: readonly number[]
  place: { latitude: number; longitude: number } | null
  likenesses: Likenesses
}

/** What these items are found by from now on; what has become another since waits for its turn. */
export async function saveFound(db: Database, userId: string, storageId: string, all: readonly Found[]): Promise<void> {
  await db.transaction(async (tx) => {
    // Items that are just being removed are left out, others are not removed before this is done: what is found of them goes with them.
    const there = await tx.query<{ key: string }>(
      'SELECT key FROM items WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3) FOR KEY SHARE SKIP LOCKED',
      [userId, storageId, all.map(({ key }) => key)],
    )
    const keys = there.map(({ key }) => key)
    const held = new Set(keys)
    const found = all.filter(({ key }) => held.has(key))
    const placed = found.filter(({ place }) => place !== null)
    await tx.query(
      // An array of arrays must not be ragged: each comes as the text of one.
      `INSERT INTO words (storage_id, key, hash, marks)
       SELECT i.storage_id, i.key, f.hash, f.marks::integer[] FROM unnest($3::text[], $4::text[], $5::text[]) AS f(key, hash, marks)
       JOIN items i ON i.user_id = $1 AND i.storage_id = $2 AND i.key = f.key AND i.hash = f.hash ORDER BY i.key
       ON CONFLICT (storage_id, key) DO UPDATE SET hash = EXCLUDED.hash, marks = EXCLUDED.marks`,
      [userId, storageId, found.map(({ key }) => key), found.map(({ hash }) => hash), found.map(({ marks }) => `{${marks.join()}}`)],
    )
    await tx.query('DELETE FROM places WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3)', [userId, storageId, keys])
    await tx.query('DELETE FROM likenesses WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3)', [userId, storageId, keys])
    const alike = found.flatMap(({ key, likenesses: { found: some, sketch } }) => some.map((one) => ({ key, ...one, sketch })))
    if (alike.length > 0)
      await tx.query(
        `INSERT INTO likenesses (user_id, storage_id, key, kind, value, sketch)
         SELECT $1, $2, l.key, l.kind, l.value, l.sketch::integer[]
         FROM unnest($3::text[], $4::text[], $5::bigint[], $6::text[]) AS l(key, kind, value, sketch)
         JOIN items i ON i.user_id = $1 AND i.storage_id = $2 AND i.key = l.key AND i.content_type = ANY($7)
         ON CONFLICT (user_id, storage_id, key, kind, value) DO UPDATE SET sketch = EXCLUDED.sketch`,
        [
          userId,
          storageId,
          alike.map(({ key }) => key),
          alike.map(({ kind }) => kind),
          alike.map(({ value }) => value),
          alike.map(({ sketch }) => sketch && `{${sketch.join()}}`),
          copiedTypes,
        ],
      )
    if (placed.length > 0)
      await tx.query(
        `INSERT INTO places (user_id, storage_id, key, latitude, longitude)
         SELECT $1, $2, p.key, latitude, longitude FROM unnest($3::text[], $4::float8[], $5::float8[]) AS p(key, latitude, longitude)
         JOIN items i ON i.user_id = $1 AND i.storage_id = $2 AND i.key = p.key
         ON CONFLICT (user_id, storage_id, key) DO UPDATE SET latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude`,
        [
          userId,
          storageId,
          placed.map(({ key }) => key),
          placed.map(({ place }) => place!.latitude),
          placed.map(({ place }) => place!.longitude),
        ],
      )
  })
}
