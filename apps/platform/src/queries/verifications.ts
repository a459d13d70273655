import { AshevilleError, type ContentType } from '@asheville/core'
import { asService, type Database } from '@asheville/database'

export type Step = 'folders' | 'pages' | 'media' | 'showing'

/** How far it is with looking through a storage. */
export interface Verification {
  storageId: string
  state: 'running' | 'done' | 'failed'
  reason: string | null
  step: Step
  pages: number
  files: number
  bytes: number
  startedAt: string
  finishedAt: string | null
}

/** One that is to be worked at. */
export interface Due {
  userId: string
  storageId: string
  step: Step
  after: string
  isFolderGone: boolean
}

const columns = `storage_id AS "storageId", state, reason, step, pages, files, bytes, started_at AS "startedAt", finished_at AS "finishedAt"`

/** Begins to look through a storage, or says how far it is when it has begun. */
export async function beginVerification(
  db: Database,
  userId: string,
  storageId: string,
  { isFolderGone }: { isFolderGone: boolean },
): Promise<Verification> {
  const [row] = await db.query<Verification>(
    `INSERT INTO verifications AS v (user_id, storage_id, state, step, is_folder_gone) VALUES ($1, $2, 'running', 'folders', $3)
     ON CONFLICT (user_id, storage_id) DO UPDATE SET state = 'running', reason = NULL, step = 'folders', after = '', pages = 0, files = 0, bytes = 0,
       is_folder_gone = $3, started_at = now(), finished_at = NULL, held_until = now()
     WHERE v.state <> 'running' RETURNING ${columns}`,
    [userId, storageId, isFolderGone],
  )
  if (row) return row
  const [running] = await listVerifications(db, userId, storageId)
  if (!running) throw new AshevilleError('unavailable', 'It is just coming to an end', { retryAfterMs: 1000 })
  return running
}

export function listVerifications(db: Database, userId: string, storageId: string | null): Promise<Verification[]> {
  return db.query(`SELECT ${columns} FROM verifications WHERE user_id = $1 AND ($2::uuid IS NULL OR storage_id = $2) ORDER BY started_at`, [
    userId,
    storageId,
  ])
}

/** Takes the one that nobody has worked at for the longest, of whomever. Should we die, another takes it after `holdMs`. */
export async function claimVerification(db: Database, holdMs: number): Promise<Due | null> {
  const [row] = await asService(() =>
    db.query<Due>(
      `UPDATE verifications v SET held_until = now() + $1 * interval '1 millisecond'
       FROM (SELECT user_id, storage_id FROM verifications WHERE state = 'running' AND held_until <= now()
             ORDER BY held_until LIMIT 1 FOR UPDATE SKIP LOCKED) AS next
       WHERE v.user_id = next.user_id AND v.storage_id = next.storage_id
       RETURNING v.user_id AS "userId", v.storage_id AS "storageId", v.step, v.after, v.is_folder_gone AS "isFolderGone"`,
      [holdMs],
    ),
  )
  return row ?? null
}

/** Goes on holding it. */
export async function holdVerification(db: Database, { userId, storageId }: Due, holdMs: number): Promise<void> {
  await db.query(
    `UPDATE verifications SET held_until = now() + $3 * interval '1 millisecond' WHERE user_id = $1 AND storage_id = $2 AND state = 'running'`,
    [userId, storageId, holdMs],
  )
}

/** What was looked at since, and up to where. */
export async function noteProgress(
  db: Database,
  { userId, storageId }: Due,
  { step, after, pages = 0, files = 0, bytes = 0 }: { step: Step; after: string; pages?: number; files?: number; bytes?: number },
): Promise<void> {
  await db.query(
    `UPDATE verifications SET step = $3, after = $4, pages = pages + $5, files = files + $6, bytes = bytes + $7
     WHERE user_id = $1 AND storage_id = $2 AND state = 'running'`,
    [userId, storageId, step, after, pages, files, bytes],
  )
}

/** Nobody works at it for so long. */
export async function restVerification(db: Database, { userId, storageId }: Due, waitMs: number, reason: string | null): Promise<void> {
  await db.query(
    `UPDATE verifications SET held_until = now() + $3 * interval '1 millisecond', reason = $4 WHERE user_id = $1 AND storage_id = $2`,
    [userId, storageId, waitMs, reason],
  )
}

