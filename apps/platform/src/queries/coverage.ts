import type { ContentType } from '@asheville/core'
import type { Database } from '@asheville/database'

/** What is stored of a content type, and how much of it was seen to be what it should be since it was written. */
export interface CoverageRow {
  storageId: string
  connectionId: string
  network: string
  accountId: string
  contentType: ContentType
  items: number
  gone: number
  verified: number
  /** Of the page files, shared out evenly among the items of each. */
  bytes: number
  oldest: string | null
  newest: string | null
}

export function countCoverage(db: Database, userId: string): Promise<CoverageRow[]> {
  return db.query(
    `SELECT i.storage_id AS "storageId", i.connection_id AS "connectionId", i.network, i.account_id AS "accountId", i.content_type AS "contentType",
       count(*) AS items, count(i.gone_at) AS gone, count(p.verified_at) AS verified,
       round(sum(p.bytes::numeric / greatest(p.items, 1)))::bigint AS bytes, min(i.at) AS oldest, max(i.at) AS newest
     FROM items i JOIN pages p USING (user_id, storage_id, path) WHERE i.user_id = $1
     GROUP BY 1, 2, 3, 4, 5 ORDER BY 3, 4, 5, 2`,
    [userId],
  )
}

/** The media files of a storage. */
export interface MediaCoverage {
  storageId: string
  files: number
  bytes: number
  verified: number
  missing: number
  damaged: number
}

export function countMediaCoverage(db: Database, userId: string): Promise<MediaCoverage[]> {
  return db.query(
    `SELECT storage_id AS "storageId", count(*) AS files, coalesce(sum(bytes), 0)::bigint AS bytes, count(verified_at) AS verified,
       count(*) FILTER (WHERE flaw = 'missing') AS missing, count(*) FILTER (WHERE flaw = 'damaged') AS damaged
     FROM media WHERE user_id = $1 AND (is_stored OR flaw IS NOT NULL) GROUP BY storage_id`,
    [userId],
  )
}

/**
 * The media with a flaw do not count as stored any more, and the items that show them have them had again; what nothing shows is forgotten.
 *
 * @returns the streams whose items have files to be had again
 */
export function wantMediaBack(db: Database, userId: string, storageId: string): Promise<{ connectionId: string; stream: string }[]> {
  return db.transaction(async (tx) => {
    const values = [userId, storageId]
    await tx.query(
      `INSERT INTO pending_items AS p (user_id, storage_id, key, connection_id, stream, next_at)
       SELECT i.user_id, i.storage_id, i.key, i.connection_id, i.stream, now() FROM items i
       WHERE i.user_id = $1 AND i.storage_id = $2 AND i.key IN (
         SELECT unnest(shown_by) FROM media WHERE user_id = $1 AND storage_id = $2 AND flaw IS NOT NULL)
       ON CONFLICT (user_id, storage_id, key) DO UPDATE SET next_at = now()`,
      values,
    )
    await tx.query(
      `WITH gone AS (
         DELETE FROM media WHERE user_id = $1 AND storage_id = $2 AND flaw = 'missing' AND is_stored AND cardinality(coalesce(shown_by, '{}')) = 0
         RETURNING sha256)
       DELETE FROM media_sources s USING gone g WHERE s.user_id = $1 AND s.storage_id = $2 AND s.sha256 = g.sha256`,
      values,
    )
    await tx.query('UPDATE media SET is_stored = false WHERE user_id = $1 AND storage_id = $2 AND flaw IS NOT NULL AND is_stored', values)
    return tx.query(
      `SELECT DISTINCT connection_id AS "connectionId", stream FROM pending_items
       WHERE user_id = $1 AND storage_id = $2 AND next_at <= now()`,
      values,
    )
  })
}
