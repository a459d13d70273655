import type { Picture, RenditionSize } from '@asheville/clients'
import { asService, type Database } from '@asheville/database'
import type { Focus, Rendered } from '../renditions/rendered.ts'

/** A stored picture that is to be looked at. */
export interface DuePicture {
  userId: string
  storageId: string
  sha256: string
  path: string
  bytes: number
  /** How often it was tried, this time among them. */
  tries: number
  /** What the person chose. */
  chosen: Focus | null
}

const due = "rendering_due_at IS NOT NULL AND is_stored AND media_type LIKE 'image/%'"

/**
 * Takes up pictures that are due, of everybody: as many of each person as of the others, so that nobody's million holds up anybody's ten.
 * Whoever dies over one leaves it due again after two minutes.
 *
 * @param start a random id, so that nobody is always the first
 */
export function claimDuePictures(db: Database, start: string, limit: number): Promise<DuePicture[]> {
  return asService(() =>
    db.query<DuePicture>(
      `WITH RECURSIVE next AS (
         (SELECT user_id, 1 AS number FROM media WHERE ${due} AND rendering_due_at <= now() AND user_id >= $1 ORDER BY user_id LIMIT 1)
         UNION ALL
         SELECT (SELECT m.user_id FROM media m WHERE ${due} AND m.rendering_due_at <= now() AND m.user_id > next.user_id ORDER BY m.user_id LIMIT 1),
           number + 1
         FROM next WHERE next.user_id IS NOT NULL AND number < $2::int),
       people AS (SELECT user_id FROM next WHERE user_id IS NOT NULL),
       chosen AS (
         SELECT m.ctid FROM people CROSS JOIN LATERAL (
           SELECT ctid FROM media WHERE media.user_id = people.user_id AND ${due} AND rendering_due_at <= now()
           ORDER BY rendering_due_at LIMIT greatest(1, $2::int / (SELECT count(*) FROM people))
           FOR UPDATE SKIP LOCKED) m)
       UPDATE media SET rendering_due_at = now() + interval '2 minutes', rendering_tries = rendering_tries + 1
       WHERE ctid = ANY (ARRAY(SELECT ctid FROM chosen))
       RETURNING user_id AS "userId", storage_id AS "storageId", sha256, path, bytes, rendering_tries AS tries,
         CASE WHEN is_focus_chosen THEN jsonb_build_object('x', focus_x, 'y', focus_y) END AS chosen`,
      [start, limit],
    ),
  )
}

/** How many pictures of everybody are due; no more are counted than that. */
export async function countDuePictures(db: Database, most: number): Promise<number> {
  const [row] = await asService(() =>
    db.query<{ count: number }>(`SELECT count(*) FROM (SELECT FROM media WHERE ${due} AND rendering_due_at <= now() LIMIT $1) AS found`, [
      most,
    ]),
  )
  return row?.count ?? 0
}

/** Notes what was seen, in every storage that has the picture, and keeps the renditions. What the person chose stays. */
export async function saveRendered(db: Database, userId: string, sha256: string, rendered: Rendered): Promise<void> {
  const { width, height, thumbhash, focus, renditions } = rendered
  const files = Object.entries(renditions)
  await db.query(
    `WITH seen AS (
       UPDATE media SET rendering_due_at = NULL, rendering_tries = 0, rendering_error = NULL, width = $3, height = $4, thumbhash = $5,
         focus_x = CASE WHEN is_focus_chosen THEN focus_x ELSE $6 END, focus_y = CASE WHEN is_focus_chosen THEN focus_y ELSE $7 END
       WHERE user_id = $1 AND sha256 = $2 RETURNING 1)
     INSERT INTO renditions (user_id, sha256, size, data, bytes)
     SELECT $1, $2, size, data, length(data) FROM unnest($8::text[], $9::bytea[]) AS made (size, data) WHERE EXISTS (SELECT FROM seen)
     ON CONFLICT (user_id, sha256, size) DO UPDATE SET data = EXCLUDED.data, bytes = EXCLUDED.bytes, used_at = now()`,
    [userId, sha256, width, height, thumbhash, focus.x, focus.y, files.map(([size]) => size), files.map(([, data]) => Buffer.from(data))],
  )
}

/** It will not be looked at again by itself. */
export async function noteUnrenderable(db: Database, userId: string, sha256: string, reason: string): Promise<void> {
  await db.query('UPDATE media SET rendering_due_at = NULL, rendering_error = $3 WHERE user_id = $1 AND sha256 = $2', [
    userId,
    sha256,
    reason,
  ])
}