export async function endVerification(
  db: Database,
  { userId, storageId }: Due,
  { state, reason }: { state: 'done' | 'failed'; reason: string | null },
): Promise<void> {
  await db.query('UPDATE verifications SET state = $3, reason = $4, finished_at = now() WHERE user_id = $1 AND storage_id = $2', [
    userId,
    storageId,
    state,
    reason,
  ])
}

export interface PageToCheck {
  path: string
  month: string
  network: string
  accountId: string
  contentType: ContentType
  connectionId: string
  stream: string
  revision: string | null
  sha256: string | null
  isWritten: boolean
}

/** The next page files in the order of their paths. What a page is of is told by its items: one without any is of nobody any more. */
export function pagesAfter(db: Database, userId: string, storageId: string, after: string, limit: number): Promise<PageToCheck[]> {
  return db.query(
    `SELECT p.path, p.month, p.revision, p.sha256, p.is_written AS "isWritten", i.network, i.account_id AS "accountId", i.content_type AS "contentType",
       i.connection_id AS "connectionId", i.stream
     FROM pages p CROSS JOIN LATERAL (
       SELECT network, account_id, content_type, connection_id, stream FROM items i WHERE i.user_id = p.user_id AND i.storage_id = p.storage_id AND i.path = p.path LIMIT 1) AS i
     WHERE p.user_id = $1 AND p.storage_id = $2 AND p.path COLLATE "C" > $3 ORDER BY p.path COLLATE "C" LIMIT $4`,
    [userId, storageId, after, limit],
  )
}

/** The page was seen to be as that version of it should be. */
export async function noteVerified(db: Database, userId: string, storageId: string, path: string, sha256: string): Promise<void> {
  await db.query(
    'UPDATE pages SET verified_at = now() WHERE user_id = $1 AND storage_id = $2 AND path = $3 AND sha256 = $4 AND is_written',
    [userId, storageId, path, sha256],
  )
}

/** The page is read before it is believed, by whoever comes next. */
export async function doubtPage(db: Database, userId: string, storageId: string, path: string): Promise<void> {
  await db.query('UPDATE pages SET is_written = false WHERE user_id = $1 AND storage_id = $2 AND path = $3', [userId, storageId, path])
}

export interface MediaToCheck {
  sha256: string
  path: string
  bytes: number
}

/** The next files in the order of their paths: those that count as stored. */
export function mediaAfter(db: Database, userId: string, storageId: string, after: string, limit: number): Promise<MediaToCheck[]> {
  return db.query(
    `SELECT sha256, path, bytes FROM media WHERE user_id = $1 AND storage_id = $2 AND is_stored AND path COLLATE "C" > $3
     ORDER BY path COLLATE "C" LIMIT $4`,
    [userId, storageId, after, limit],
  )
}

export async function noteMediaChecked(
  db: Database,
  userId: string,
  storageId: string,
  sha256: string,
  flaw: 'missing' | 'damaged' | null,
): Promise<void> {
  await db.query(
    `UPDATE media SET flaw = $4, verified_at = CASE WHEN $4::text IS NULL THEN now() END, shown_by = NULL
     WHERE user_id = $1 AND storage_id = $2 AND sha256 = $3 AND is_stored`,
    [userId, storageId, sha256, flaw],
  )
}

/** Paths of the files with a flaw. */
export async function flawedMedia(db: Database, userId: string, storageId: string): Promise<Set<string>> {
  const rows = await db.query<{ path: string }>('SELECT path FROM media WHERE user_id = $1 AND storage_id = $2 AND flaw IS NOT NULL', [
    userId,
    storageId,
  ])
  return new Set(rows.map(({ path }) => path))
}

/** These items of a page show these files. */
export async function noteShown(
  db: Database,
  userId: string,
  storageId: string,
  page: string,
  shown: readonly { id: string; path: string }[],
): Promise<void> {
  if (shown.length === 0) return
  await db.query(
    `UPDATE media m SET shown_by = array(SELECT DISTINCT unnest(m.shown_by || s.keys) LIMIT 100)
     FROM (SELECT w.path, array_agg(i.key) AS keys FROM unnest($4::text[], $5::text[]) AS w (id, path)
           JOIN items i ON i.user_id = $1 AND i.storage_id = $2 AND i.path = $3 AND i.id = w.id GROUP BY w.path) AS s
     WHERE m.user_id = $1 AND m.storage_id = $2 AND m.path = s.path AND m.flaw IS NOT NULL`,
    [userId, storageId, page, shown.map(({ id }) => id), shown.map(({ path }) => path)],
  )
}
