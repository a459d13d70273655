import type { StoredMedia } from '@asheville/clients'
import type { Database } from '@asheville/database'
import type { Decision } from '../decisions.ts'
import type { AccountFolder } from './accounts.ts'
import { sourceHash } from './media.ts'
import { saveFocus } from './renditions.ts'

/** The run that makes the storage's index anew; one that was begun goes on. */
export async function beginReindexing(db: Database, userId: string, storageId: string): Promise<string> {
  const [row] = await db.query<{ run: string }>(
    `INSERT INTO reindexings (user_id, storage_id) VALUES ($1, $2)
     ON CONFLICT (user_id, storage_id) DO UPDATE SET since = reindexings.since RETURNING run`,
    [userId, storageId],
  )
  return row!.run
}

export async function endReindexing(db: Database, userId: string, storageId: string): Promise<void> {
  await db.query('DELETE FROM reindexings WHERE user_id = $1 AND storage_id = $2', [userId, storageId])
}

export function pagesSeenBy(db: Database, userId: string, storageId: string, run: string): Promise<{ path: string; items: number }[]> {
  return db.query('SELECT path, items FROM pages WHERE user_id = $1 AND storage_id = $2 AND reindexed_by = $3', [userId, storageId, run])
}

export async function noteSeen(tx: Database, userId: string, storageId: string, run: string, path: string): Promise<void> {
  await tx.query('UPDATE pages SET reindexed_by = $3 WHERE user_id = $1 AND storage_id = $2 AND path = $4', [userId, storageId, run, path])
}

/** Forgets what the index has of a page and the page has not. */
export async function forgetOthers(tx: Database, userId: string, storageId: string, path: string, keys: readonly string[]): Promise<void> {
  await tx.query('DELETE FROM items WHERE user_id = $1 AND storage_id = $2 AND path = $3 AND key <> ALL($4)', [
    userId,
    storageId,
    path,
    keys,
  ])
}

/** An account as its profile tells, in the folder in which that lies. */
export async function placeAccount(db: Database, userId: string, storageId: string, account: AccountFolder): Promise<void> {
  const { network, id, folder, handle, title, url } = account
  await db.query(
    `INSERT INTO accounts (user_id, storage_id, network, account_id, folder, handle, title, url) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (user_id, storage_id, network, account_id) DO UPDATE SET folder = EXCLUDED.folder`,
    [userId, storageId, network, id, folder, handle, title, url],
  )
}

/** Files that items say they have, and where on their network those came from. */
export async function placeAllMedia(
  tx: Database,
  userId: string,
  storageId: string,
  media: readonly (StoredMedia & { url: string })[],
): Promise<void> {
  if (media.length === 0) return
  const column = <Name extends 'sha256' | 'path' | 'mediaType' | 'url'>(name: Name) => media.map((one) => one[name])
  await tx.query(
    `INSERT INTO media (user_id, storage_id, sha256, path, bytes, media_type, is_stored)
     SELECT DISTINCT ON (sha256) $1::uuid, $2::uuid, sha256, path, bytes, media_type, true
     FROM unnest($3::text[], $4::text[], $5::bigint[], $6::text[]) AS m(sha256, path, bytes, media_type) ORDER BY sha256
     ON CONFLICT (user_id, storage_id, sha256) DO NOTHING`,
    [userId, storageId, column('sha256'), column('path'), media.map(({ bytes }) => bytes), column('mediaType')],
  )
  await tx.query(
    `INSERT INTO media_sources (user_id, storage_id, url_hash, url, sha256)
     SELECT DISTINCT ON (url_hash) $1::uuid, $2::uuid, url_hash, url, sha256
     FROM unnest($3::text[], $4::text[], $5::text[]) AS s(url_hash, url, sha256) ORDER BY url_hash
     ON CONFLICT (user_id, storage_id, url_hash) DO NOTHING`,
    [userId, storageId, media.map(({ url }) => sourceHash(url)), column('url'), column('sha256')],
  )
}

/** What the person decided, as their decisions.json has it: what they took out is not stored again, and pictures keep their focal points. */
export async function placeDecisions(
  tx: Database,
  userId: string,
  storageId: string,
  decisions: readonly Decision[],
  keyOf: (item: { network: string; accountId: string; contentType: string; id: string }) => string,
): Promise<void> {
  for (const decision of decisions) {
    if (decision.kind === 'focal-point') {
      const { sha256, x, y } = decision
      const [known] = await tx.query(
        'SELECT FROM media WHERE user_id = $1 AND sha256 = $2 AND is_focus_chosen AND focus_x = $3::real AND focus_y = $4::real',
        [userId, sha256, x, y],
      )
      if (!known) await saveFocus(tx, userId, sha256, { x, y })
    }
    if (decision.kind !== 'removed') continue
    const { network, account: accountId, contentType, id } = decision.item
    await tx.query(
      `INSERT INTO absent_items (user_id, storage_id, key, id, network, account_id, connection_id, stream, content_type, path, cause, was_gone, since)
       SELECT $1, $2, $3, $4, $5, $6, $7, '', $8, '', 'taken-out', false, $9
       WHERE NOT EXISTS (SELECT FROM items WHERE user_id = $1 AND storage_id = $2 AND key = $3)
       ON CONFLICT (user_id, storage_id, key) DO NOTHING`,
      [userId, storageId, keyOf({ network, accountId, contentType, id }), id, network, accountId, noConnection, contentType, decision.at],
    )
  }
}

/** Of what no connection of the person's brings. */
export const noConnection = '00000000-0000-0000-0000-000000000000'
