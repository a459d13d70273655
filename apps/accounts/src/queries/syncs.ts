import { AshevilleError } from '@asheville/core'
import type { Sync, Tally } from '@asheville/clients'
import type { Database } from '@asheville/database'
import { pageOf, type Position } from './page-position.ts'

interface Row extends Omit<Sync, 'tally'>, Tally {}

const select = `SELECT s.id, s.user_id AS "userId", s.trigger, s.state, s.created_at AS "createdAt", s.finished_at AS "finishedAt", t.*
  FROM syncs s CROSS JOIN LATERAL (
    SELECT coalesce(sum(new_items), 0)::bigint AS new, coalesce(sum(changed_items), 0)::bigint AS changed,
      coalesce(sum(unchanged_items), 0)::bigint AS unchanged, coalesce(sum(gone_items), 0)::bigint AS gone,
      coalesce(sum(skipped_items), 0)::bigint AS skipped
    FROM sync_jobs j WHERE j.sync_id = s.id) t`

function syncOf({ new: added, changed, unchanged, gone, skipped, ...sync }: Row): Sync {
  return { ...sync, tally: { new: added, changed, unchanged, gone, skipped } }
}

/** The person's sync; `not-found` when it is not theirs or never was. */
export async function getSync(db: Database, userId: string, syncId: string): Promise<Sync> {
  const [row] = await db.query<Row>(`${select} WHERE s.user_id = $1 AND s.id = $2`, [userId, syncId])
  if (!row) throw new AshevilleError('not-found', 'There is no such sync')
  return syncOf(row)
}

/** The id of the sync that runs for the person; null when none does. */
export async function findRunning(db: Database, userId: string): Promise<string | null> {
  const [row] = await db.query<{ id: string }>("SELECT id FROM syncs WHERE user_id = $1 AND state = 'running'", [userId])
  return row?.id ?? null
}

/** A page of the person's syncs, newest first. */
export async function listSyncs(
  db: Database,
  userId: string,
  { after, limit }: { after: Position | null; limit: number },
): Promise<{ syncs: Sync[]; next: string | null }> {
  const rows = await db.query<Row & { position: string }>(
    `${select.replace('SELECT', 'SELECT s.created_at::text AS position,')}
     WHERE s.user_id = $1 AND ($2::timestamptz IS NULL OR (s.created_at, s.id) < ($2, $3::uuid))
     ORDER BY s.created_at DESC, s.id DESC LIMIT $4`,
    [userId, after?.at ?? null, after?.id ?? null, limit + 1],
  )
  const { rows: page, next } = pageOf(rows, limit)
  return { syncs: page.map(({ position: _, ...row }) => syncOf(row)), next }
}

/** The sync that runs for the person, or a new one: never two at once. One that nobody had asked for is the person's from now on. */
export async function startSync(
  tx: Database,
  userId: string,
  syncId: string,
  trigger: Sync['trigger'],
): Promise<{ syncId: string; isNew: boolean }> {
  const [added] = await tx.query<{ id: string }>(
    `INSERT INTO syncs (id, user_id, trigger, state) VALUES ($2, $1, $3, 'running')
     ON CONFLICT (user_id) WHERE state = 'running' DO NOTHING RETURNING id`,
    [userId, syncId, trigger],
  )
  if (added) return { syncId: added.id, isNew: true }
  const [running] = await tx.query<{ id: string }>(
    "UPDATE syncs SET trigger = CASE trigger WHEN 'schedule' THEN $2 ELSE trigger END WHERE user_id = $1 AND state = 'running' RETURNING id",
    [userId, trigger],
  )
  // It cannot have ended in between: the person is locked by whoever starts and ends syncs.
  return { syncId: running!.id, isNew: false }
}

/** A sync that ended just now. */
export interface ClosedSync extends Sync {
  /** None of its jobs had anything to store. */
  isQuiet: boolean
}

/**
 * Ends those of the syncs, of whomever, that have no job left, and answers them. `as` says how they ended where the jobs do not: one that
 * was cancelled, whatever some of them had done before. The people are locked.
 */
export async function closeSyncs(
  tx: Database,
  syncs: readonly { userId: string; syncId: string }[],
  as: 'cancelled' | null,
): Promise<ClosedSync[]> {
  const rows = await tx.query<Row & { isQuiet: boolean }>(
    `WITH ended AS (
       UPDATE syncs s SET finished_at = now(), state = coalesce($3, (
         SELECT CASE WHEN bool_or(j.state = 'failed') THEN 'failed' WHEN bool_and(j.state = 'cancelled') THEN 'cancelled' ELSE 'done' END
         FROM sync_jobs j WHERE j.sync_id = s.id))
       WHERE (s.user_id, s.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND s.state = 'running'
         AND NOT EXISTS (SELECT FROM sync_jobs j WHERE j.sync_id = s.id AND j.finished_at IS NULL)
       RETURNING s.*)
     ${select.replace('FROM syncs s', 'FROM ended s').replace('SELECT', 'SELECT (SELECT bool_and(q.is_quiet) FROM sync_jobs q WHERE q.sync_id = s.id) AS "isQuiet",')}`,
    [syncs.map(({ userId }) => userId), syncs.map(({ syncId }) => syncId), as],
  )
  return rows.map(({ isQuiet, ...row }) => ({ ...syncOf(row), isQuiet }))
}

/** Where the items of the sync went. */
export async function listStoragesOf(db: Database, userId: string, syncId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>(
    `SELECT DISTINCT c.storage_id AS id FROM sync_jobs j JOIN connections c ON c.id = j.connection_id
     WHERE j.user_id = $1 AND j.sync_id = $2 AND c.storage_id IS NOT NULL`,
    [userId, syncId],
  )
  return rows.map(({ id }) => id)
}
