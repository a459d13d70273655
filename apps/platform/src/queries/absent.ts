import type { ContentType } from '@asheville/core'
import type { Database } from '@asheville/database'
import { removePending } from './pending.ts'

/** Why an item that was stored is not in its page file: `migrations/008`. */
export type AbsenceCause = 'taken-out' | 'page-deleted' | 'damaged'

/**
 * Moves to the absent ones whatever the index has of a page file and the file has not. What was taken out after it was deleted on its network is
 * simply forgotten.
 *
 * @param there ids of the items that are in the file
 */
export async function noteAbsent(
  tx: Database,
  userId: string,
  storageId: string,
  { path, there, cause }: { path: string; there: readonly string[]; cause: AbsenceCause },
): Promise<void> {
  const rows = await tx.query<{ key: string }>(
    `WITH gone AS (DELETE FROM items i WHERE i.user_id = $1 AND i.storage_id = $2 AND i.path = $3 AND i.id <> ALL($4) RETURNING i.*),
     noted AS (
       INSERT INTO absent_items (user_id, storage_id, key, id, network, account_id, connection_id, stream, content_type, at, path, cause, was_gone, note)
       SELECT user_id, storage_id, key, id, network, account_id, connection_id, stream, content_type, at, path, $5, gone_at IS NOT NULL,
         CASE WHEN $5 = 'taken-out' THEN 'to-add' END
       FROM gone WHERE $5 <> 'taken-out' OR gone_at IS NULL
       ON CONFLICT (user_id, storage_id, key) DO UPDATE SET path = EXCLUDED.path, cause = EXCLUDED.cause, was_gone = EXCLUDED.was_gone,
         since = now(), is_wanted = false, note = EXCLUDED.note)
     SELECT key FROM gone`,
    [userId, storageId, path, there, cause],
  )
  await removePending(
    tx,
    userId,
    storageId,
    rows.map(({ key }) => key),
  )
}

/** Of these keys, those of items that are not to be stored again. */
export async function refusedKeys(db: Database, userId: string, storageId: string, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set()
  const rows = await db.query<{ key: string }>(
    `SELECT key FROM absent_items WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3)
       AND NOT is_wanted AND (cause = 'page-deleted' OR cause = 'taken-out' AND note IS DISTINCT FROM 'to-remove')`,
    [userId, storageId, keys],
  )
  return new Set(rows.map(({ key }) => key))
}

/** These items are in a file again. */
export async function settleAbsent(tx: Database, userId: string, storageId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await tx.query(
    `WITH undone AS (
       UPDATE absent_items SET note = 'to-remove' WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3) AND cause = 'taken-out' AND note IS NULL AND NOT is_wanted)
     DELETE FROM absent_items WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3) AND (cause <> 'taken-out' OR note = 'to-add' OR is_wanted)`,
    [userId, storageId, keys],
  )
}

/** The copies of these content types are removed: what was lost of them is missed no longer. What the person took out they took out. */
export async function forgetLost(
  db: Database,
  userId: string,
  storageId: string,
  { network, accountId, contentTypes }: { network: string; accountId: string; contentTypes: readonly string[] },
): Promise<void> {
  await db.query(
    `DELETE FROM absent_items WHERE user_id = $1 AND storage_id = $2 AND network = $3 AND account_id = $4 AND content_type = ANY($5)
       AND cause <> 'taken-out'`,
    [userId, storageId, network, accountId, contentTypes],
  )
}

/** An item that is in no page any more. */
export interface AbsentItem {
  key: string
  id: string
  network: string
  accountId: string
  contentType: ContentType
  since: string
}

/** What the person took out, as far as decisions.json has been told. */
export function listTakenOut(db: Database, userId: string, storageId: string): Promise<AbsentItem[]> {
  return db.query(
    `SELECT key, id, network, account_id AS "accountId", content_type AS "contentType", since FROM absent_items
     WHERE user_id = $1 AND storage_id = $2 AND cause = 'taken-out' AND note IS NULL AND NOT is_wanted`,
    [userId, storageId],
  )
}