/** Its storage does not answer: later, each time later, a day at most. */
export async function postponeRendering(db: Database, userId: string, sha256: string): Promise<void> {
  await db.query(
    `UPDATE media SET rendering_due_at = now() + least(interval '5 minutes' * 2 ^ least(rendering_tries, 20), interval '1 day')
     WHERE user_id = $1 AND sha256 = $2 AND rendering_due_at IS NOT NULL`,
    [userId, sha256],
  )
}

/** A rendition, if it is still there. That it was used is noted once in a while. */
export async function findRendition(db: Database, userId: string, sha256: string, size: RenditionSize): Promise<Buffer | null> {
  const [row] = await db.query<{ data: Buffer; isOld: boolean }>(
    `SELECT data, used_at < now() - interval '6 hours' AS "isOld" FROM renditions WHERE user_id = $1 AND sha256 = $2 AND size = $3`,
    [userId, sha256, size],
  )
  if (row?.isOld)
    await db.query('UPDATE renditions SET used_at = now() WHERE user_id = $1 AND sha256 = $2 AND size = $3', [userId, sha256, size])
  return row?.data ?? null
}

/** Removes those that were not used for the longest time, of everybody, until what is left takes no more than that. */
export async function boundRenditions(db: Database, most: number): Promise<void> {
  await asService(async () => {
    for (let removed = 1; removed > 0;) {
      const [sum] = await db.query<{ bytes: number }>('SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM renditions')
      if ((sum?.bytes ?? 0) <= most) return
      const rows = await db.query(
        'DELETE FROM renditions WHERE ctid = ANY (ARRAY(SELECT ctid FROM renditions ORDER BY used_at LIMIT 500)) RETURNING 1',
      )
      removed = rows.length
    }
  })
}

/** What is known of a picture of the person. */
export interface PictureFacts {
  /** null: nobody has looked at it yet. */
  picture: Picture | null
  /** Why there is nothing to know. */
  error: string | null
}

const pictureColumns = `CASE WHEN width IS NOT NULL THEN jsonb_build_object('width', width, 'height', height, 'thumbhash', thumbhash,
  'focus', jsonb_build_object('x', focus_x, 'y', focus_y), 'isFocusChosen', is_focus_chosen) END AS picture`

export async function pictureFacts(db: Database, userId: string, storageId: string, sha256: string): Promise<PictureFacts> {
  const [row] = await db.query<PictureFacts>(
    `SELECT ${pictureColumns}, rendering_error AS error FROM media WHERE user_id = $1 AND storage_id = $2 AND sha256 = $3`,
    [userId, storageId, sha256],
  )
  return row ?? { picture: null, error: null }
}

/** What is known of the pictures that lie at these paths. */
export async function picturesAt(db: Database, userId: string, paths: readonly string[]): Promise<Map<string, Picture>> {
  if (paths.length === 0) return new Map()
  const rows = await db.query<{ path: string; picture: Picture }>(
    `SELECT DISTINCT ON (path) path, ${pictureColumns} FROM media
     WHERE user_id = $1 AND path = ANY($2) AND is_stored AND width IS NOT NULL ORDER BY path, storage_id`,
    [userId, paths],
  )
  return new Map(rows.map(({ path, picture }) => [path, picture]))
}

/** What the person chose for these pictures; null: it is to be found again. Their squares are cut anew when they are asked for. */
export async function saveFocus(db: Database, userId: string, sha256: string, focus: Focus | null): Promise<void> {
  await db.query(
    `WITH old AS (DELETE FROM renditions WHERE user_id = $1 AND sha256 = $2 AND ($3::real IS NULL OR size = 'square'))
     UPDATE media SET is_focus_chosen = $3::real IS NOT NULL, focus_x = coalesce($3, focus_x), focus_y = coalesce($4, focus_y),
       rendering_due_at = CASE WHEN rendering_error IS NULL THEN now() END
     WHERE user_id = $1 AND sha256 = $2`,
    [userId, sha256, focus?.x ?? null, focus?.y ?? null],
  )
}

/** Those of these files, by their content. */
export async function dropRenditions(db: Database, userId: string, storageId: string, paths: readonly string[]): Promise<void> {
  await db.query(
    `DELETE FROM renditions r USING media m
     WHERE r.user_id = $1 AND m.user_id = $1 AND m.storage_id = $2 AND m.path = ANY($3) AND r.sha256 = m.sha256`,
    [userId, storageId, paths],
  )
}
