import type { Database } from '@asheville/database'
import { removePending } from './pending.ts'

/** A page file as it was last seen. `isWritten: false`: a write began that nobody saw end, so it is read again. */
export interface PageRow {
  path: string
  month: string
  part: number
  revision: string | null
  sha256: string | null
  bytes: number
  items: number
  isWritten: boolean
}

const columns = `path, month, part, revision, sha256, bytes, items, is_written AS "isWritten"`

/**
 * Takes months for `holder`, those that nobody holds. It is no lock of Postgres: storages are slow, and nothing of the database is
 * held while they are asked.
 *
 * @returns the paths of the months that were had
 */
export async function holdMonths(
  db: Database,
  userId: string,
  storageId: string,
  months: readonly string[],
  holder: string,
  holdMs: number,
): Promise<string[]> {
  const rows = await db.query<{ path: string }>(
    `INSERT INTO months AS m (user_id, storage_id, path, holder, held_until)
     SELECT $1, $2, path, $4, clock_timestamp() + $5 * interval '1 millisecond' FROM unnest($3::text[]) AS wanted(path) ORDER BY path
     ON CONFLICT (user_id, storage_id, path) DO UPDATE SET holder = EXCLUDED.holder, held_until = EXCLUDED.held_until
     WHERE m.held_until < clock_timestamp() OR m.holder = EXCLUDED.holder
     RETURNING path`,
    [userId, storageId, months, holder, holdMs],
  )
  return rows.map(({ path }) => path)
}

/** Ends the hold, whoever has taken the months since keeps them. */
export async function releaseMonths(
  db: Database,
  userId: string,
  storageId: string,
  holder: string,
  months: readonly string[],
): Promise<void> {
  await db.query(`UPDATE months SET held_until = '-infinity' WHERE user_id = $1 AND storage_id = $2 AND holder = $3 AND path = ANY($4)`, [
    userId,
    storageId,
    holder,
    months,
  ])
}

export function pagesOfMonths(db: Database, userId: string, storageId: string, months: readonly string[]): Promise<PageRow[]> {
  return db.query(`SELECT ${columns} FROM pages WHERE user_id = $1 AND storage_id = $2 AND month = ANY($3) ORDER BY month, part`, [
    userId,
    storageId,
    months,
  ])
}

export function pagesByPaths(db: Database, userId: string, storageId: string, paths: readonly string[]): Promise<PageRow[]> {
  return db.query(`SELECT ${columns} FROM pages WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3)`, [userId, storageId, paths])
}

export function listPages(db: Database, userId: string, storageId: string): Promise<PageRow[]> {
  return db.query(
    `SELECT ${columns} FROM pages WHERE user_id = $1 AND storage_id = $2 AND revision IS NOT NULL ORDER BY path COLLATE "C"`,
    [userId, storageId],
  )
}

/** Says, before it is done, that these pages are being written: should we die, the next one reads them before it believes the index. */
export async function beginWriting(
  db: Database,
  userId: string,
  storageId: string,
  pages: readonly Pick<PageRow, 'path' | 'month' | 'part'>[],
): Promise<void> {
  await db.query(
    `INSERT INTO pages (user_id, storage_id, path, month, part)
     SELECT $1, $2, path, month, part FROM unnest($3::text[], $4::text[], $5::int[]) AS page(path, month, part)
     ON CONFLICT (user_id, storage_id, path) DO UPDATE SET is_written = false`,
    [userId, storageId, pages.map(({ path }) => path), pages.map(({ month }) => month), pages.map(({ part }) => part)],
  )
}

/** Notes pages as they lie in the storage. Whoever wrote them looks their words up; after a while anybody does. */
export async function savePages(
  db: Database,
  userId: string,
  storageId: string,
  pages: readonly Omit<PageRow, 'isWritten'>[],
): Promise<void> {
  if (pages.length === 0) return
  const column = <Name extends keyof Omit<PageRow, 'isWritten'>>(name: Name) => pages.map((page) => page[name])
  await db.query(
    `INSERT INTO pages AS p (user_id, storage_id, path, month, part, revision, sha256, bytes, items, is_written)
     SELECT $1, $2, path, month, part, revision, sha256, bytes, items, true
     FROM unnest($3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::bigint[], $9::int[])
       AS page(path, month, part, revision, sha256, bytes, items)
     ON CONFLICT (user_id, storage_id, path) DO UPDATE SET revision = EXCLUDED.revision, sha256 = EXCLUDED.sha256, bytes = EXCLUDED.bytes,
       items = EXCLUDED.items, is_written = true, verified_at = NULL,
       read_after = CASE WHEN p.sha256 IS NOT DISTINCT FROM p.read_sha256 THEN now() + interval '20 seconds' ELSE p.read_after END`,
    [
      userId,
      storageId,
      column('path'),
      column('month'),
      column('part'),
      column('revision'),
      column('sha256'),
      column('bytes'),
      column('items'),
    ],
  )
}

/** The page files below a folder (`mastodon/ada/posts/`) that the index knows of, whether seen written or not. */
export function pathsBelow(db: Database, userId: string, storageId: string, folder: string): Promise<Pick<PageRow, 'path'>[]> {
  return db.query('SELECT path FROM pages WHERE user_id = $1 AND storage_id = $2 AND starts_with(path, $3)', [userId, storageId, folder])
}

/** These page files are no more, nor are their items; answers how many those were. */
export function forgetPages(db: Database, userId: string, storageId: string, paths: readonly string[]): Promise<number> {
  return db.transaction(async (tx) => {
    const values = [userId, storageId, paths]
    const items = await tx.query<{ key: string }>(
      'DELETE FROM items WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3) RETURNING key',
      values,
    )
    await removePending(
      tx,
      userId,
      storageId,
      items.map(({ key }) => key),
    )
    await tx.query('DELETE FROM pages WHERE user_id = $1 AND storage_id = $2 AND path = ANY($3)', values)
    return items.length
  })
}