export async function wantBack(db: Database, userId: string, storageId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await db.query('UPDATE absent_items SET is_wanted = true WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3)', [
    userId,
    storageId,
    keys,
  ])
}

/** Whatever is missing is wanted back, but for what the person took out. */
export async function wantAllBack(db: Database, userId: string, storageId: string): Promise<void> {
  await db.query(
    `UPDATE absent_items SET is_wanted = true WHERE user_id = $1 AND storage_id = $2 AND cause <> 'taken-out' AND NOT is_wanted`,
    [userId, storageId],
  )
}

/** What was lost with its file is let go: it is as if the person had taken it out. */
export async function letAllGo(db: Database, userId: string, storageId: string): Promise<void> {
  await db.query(
    `UPDATE absent_items SET cause = 'taken-out', note = 'to-add', is_wanted = false
     WHERE user_id = $1 AND storage_id = $2 AND cause = 'page-deleted'`,
    [userId, storageId],
  )
}

/** A month of which items are wanted back, and the stream that brought them; null: those without a date. */
export interface WantedMonth {
  connectionId: string
  stream: string
  month: string | null
}

export function listWantedMonths(db: Database, userId: string, storageId: string): Promise<WantedMonth[]> {
  return db.query(
    `SELECT DISTINCT connection_id AS "connectionId", stream, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM') AS month FROM absent_items
     WHERE user_id = $1 AND storage_id = $2 AND is_wanted AND NOT was_gone ORDER BY connection_id, stream, month`,
    [userId, storageId],
  )
}

/** How many items are absent, by where they are from, why and of which month. */
export interface AbsentCount {
  storageId: string
  connectionId: string
  network: string
  accountId: string
  contentType: ContentType
  cause: AbsenceCause
  wasGone: boolean
  isWanted: boolean
  month: string | null
  items: number
}

export function countAbsent(db: Database, userId: string): Promise<AbsentCount[]> {
  return db.query(
    `SELECT storage_id AS "storageId", connection_id AS "connectionId", network, account_id AS "accountId", content_type AS "contentType", cause,
       was_gone AS "wasGone", is_wanted AS "isWanted", to_char(at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*) AS items
     FROM absent_items WHERE user_id = $1 AND note IS DISTINCT FROM 'to-remove'
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 3, 4, 5, 9, 6`,
    [userId],
  )
}

/** What decisions.json has yet to be told of an item. */
export interface UntoldRow extends AbsentItem {
  note: 'to-add' | 'to-remove'
}

export function listUntold(db: Database, userId: string, storageId: string): Promise<UntoldRow[]> {
  return db.query(
    `SELECT key, id, network, account_id AS "accountId", content_type AS "contentType", since, note FROM absent_items
     WHERE user_id = $1 AND storage_id = $2 AND note IS NOT NULL ORDER BY since, key`,
    [userId, storageId],
  )
}

/** decisions.json has been told these; what came to be otherwise meanwhile is told the next time. */
export async function noteTold(db: Database, userId: string, storageId: string, rows: readonly UntoldRow[]): Promise<void> {
  const keys = (note: UntoldRow['note']) => rows.filter((row) => row.note === note).map(({ key }) => key)
  await db.query(
    `WITH added AS (UPDATE absent_items SET note = NULL WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3) AND note = 'to-add')
     DELETE FROM absent_items WHERE user_id = $1 AND storage_id = $2 AND key = ANY($4) AND note = 'to-remove'`,
    [userId, storageId, keys('to-add'), keys('to-remove')],
  )
}

/** A mark before the file is written without them: should we die in between, nobody takes it for the person's doing. */
export async function beginRemoving(db: Database, userId: string, storageId: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  await db.query('UPDATE items SET gone_at = coalesce(gone_at, now()) WHERE user_id = $1 AND storage_id = $2 AND key = ANY($3)', [
    userId,
    storageId,
    keys,
  ])
}

/** These page files are no more, their items being accounted for. */
export async function dropPages(tx: Database, userId: string, storageId: string, paths: readonly string[]): Promise<void> {
  await tx.query('DELETE FROM pages WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3)', [userId, storageId, paths])
}
