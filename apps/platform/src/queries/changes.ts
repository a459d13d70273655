import { setTimeout as sleep } from 'node:timers/promises'
import { AshevilleError, type ContentType } from '@asheville/core'
import type { Database } from '@asheville/database'

/** The last change of an item. `changed` grows in the order in which a person's changes are seen. */
export interface ChangeRow {
  changed: number
  /** When it came into the index, counted as `changed`. */
  arrived: number
  key: string
  id: string
  network: string
  account: string
  contentType: ContentType
  at: string | null
  goneAt: string | null
}

const pauseMs = 25
const patienceMs = 8000

/**
 * Waits for its turn to change a person's items, until the end of the transaction: numbers of changes are given in the order of
 * commits, so that whoever has seen one has seen all before it. It comes before all other locks of the transaction.
 */
export async function takeTurn(tx: Database, userId: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pauseMs) {
    const [row] = await tx.query<{ isMine: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtextextended('changes of ' || $1, 0)) AS "isMine"`,
      [userId],
    )
    if (row?.isMine) return
    await sleep(pauseMs)
  }
  throw new AshevilleError('unavailable', 'Other syncs are writing to the index', { retryAfterMs: 2000 })
}

/** The next changes after that one, of all content types. */
export function changesAfter(db: Database, userId: string, after: number, limit: number): Promise<ChangeRow[]> {
  return db.query(
    `SELECT i.changed, i.arrived, i.key, i.id, i.network, a.handle AS account, i.content_type AS "contentType", i.at, i.gone_at AS "goneAt"
     FROM items i JOIN accounts a USING (user_id, storage_id, network, account_id)
     WHERE i.user_id = $1 AND i.changed > $2 ORDER BY i.changed LIMIT $3`,
    [userId, after, limit],
  )
}

/** 0 where there is none. */
export async function lastChange(db: Database, userId: string): Promise<number> {
  const [row] = await db.query<{ changed: number }>('SELECT coalesce(max(changed), 0) AS changed FROM items WHERE user_id = $1', [userId])
  return row?.changed ?? 0
}
