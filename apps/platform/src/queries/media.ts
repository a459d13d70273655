import { createHash } from 'node:crypto'
import { AshevilleError } from '@asheville/core'
import type { StoredMedia, StoredMediaCount } from '@asheville/clients'
import type { Database } from '@asheville/database'

/** Of where on its network a file came from. */
export const sourceHash = (url: string) => createHash('sha256').update(url).digest('base64url')

/** Which of these sources' files are stored, by url. */
export async function findSources(
  db: Database,
  userId: string,
  storageId: string,
  urls: readonly string[],
): Promise<Map<string, StoredMedia>> {
  if (urls.length === 0) return new Map()
  const byHash = new Map(urls.map((url) => [sourceHash(url), url]))
  const rows = await db.query<StoredMedia & { urlHash: string }>(
    `SELECT s.url_hash AS "urlHash", m.path, m.sha256, m.bytes, m.media_type AS "mediaType"
     FROM media_sources s JOIN media m ON m.user_id = s.user_id AND m.storage_id = s.storage_id AND m.sha256 = s.sha256
     WHERE s.user_id = $1 AND s.storage_id = $2 AND s.url_hash = ANY($3) AND m.is_stored`,
    [userId, storageId, [...byHash.keys()]],
  )
  return new Map(rows.map(({ urlHash, ...media }) => [byHash.get(urlHash) ?? '', media]))
}

/** Settles where a file lies, or will lie: the first who brings it decides. */
export async function placeMedia(
  db: Database,
  userId: string,
  storageId: string,
  media: StoredMedia,
): Promise<StoredMedia & { isStored: boolean }> {
  const { sha256, path, bytes, mediaType } = media
  const columns = 'sha256, path, bytes, media_type AS "mediaType", is_stored AS "isStored"'
  const known = `SELECT ${columns} FROM media WHERE user_id = $1 AND storage_id = $2 AND sha256 = $3`
  type Row = StoredMedia & { isStored: boolean }
  const [placed] = await db.query<Row>(
    `WITH placed AS (
       INSERT INTO media (user_id, storage_id, sha256, path, bytes, media_type) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT DO NOTHING RETURNING ${columns})
     SELECT * FROM placed UNION ALL ${known}`,
    [userId, storageId, sha256, path, bytes, mediaType],
  )
  // What another brought at the same moment is not in the statement's sight.
  const [row] = placed ? [placed] : await db.query<Row>(known, [userId, storageId, sha256])
  return row ?? { ...media, isStored: false }
}

/** The file is in the storage, and this is where it came from. Throws `unavailable` when it is just being removed. */
export async function saveMedia(db: Database, userId: string, storageId: string, sha256: string, source: string): Promise<void> {
  const rows = await db.query(
    `WITH sound AS (
       SELECT FROM media WHERE user_id = $1 AND storage_id = $2 AND sha256 = $3 AND fate IS DISTINCT FROM 'removing' FOR UPDATE),
     stored AS (
       UPDATE media SET is_stored = true, fate = NULL, flaw = NULL, shown_by = NULL
       WHERE user_id = $1 AND storage_id = $2 AND sha256 = $3 AND (NOT is_stored OR fate IS NOT NULL OR flaw IS NOT NULL) AND EXISTS (SELECT FROM sound))
     INSERT INTO media_sources (user_id, storage_id, url_hash, url, sha256) SELECT $1, $2, $4, $5, $3 FROM sound
     ON CONFLICT (user_id, storage_id, url_hash) DO UPDATE SET sha256 = EXCLUDED.sha256 RETURNING 1`,
    [userId, storageId, sha256, sourceHash(source), source],
  )
  if (rows.length === 0) throw new AshevilleError('unavailable', 'This file is just being removed from the storage', { retryAfterMs: 2000 })
}

/** Of these files, by hash, those that count as stored. */
export async function findStored(db: Database, userId: string, storageId: string, hashes: readonly string[]): Promise<Set<string>> {
  if (hashes.length === 0) return new Set()
  const rows = await db.query<{ sha256: string }>(
    'SELECT sha256 FROM media WHERE user_id = $1 AND storage_id = $2 AND sha256 = ANY($3) AND is_stored',
    [userId, storageId, hashes],
  )
  return new Set(rows.map(({ sha256 }) => sha256))
}

/** Something that showed these files is being removed: until it is known that something else does, they do not count as stored. */
export async function doubtMedia(db: Database, userId: string, storageId: string, paths: readonly string[]): Promise<void> {
  await db.query(
    "UPDATE media SET is_stored = false, fate = 'doubted' WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3) AND is_stored",
    [userId, storageId, paths],
  )
}

/** Where the files lie that are doubted or were being removed. */
export async function listDoubted(db: Database, userId: string, storageId: string): Promise<string[]> {
  const rows = await db.query<{ path: string }>('SELECT path FROM media WHERE user_id = $1 AND storage_id = $2 AND fate IS NOT NULL', [
    userId,
    storageId,
  ])
  return rows.map(({ path }) => path)
}

export async function keepMedia(db: Database, userId: string, storageId: string, paths: readonly string[]): Promise<void> {
  await db.query(
    "UPDATE media SET is_stored = true, fate = NULL WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3) AND fate = 'doubted'",
    [userId, storageId, paths],
  )
}

/** From now on nobody may count on these; answers which: those that somebody brought again since are not among them. */
export async function markRemoving(db: Database, userId: string, storageId: string, paths: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ path: string }>(
    `UPDATE media SET fate = 'removing' WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3) AND fate IS NOT NULL RETURNING path`,
    [userId, storageId, paths],
  )
  return rows.map(({ path }) => path)
}

export async function dropMedia(db: Database, userId: string, storageId: string, paths: readonly string[]): Promise<void> {
  await db.query(
    `WITH gone AS (
       DELETE FROM media WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3) AND fate = 'removing' RETURNING sha256)
     DELETE FROM media_sources s USING gone g WHERE s.user_id = $1 AND s.storage_id = $2 AND s.sha256 = g.sha256`,
    [userId, storageId, paths],
  )
}

/** The stored file of the person at that path, in whichever of their storages. */
export async function mediaByPath(db: Database, userId: string, path: string): Promise<(StoredMedia & { storageId: string }) | null> {
  const [row] = await db.query<StoredMedia & { storageId: string }>(
    `SELECT storage_id AS "storageId", sha256, path, bytes, media_type AS "mediaType" FROM media
     WHERE user_id = $1 AND path = $2 AND is_stored ORDER BY storage_id LIMIT 1`,
    [userId, path],
  )
  return row ?? null
}

/** What each storage of the person has of files. */
export function countMedia(db: Database, userId: string): Promise<StoredMediaCount[]> {
  return db.query<StoredMediaCount>(
    `SELECT storage_id AS "storageId", count(*) AS files, sum(bytes)::bigint AS bytes FROM media
     WHERE user_id = $1 AND is_stored GROUP BY storage_id ORDER BY storage_id`,
    [userId],
  )
}
